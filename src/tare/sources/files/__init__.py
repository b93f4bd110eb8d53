"""Folders, lists, archives of files."""
