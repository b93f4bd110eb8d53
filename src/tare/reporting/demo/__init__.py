"""The results of `tare demo`."""
