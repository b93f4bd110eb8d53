"""One cell measured."""
