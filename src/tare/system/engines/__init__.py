"""Chunks mapped with the same result on each."""
