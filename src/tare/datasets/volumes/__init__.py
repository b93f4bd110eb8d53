"""Volumes and clips as labelled files, and their way to a network's size."""
