"""Threads that the system gave, and that ended before they began."""

from __future__ import annotations

import threading
from typing import Any

#: A thread says within microseconds that it runs; on a machine that is overloaded, within seconds.
_SECONDS = 30.0
_START = threading.Thread.start


class _Begun(threading.Event):
    """What a thread sets as soon as it runs, and its starter waits for."""

    def wait(self, timeout: float | None = None) -> bool:
        begun = super().wait(_SECONDS if timeout is None else timeout)
        if timeout is None and not begun:
            raise MemoryError(f"a thread did not begin within {_SECONDS:g} seconds")
        return begun


def notice_lost_threads() -> None:
    """Let ``Thread.start`` raise MemoryError for a thread that ran out of memory before it could say that it runs.

    CPython waits for it for ever (its issue 140746): under a small ``ulimit -v`` a command would hang. Libraries have threads,
    too.
    """

    def start(thread: Any) -> None:
        if type(getattr(thread, "_started", None)) is threading.Event:
            thread._started = _Begun()
        _START(thread)

    threading.Thread.start = start  # type: ignore[assignment, method-assign]
