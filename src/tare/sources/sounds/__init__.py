"""What networks for sound hear of a recording."""
