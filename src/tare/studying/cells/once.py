"""Work that later units of a study are spared, since its result is kept: how long it took in this process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

_seconds: list[float] = []


@contextmanager
def once() -> Iterator[None]:
    """Note how long the block takes."""
    begun = time.perf_counter()
    yield
    _seconds.append(time.perf_counter() - begun)


def taken() -> float:
    """The seconds noted since the last call."""
    total = sum(_seconds)
    _seconds.clear()
    return total
