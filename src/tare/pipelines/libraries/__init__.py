"""The transforms of each library as steps, one module per library."""
