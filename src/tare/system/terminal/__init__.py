"""What the standard streams get: text of others made harmless, and streams that tell when they cannot be written."""
