"""Read JSON documents that state a mean and a std, and say what fits a path that no reader takes."""
