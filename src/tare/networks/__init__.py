"""Build a network; what it and its user state of its input."""
