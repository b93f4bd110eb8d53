"""Text of files and paths made harmless: nothing in it moves a cursor, hides a character or begins a command."""

from __future__ import annotations

import re

# Control characters, those that turn the direction of text, line separators, and bytes of names that are no text.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")

# GitHub, Azure and TeamCity read commands in the output of programs.
_COMMANDS = ("::", "##")


def visible(text: str) -> str:
    r"""The text in one line, with what a terminal would obey or hide spelled out, such as ``\x1b``."""
    return _UNSEEN.sub(lambda found: _spelled(ord(found[0])), text)


def line_start(path: str) -> str:
    """A path at the beginning of a line, where CI servers would obey one that begins as their commands do."""
    return visible(f"./{path}" if path.startswith(_COMMANDS) else path)


def command_data(text: str) -> str:
    """The message of a workflow command of GitHub."""
    return visible(text).replace("%", "%25")


def command_property(text: str) -> str:
    """A property of a workflow command of GitHub, which ends at a comma or a colon."""
    return command_data(text).replace(":", "%3A").replace(",", "%2C")


def _spelled(point: int) -> str:
    if 0xDC80 <= point <= 0xDCFF:  # a byte of a file name that is no UTF-8
        return f"\\x{point - 0xDC00:02x}"
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"
