"""Scenes: georeferenced rasters and microscopy, read in windows."""
