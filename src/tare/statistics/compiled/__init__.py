"""Loops over values, compiled by Numba; :mod:`tare.statistics.plain` has the same in NumPy."""
