"""Pipelines of any library as steps in common words, and what those steps together do to raw values."""
