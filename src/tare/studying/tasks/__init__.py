"""What is transferred between."""
