"""The exact, mergeable state of a measurement, and the statistics and intervals that follow from it."""
