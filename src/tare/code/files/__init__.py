"""Files of a repository: found, read as text, and parsed."""
