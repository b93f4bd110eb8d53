"""Labelled splits, and batches of them."""
