"""Normalisation constants and strategies, and applying them."""
