"""Sources of arrays, one file per format."""
