"""Engines: how chunks are mapped, with the same result on each."""
