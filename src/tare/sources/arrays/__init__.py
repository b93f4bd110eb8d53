"""One file a format of arrays."""
