"""The command line, one file a command."""

from tare.cli.main import app, main

__all__ = ["app", "main"]
