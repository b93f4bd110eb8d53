"""Progress on a terminal: a bar with the share done, the speed and the time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from tare.system.pacing.pace import Pace, duration, rate


class Bar:
    """A bar that moves when it is called, with the time left of :class:`Pace`; a spinner for work without a unit and a total."""

    def __init__(self, what: str, unit: str, total: float | None, console: Console, clean: Callable[[str], str]) -> None:
        self._clean, self._pace = clean, Pace(time.monotonic(), total)
        counted: tuple[ProgressColumn, ...] = (TextColumn("{task.percentage:.0f} %"),) if total else ()
        if unit:
            counted = (MofNCompleteColumn(), TextColumn(unit + " {task.fields[rate]}"))
        columns = (SpinnerColumn(), TextColumn("{task.description}"), *((BarColumn(), *counted) if counted else ()))
        # Rich would send what is printed meanwhile to the bar's stream, so that a redirected output would lack it.
        redirected = sys.stdout.isatty()
        self.bar = Progress(
            *columns, TimeElapsedColumn(), _Left(self._pace), TextColumn("{task.fields[remark]}"),
            console=console, transient=True, redirect_stdout=redirected,
        )  # fmt: skip
        self._task = self.bar.add_task(escape(clean(what)), total=total, rate="", remark="")

    def __call__(self, count: float, remark: str = "", left: float | None = None) -> None:
        """Move the bar by ``count``, and show ``remark``; ``left`` are the seconds left, where the work knows better."""
        self._pace.advance(count, time.monotonic(), left)
        self.bar.update(self._task, advance=count, remark=escape(self._clean(remark)), rate=rate(self._pace.speed()))

    def expect(self, total: float) -> None:
        """Say how many steps there are in all."""
        self._pace.total = total
        self.bar.update(self._task, total=total)


class _Left(TextColumn):
    """The time left, in words."""

    def __init__(self, pace: Pace) -> None:
        super().__init__("")
        self._pace = pace

    def render(self, task: Task) -> Text:
        """The time left of the work; nothing before it is known."""
        del task
        left = self._pace.left(time.monotonic())
        return Text("" if left is None else f"{duration(left)} left", style="progress.remaining")


#: The bars of work within work; a terminal has room for the innermost.
_under_way: list[Bar] = []


@contextmanager
def barred(what: str, unit: str, total: float | None, console: Console, clean: Callable[[str], str]) -> Iterator[Bar]:
    """Show a bar on ``console`` until the block ends; ``clean`` takes from texts what would command the terminal."""
    outer, made = _under_way[-1:], Bar(what, unit, total, console, clean)
    for each in outer:
        each.bar.stop()
    _under_way.append(made)
    try:
        with made.bar:
            yield made
    finally:
        _under_way.remove(made)
        for each in outer:
            each.bar.start()
