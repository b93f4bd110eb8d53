"""Measuring the cells of a study."""
