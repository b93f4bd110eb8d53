"""Live progress of a study: cells done, time left, and the strategy that is ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tare.reporting.console import counting
from tare.studying.execution.standing import Standing


@contextmanager
def watching(total: int) -> Iterator[Callable[[Sequence[dict[str, Any]], float | None], None]]:
    """Show a progress bar of ``total`` cells; yields the function that takes the rows of finished cells, and the seconds left."""
    standing = Standing()
    with counting("measuring", "cells", total) as update:

        def add(rows: Sequence[dict[str, Any]], left: float | None) -> None:
            standing.add(rows)
            update(len(rows), standing.text(), left)

        yield add
