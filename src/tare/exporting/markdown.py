"""Names from elsewhere as plain text in Markdown: nothing in them is a tag, a link, a heading or a list."""

from __future__ import annotations

import html
import re

_LONGEST = 200
_ANYWHERE = re.compile(r"([\\`*_{}\[\]()#!|~$])")
_AT_THE_START = re.compile(r"^([-+=]|\d+(?=[.)]))")  # a list, a rule or a numbered list
_ADDRESS = re.compile(r"(:(?=//)|(?<=www)\.|@)", re.IGNORECASE)


def escaped(text: str) -> str:
    """One line of text that Markdown and HTML show as it is; control characters become spaces, the long is cut."""
    line = _one_line(text)
    line = line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
    safe = _ANYWHERE.sub(r"\\\1", html.escape(line, quote=False))
    safe = _AT_THE_START.sub(lambda found: f"&#{ord(found[1][0])};{found[1][1:]}", safe)
    # As a character reference an address stays text, for the renderers that link bare ones.
    return _ADDRESS.sub(lambda found: f"&#{ord(found[1])};", safe)


def _one_line(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in text.encode("utf-8", "replace").decode())
    return " ".join(printable.split())
