"""Of `tare demo`."""
