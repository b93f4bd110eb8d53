"""Formats in which a trained model leaves the program, one file a format; :mod:`tare.exporting` puts them together."""
