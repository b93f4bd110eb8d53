"""Findings as text, and in the formats of the tools that show them: one file a format."""
