"""Map a function over chunks with threads on this machine, giving results in order and holding few of them at a time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Literal, TypeVar

#: Where chunks are mapped: on this machine, or on a Ray cluster.
Engine = Literal["local", "ray"]

T = TypeVar("T")
R = TypeVar("R")


def default_workers() -> int:
    """As many workers as this process may use processors."""
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def ordered_map(function: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[R]:
    """Yield ``function(item)`` for every item, in the items' order, with at most ``2 * workers`` of them under way.

    Decoding and counting release the GIL, so threads suffice. On an error or an interrupt, what has not begun is cancelled.
    """
    if workers <= 1:
        yield from map(function, items)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="tare")
    pending: deque[Future[R]] = deque()
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) >= 2 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
