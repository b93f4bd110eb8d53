"""Where the characters of a notebook's cells stand in its JSON, so that a change touches nothing else of the file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from tare.checking.linting.fixing.lines import Lines
from tare.code.place import Place

_BLANK = re.compile(r"[ \t\n\r]*")
# One character of a JSON string as it is written; two escapes may be one character beyond U+FFFF.
_CHARACTER = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\]", re.DOTALL)
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Cell:
    """The code of one cell, and of each of its characters where it begins and ends in the JSON."""

    lines: Lines
    spans: tuple[tuple[int, int], ...]

    def offsets(self, place: Place) -> tuple[int, int]:
        """Where a place of the cell begins and ends in the JSON.

        Raises ValueError for an empty place, and for one that reaches into another JSON string.
        """
        start, end = self.lines.offsets(place)
        if start == end:
            raise ValueError("it is empty")
        spans = self.spans[start:end]
        if any(before[1] != after[0] for before, after in pairwise(spans)):
            raise ValueError("it is in more than one string of the notebook")
        return spans[0][0], spans[-1][1]


def cells_of(text: str) -> list[Cell]:
    """The code cells of a notebook in nbformat 3 or 4. Raises ValueError for a text that is no notebook."""
    return [_cell(text, at) for at in _code_cells(text)]


def _code_cells(text: str) -> Iterator[int]:
    """Where the value of each code cell begins."""
    top = _blank(text, 0)
    members = dict(_members(text, top))
    if "cells" in members:
        sheets = [top]
    else:
        sheets = [at for at in _items(text, members["worksheets"]) if text[at] == "{"] if "worksheets" in members else []
    for sheet in sheets:
        for at in _items(text, dict(_members(text, sheet))["cells"]):
            cell = _value(text, at)[0]
            if isinstance(cell, dict) and cell.get("cell_type") == "code" and cell.get("language", "python") == "python":
                yield at


def _cell(text: str, at: int) -> Cell:
    members = dict(_members(text, at))
    source = members.get("source", members.get("input"))
    strings = [] if source is None else [source] if text[source] == '"' else list(_items(text, source))
    spans = [span for string in strings if text[string] == '"' for span in _characters(text, string)]
    code = "".join(text[start:end] if end - start == 1 else json.loads(f'"{text[start:end]}"') for start, end in spans)
    return Cell(Lines.of(code), tuple(spans))


def _characters(text: str, string: int) -> Iterator[tuple[int, int]]:
    """Where each character of the JSON string at an offset is written."""
    end = _value(text, string)[1] - 1
    at = string + 1
    while at < end:
        found = _CHARACTER.match(text, at, end)
        if found is None:
            raise ValueError("a JSON string ends within an escape")
        yield found.span()
        at = found.end()


def _members(text: str, at: int) -> Iterator[tuple[str, int]]:
    """The keys of the JSON object at an offset, and where their values begin."""
    if text[at : at + 1] != "{":
        raise ValueError("it is no object of JSON")
    at = _blank(text, at + 1)
    while text[at] != "}":
        key, at = _value(text, at)
        at = _blank(text, _blank(text, at) + 1)  # over the colon
        yield str(key), at
        at = _next(text, _value(text, at)[1])


def _items(text: str, at: int) -> Iterator[int]:
    """Where the items of the JSON list at an offset begin."""
    if text[at] != "[":
        raise ValueError("it is no list of JSON")
    at = _blank(text, at + 1)
    while text[at] != "]":
        yield at
        at = _next(text, _value(text, at)[1])


def _next(text: str, at: int) -> int:
    at = _blank(text, at)
    return _blank(text, at + 1) if text[at] == "," else at


def _value(text: str, at: int) -> tuple[object, int]:
    return _DECODER.raw_decode(text, at)


def _blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return at if found is None else found.end()
