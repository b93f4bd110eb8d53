"""Text that others wrote (names of files, classes and columns, messages of libraries), made harmless before anyone sees it."""

from __future__ import annotations

import html
import re

# Control characters; characters that take no room, turn the direction of writing or end a line (categories Cf, Zl and Zp);
# fillers that look like nothing; and surrogates, which stand for bytes of a file name that are no text.
_UNSEEN = (
    "\x00-\x1f\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
#: GitHub, Azure and TeamCity read commands in the output of programs.
COMMANDS = ("::", "##")
_IN_ONE_LINE = re.compile(f"[{_UNSEEN}]")
_IN_LINES = re.compile(f"(?!\n)[{_UNSEEN}]")


def visible(text: str) -> str:
    r"""The text in one line, with what a terminal or a page would obey or hide spelled out, such as ``\x1b`` and ``\u202e``."""
    return text if text.isascii() and text.isprintable() else _IN_ONE_LINE.sub(lambda found: _spelled(ord(found[0])), text)


def visible_lines(text: str) -> str:
    """The same for text of several lines, whose line breaks are its own."""
    return _IN_LINES.sub(lambda found: _spelled(ord(found[0])), text)


def beginning(text: str) -> str:
    """The same for text that begins a line, where CI servers would obey one that begins as their commands do."""
    return visible(f"./{text}" if text.startswith(COMMANDS) else text)


def escape(text: str) -> str:
    """Text as it stands in HTML, between tags and in quoted attributes: shown, and not obeyed."""
    return html.escape(visible_lines(text))


def _spelled(point: int) -> str:
    if 0xDC80 <= point <= 0xDCFF:  # a byte of a file name that is no UTF-8
        return f"\\x{point - 0xDC00:02x}"
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
