"""Sounds in code: how they are loaded and resampled, and what networks and feature extractors expect of them."""
