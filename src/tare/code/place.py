"""Where something stands in a file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A part of a file: lines and columns count from 1, ``end_column`` is the column after the last character.

    ``path`` is relative to where the check began, with ``/``. In a notebook ``cell`` counts code cells from 1, and ``line``
    counts within the cell; elsewhere ``cell`` is 0.
    """

    path: str
    line: int = 1
    column: int = 1
    end_line: int = 0
    end_column: int = 0
    cell: int = 0

    def __str__(self) -> str:
        """The place as editors and terminals take it: ``PATH:LINE:COLUMN``, or ``PATH:code cell N:LINE:COLUMN``."""
        cell = f"code cell {self.cell}:" if self.cell else ""
        return f"{self.path}:{cell}{self.line}:{self.column}"
