"""The results of `tare transfer`."""
