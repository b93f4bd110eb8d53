"""Malformed and hostile files, given to every command that reads such files."""
