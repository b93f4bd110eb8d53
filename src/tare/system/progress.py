"""How long work tells what it is doing, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

#: Called with the number of samples or steps done since the last call.
Advance = Callable[[int], None]


class Reporter(Protocol):
    """Where remarks and progress go: a terminal, a notebook, or nowhere."""

    def note(self, message: str) -> None:
        """Say something that the user should know, in one line."""

    def counting(self, what: str, unit: str, total: int | None = None) -> AbstractContextManager[Advance]:
        """Show the progress of ``what``, counted in ``unit``, while the context lasts."""


class Silent:
    """A reporter that says nothing."""

    def note(self, message: str) -> None:
        """Drop the message."""

    @contextmanager
    def counting(self, what: str, unit: str, total: int | None = None) -> Iterator[Advance]:
        """Count for nobody."""
        del what, unit, total
        yield _drop


def _drop(count: int) -> None:
    del count


SILENT = Silent()
