"""Progress on a terminal: a bar with the share done, the speed and the time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from tare.system.pacing.pace import Pace, duration


class Bar:
    """A bar that moves when it is called; its time left is that of :class:`Pace`."""

    def __init__(self, what: str, unit: str, total: float | None, console: Console, clean: Callable[[str], str]) -> None:
        self._unit, self._clean, self._pace = unit, clean, Pace(time.monotonic(), total)
        counted = (
            (MofNCompleteColumn(), TextColumn(unit + " {task.fields[rate]}"))
            if unit
            else (TextColumn("{task.percentage:.0f} %"),)
        )
        self.bar = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), *counted, TimeElapsedColumn(), _Left(self._pace),
            TextColumn("{task.fields[remark]}"), console=console, transient=True,
        )  # fmt: skip
        self._task = self.bar.add_task(escape(what), total=total, rate="", remark="")

    def __call__(self, count: float, remark: str = "") -> None:
        """Move the bar by ``count``, and show ``remark`` at its end."""
        self._pace.advance(count, time.monotonic())
        speed = self._pace.speed()
        rate = f"{speed:,.3g}/s" if speed and speed < 10 else f"{speed:,.0f}/s" if speed else ""
        self.bar.update(self._task, advance=count, remark=escape(self._clean(remark)), rate=rate)

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


@contextmanager
def barred(what: str, unit: str, total: float | None, console: Console, clean: Callable[[str], str]) -> Iterator[Bar]:
    """Show a bar on ``console`` until the block ends; ``clean`` takes from remarks what would command the terminal."""
    shown = Bar(what, unit, total, console, clean)
    with shown.bar:
        yield shown
