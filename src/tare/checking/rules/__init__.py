"""Evidence, rules and findings. A rule's story is the docstring of its function."""
