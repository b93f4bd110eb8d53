"""The command line, one file a command; :mod:`tare.cli.main` puts them together."""
