"""Statistics that libraries keep in pickles, read without unpickling."""
