"""Text of files and paths where CI servers read it: nothing in it begins a command."""

from __future__ import annotations

from tare.system.terminal.harmless import visible


def command_data(text: str) -> str:
    """The message of a workflow command of GitHub."""
    return visible(text).replace("%", "%25")


def command_property(text: str) -> str:
    """A property of a workflow command of GitHub, which ends at a comma or a colon."""
    return command_data(text).replace(":", "%3A").replace(",", "%2C")
