"""Other libraries' configurations as fields, and back."""
