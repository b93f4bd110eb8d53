"""What is measured for advice."""
