"""What calls of libraries do, read from their arguments: one file a library."""
