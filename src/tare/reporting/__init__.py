"""Rendering of results; nothing is computed here."""
