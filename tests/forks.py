"""Processes that are forked, as workers of a server are."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any


def forked(work: Callable[[], object]) -> None:
    """Do some work in a forked process, which must succeed."""
    child = os.fork()
    if not child:
        code = 1
        with contextlib.suppress(BaseException):
            work()
            code = 0
        os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


@contextlib.contextmanager
def held_elsewhere(lock: AbstractContextManager[Any, Any]) -> Iterator[None]:
    """Another thread holds a lock meanwhile."""
    holds, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            holds.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    assert holds.wait(60)
    try:
        yield
    finally:
        done.set()
        thread.join()
