"""Of `tare transfer`."""
