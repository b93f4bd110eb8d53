"""Running a study: measuring all cells in processes, and keeping the results."""
