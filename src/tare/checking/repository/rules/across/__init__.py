"""Rules that compare files which do not import each other, on what was kept of each group of files."""
