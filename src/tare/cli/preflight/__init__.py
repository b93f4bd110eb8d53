"""Mistakes of usage, told before a command loads the libraries that it works with."""
