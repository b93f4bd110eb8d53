"""Which quote signs of a CSV quote: those at the beginning of a cell and their ends, as in RFC 4180 and Python's csv."""

from __future__ import annotations

import re
from functools import cache


def without_literal(data: bytes, delimiter: str) -> bytes:
    """Whole lines with an apostrophe for each quote sign that stands for itself, such as that of 5" within a cell.

    No byte moves, and what is left of quote signs opens and closes by turns. The last cell may be left open.
    """
    if b'"' not in data:
        return data
    return _pattern(delimiter).sub(lambda found: found[1] or b"'", data)


@cache
def _pattern(delimiter: str) -> re.Pattern[bytes]:
    """A quoted cell, in which two quote signs are one (the first group), or another quote sign."""
    sign = re.escape(delimiter.encode())
    return re.compile(rb"((?<![^\n" + sign + rb'])"[^"]*+(?:""[^"]*+)*+(?:"|\Z))|"')
