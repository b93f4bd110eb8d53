"""Places of a text as offsets, where lines end as in the file."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tare.code.place import Place

_LINE_END = re.compile("\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Lines:
    """A text with the offsets at which its lines begin and end."""

    text: str
    spans: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, text: str) -> Lines:
        """The lines of a text, whichever of the three line ends it uses."""
        ends = [(found.start(), found.end()) for found in _LINE_END.finditer(text)]
        starts = [0, *(end for _, end in ends)]
        return cls(text, tuple(zip(starts, [*(start for start, _ in ends), len(text)], strict=True)))

    def line(self, number: int) -> str:
        """One line, from 1, without its end. Raises ValueError if there is none."""
        start, end = self._span(number)
        return self.text[start:end]

    def offsets(self, place: Place) -> tuple[int, int]:
        """Where a place begins and ends in the text. Raises ValueError for a place outside of it."""
        start = self._offset(place.line, place.column)
        end = self._offset(place.end_line or place.line, place.end_column or place.column)
        if end < start:
            raise ValueError("its end is before its start")
        return start, end

    def _offset(self, line: int, column: int) -> int:
        start, end = self._span(line)
        if not 1 <= column <= end - start + 1:
            raise ValueError(f"line {line} has no column {column}")
        return start + column - 1

    def _span(self, line: int) -> tuple[int, int]:
        if not 1 <= line <= len(self.spans):
            raise ValueError(f"it has no line {line}")
        return self.spans[line - 1]
