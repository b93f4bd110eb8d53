"""Of `tare study`."""
