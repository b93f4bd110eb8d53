"""Live progress of a study: cells done, time left, and the strategy that is ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tare.reporting.console import err, shown
from tare.studying.execution.standing import Standing


@contextmanager
def watching(total: int) -> Iterator[Callable[[Sequence[dict[str, Any]]], None]]:
    """Show a progress bar if standard error is a terminal; yields the function that takes the rows of finished cells."""
    columns = (
        SpinnerColumn(),
        TextColumn("measuring"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("cells"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[ahead]}"),
    )
    standing = Standing()
    with Progress(
        *columns, console=err, transient=True, disable=not err.is_terminal or not total, speed_estimate_period=600
    ) as bar:
        task = bar.add_task("", total=total, ahead="")

        def tell(rows: Sequence[dict[str, Any]]) -> None:
            standing.add(rows)
            bar.update(task, advance=len(rows), ahead=shown(standing.text()))

        yield tell
