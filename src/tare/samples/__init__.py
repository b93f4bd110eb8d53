"""What one sample is, and bytes to raw values."""
