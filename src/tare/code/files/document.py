"""One file as text, with the places of its lines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tare.code.files.links import NO_LINKS, Links
from tare.code.place import Place

Kind = Literal["python", "notebook", "configuration"]

#: The line of :attr:`Document.ignores` that stands for the whole file.
WHOLE_FILE = 0

_LINE_END = re.compile("\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Document:
    r"""The text of one file of a repository.

    ``text`` has no byte order mark, and its lines end with ``\n``, whatever they end with in the file. Of a notebook, it is the
    code of its cells, one after the other, with magics, shell lines and cells that are no Python made blank; ``cells`` has the
    first line of each code cell in ``text``, from 1. ``ignores`` has the codes that a comment ``# tare: ignore[CODE]`` leaves
    out, by line of ``text``; an empty set stands for every code, and line 0 for the whole file (``# tare: ignore-file``).
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
        lines = _LINE_END.split(self.text)
        return lines[number - 1] if 0 < number <= len(lines) else ""

    def leaves_out(self, code: str, *lines: int) -> bool:
        """Whether a comment leaves out findings of ``code`` in one of these lines of ``text``, or in the whole file."""
        codes = [self.ignores[line] for line in (WHOLE_FILE, *lines) if line in self.ignores]
        return any(not each or code in each for each in codes)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was not read, or of which a part was not read, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """The files of the given paths in the order of their names, what of them was not read, and the links to them."""

    documents: tuple[Document, ...]
    skipped: tuple[Skipped, ...] = ()
    links: Links = NO_LINKS
