"""Progress and remarks of long work, independent of where they are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, runtime_checkable

#: Called with the number of samples or steps done since the last call.
Advance = Callable[[int], None]


class Counted(Protocol):
    """Progress that also shows a remark, and the time left of work that knows it better than its count."""

    def __call__(self, count: int, remark: str = "", left: float | None = None) -> None:
        """Count ``count`` more samples or steps; ``left`` is in seconds."""


@runtime_checkable
class Expecting(Protocol):
    """Progress that can be told later how many steps there are in all."""

    def expect(self, total: float) -> None:
        """Say how many steps there are in all."""


def expect(progress: object, number: Callable[[], float | None]) -> None:
    """Tell ``progress`` how many steps there are; ``number`` is only asked if it wants to know, and may not know either."""
    if isinstance(progress, Expecting) and (total := number()) is not None:
        progress.expect(total)


class Reporter(Protocol):
    """Shows remarks and progress: on a terminal, in a notebook, or not at all."""

    def note(self, message: str) -> None:
        """Show a remark of one line."""

    def working(self, what: str) -> AbstractContextManager[None]:
        """Show what is being done while the context lasts."""

    def counting(self, what: str, unit: str, total: int | None = None) -> AbstractContextManager[Counted]:
        """Show the progress of ``what``, counted in ``unit``, while the context lasts."""


class Silent:
    """A reporter that shows nothing."""

    def note(self, message: str) -> None:
        """Drop the message."""

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        """Drop the message."""
        del what
        yield

    @contextmanager
    def counting(self, what: str, unit: str, total: int | None = None) -> Iterator[Counted]:
        """Drop the counts."""
        del what, unit, total
        yield _nothing


def _nothing(count: int, remark: str = "", left: float | None = None) -> None:
    del count, remark, left


SILENT = Silent()
