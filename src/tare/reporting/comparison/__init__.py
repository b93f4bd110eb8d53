"""Of `tare compare`."""
