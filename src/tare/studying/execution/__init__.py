"""All cells, over processes, kept."""
