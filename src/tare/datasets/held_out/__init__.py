"""Labelled data that are scored once, after training."""
