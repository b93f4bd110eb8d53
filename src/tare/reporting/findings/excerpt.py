"""A source line with carets below the part that a finding means."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len
from rich.text import Text

from tare.code.place import Place
from tare.system.terminal.harmless import visible

_INDENT = "  "
#: The most characters of a source line that are shown, and how many of them may stand before the carets.
_WIDEST = 120
_BEFORE = 40


def excerpt(place: Place, source: str) -> Iterator[Text]:
    """The line with its number, then the carets; a long line is cut around them. Nothing of a line that is not known."""
    if not source.strip():
        return
    start, end = _meant(place, source)
    first = _first(source, start)
    cut = "…" if source[:first].strip() else ""
    margin = " " * len(str(place.line))
    lead = cut + visible(source[first:start])
    below = visible(source[start : min(end, first + _WIDEST)])
    shown = visible(source[first : first + _WIDEST].rstrip())
    yield Text.assemble(f"{_INDENT}{place.line} ", ("| ", "blue"), cut, shown)
    carets = "^" * max(cell_len(below), 1)
    yield Text.assemble(f"{_INDENT}{margin} ", ("| ", "blue"), " " * cell_len(lead), (carets, "bold red"))


def _meant(place: Place, source: str) -> tuple[int, int]:
    """Where the part begins and ends in the line, from 0; a part of several lines ends with the first."""
    start = min(max(place.column - 1, 0), len(source))
    if place.end_line > place.line:
        return start, len(source.rstrip())
    return start, max(place.end_column - 1, start + 1)


def _first(source: str, start: int) -> int:
    """The first character that is shown: not the indentation, and of a long line a little before the part."""
    indentation = min(len(source) - len(source.lstrip()), start)
    fits = len(source) - indentation <= _WIDEST or start - indentation < _WIDEST // 2
    return indentation if fits else start - _BEFORE
