"""Handing over between two steps: the second gives the same answer however the same data are told."""
