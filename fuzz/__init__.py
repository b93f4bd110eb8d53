"""Fuzzing of the parsers that are tare's own: whatever bytes they are given, nothing but a typed error may come out."""
