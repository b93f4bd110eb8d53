"""Trackers of experiments that people have: what a run logs, one file a library."""
