"""Progress where there is no terminal: a plain line a minute."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tare.system.pacing.pace import Pace, duration, line

#: Seconds between two lines.
EVERY = 60.0


class Logged:
    """The progress of one piece of work, counted in ``unit``, as lines for ``write``; the first comes after ``EVERY`` seconds."""

    def __init__(
        self, what: str, unit: str, total: float | None, write: Callable[[str], None], clock: Callable[[], float]
    ) -> None:
        self._what, self._unit, self._write, self._clock = what, unit, write, clock
        self._pace, self._remark, self._told = Pace(clock(), total), "", False

    def __call__(self, count: float, remark: str = "", left: float | None = None) -> None:
        """Count ``count`` more steps, and keep ``remark``; ``left`` are the seconds left, where the work knows better."""
        self._pace.advance(count, self._clock(), left)
        self._remark = remark

    def expect(self, total: float) -> None:
        """Say how many steps there are in all."""
        self._pace.total = total

    def tell(self) -> None:
        """Write a line about how far the work is."""
        self._told = True
        self._write(line(self._what, self._unit, self._pace, self._clock(), self._remark))

    def end(self) -> None:
        """Write how long the work took, if anything was written before."""
        if self._told:
            count = f"{self._pace.done:,.0f} {self._unit} " if self._unit else ""
            self._write(f"{self._what}: {count}done in {duration(self._clock() - self._pace.begun)}")


#: Work within work: lines tell of the innermost.
_under_way: list[Logged] = []


@contextmanager
def logged(what: str, unit: str, total: float | None, write: Callable[[str], None]) -> Iterator[Logged]:
    """Write a line a minute about the work of the block, from a thread of its own: a long step is told of, too."""
    progress, ended = Logged(what, unit, total, write, time.monotonic), threading.Event()

    def told() -> None:
        while not ended.wait(EVERY):
            if _under_way[-1:] == [progress]:
                progress.tell()

    teller = threading.Thread(target=told, daemon=True, name="progress")
    _under_way.append(progress)
    teller.start()
    try:
        yield progress
        progress.end()
    finally:
        _under_way.remove(progress)
        ended.set()
        teller.join()
