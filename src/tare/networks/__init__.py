"""Build networks, and settle the input specification that a network and its user state."""
