"""The whole idea in a minute."""
