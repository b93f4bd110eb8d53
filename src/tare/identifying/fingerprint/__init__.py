"""What batch norm remembers, predicted."""
