"""Sources of samples, one small file per format."""
