"""Exact mergeable state of a measurement, its figures and intervals."""
