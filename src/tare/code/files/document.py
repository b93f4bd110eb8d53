"""One file as text, with the places of its lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tare.code.place import Place

Kind = Literal["python", "notebook", "configuration"]


@dataclass(frozen=True, slots=True)
class Document:
    """The text of one file of a repository.

    Of a notebook, ``text`` is the code of its cells, one after the other, with magics and shell lines made blank; ``cells`` has
    the first line of each cell in ``text``, from 1. ``ignores`` has the codes that a comment ``# tare: ignore[CODE]`` leaves out,
    by line of ``text``; an empty set stands for every code.
    """

    path: str
    kind: Kind
    text: str
    cells: tuple[int, ...] = ()
    ignores: Mapping[int, frozenset[str]] = field(default_factory=dict)

    def place(self, line: int, column: int = 1, end_line: int = 0, end_column: int = 0) -> Place:
        """The place in the file of a line and column in ``text``."""
        cell = sum(first <= line for first in self.cells)
        before = self.cells[cell - 1] - 1 if cell else 0
        return Place(self.path, line - before, column, max(end_line - before, 0), end_column, cell)

    def line(self, number: int) -> str:
        """One line of ``text``, from 1, without its end; empty if there is none."""
        lines = self.text.splitlines()
        return lines[number - 1] if 0 < number <= len(lines) else ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was not read, and why."""

    path: str
    reason: str
