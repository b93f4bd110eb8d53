"""Constants, strategies, and their application."""
