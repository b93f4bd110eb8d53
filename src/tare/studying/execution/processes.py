"""Map units of a study over processes, so that it can be stopped at any time and leaves no process behind."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.context import ForkServerContext
from typing import Any, TypeVar

from tare.errors import DataError
from tare.system.engines.local import Engine

T = TypeVar("T")
R = TypeVar("R")

#: Modules loaded once by the process that workers are forked from.
_PRELOADED = ["tare.studying.execution.worker"]


class Stopping:
    """Whether the user asked to stop: the first interrupt asks, the second raises ``KeyboardInterrupt``."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self, *_: Any) -> None:
        """Handle an interrupt."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def stoppable() -> Iterator[Stopping]:
    """Turn the first Ctrl-C into a request to stop; outside the main thread signals are not handled."""
    stopping = Stopping()
    if threading.current_thread() is not threading.main_thread():
        yield stopping
        return
    before = signal.signal(signal.SIGINT, stopping.ask)
    try:
        yield stopping
    finally:
        signal.signal(signal.SIGINT, before)


def mapped(
    function: Callable[[T], R], units: Sequence[T], workers: int, engine: Engine, stopping: Stopping
) -> Generator[R, None, None]:
    """Results of units in the order of completion; after a request to stop no new unit begins, and running ones finish.

    It uses processes, since small networks spend most time in the interpreter. On an error, the workers are ended.
    """
    if engine == "ray":
        from tare.system.engines.ray import ray_map

        yield from ray_map(function, _until(units, stopping), workers)
    elif workers <= 1 or len(units) <= 1:
        yield from map(function, _until(units, stopping))
    else:
        yield from _in_processes(function, units, min(workers, len(units)), stopping)


def _until(units: Sequence[T], stopping: Stopping) -> Iterator[T]:
    for unit in units:
        if stopping.asked:
            return
        yield unit


def _in_processes(function: Callable[[T], R], units: Sequence[T], workers: int, stopping: Stopping) -> Iterator[R]:
    context = _context()
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin)
    try:
        waiting = _until(units, stopping)
        pending: set[Future[R]] = {pool.submit(function, unit) for unit in islice(waiting, workers + 1)}
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
            pending |= {pool.submit(function, unit) for unit in islice(waiting, len(done))}
    except BrokenProcessPool:
        remedy = "use fewer --workers if memory is short; measured cells are kept"
        raise DataError("workers that stay alive", "a worker that was ended from outside", remedy) from None
    except BaseException:
        for child in active_children():
            child.kill()  # unfinished cells are measured again later; files are written in one step
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def prepare() -> None:
    """Start the process that workers are forked from; it loads their modules while this process goes on."""
    from multiprocessing import forkserver

    _context()
    forkserver.ensure_running()


def _context() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


def _begin() -> None:
    """In a worker: leave Ctrl-C to the parent, end with the parent, and use one thread."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one thread: small networks gain nothing from more, and the number of threads changes the order of sums."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
