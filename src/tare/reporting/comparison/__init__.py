"""The results of `tare compare`."""
