"""Certain changes of files: planned, shown as a difference, and written whole or not at all."""
