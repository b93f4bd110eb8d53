"""Pipelines of any library as steps with common names, and what these steps together do to raw values."""
