"""The network that is served."""
