"""Map units of a study over processes, so that it can be stopped at any time and leaves nobody behind."""

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

#: Loaded once by the process that workers are forked from.
_PRELOADED = ["tare.studying.execution.worker"]


class Stopping:
    """Whether somebody asked to stop: the first interrupt asks, the second is one."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self, *_: Any) -> None:
        """Take an interrupt."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def stoppable() -> Iterator[Stopping]:
    """Turn the first Ctrl-C into a wish to stop while the context lasts; in a thread other than the main one nothing changes."""
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
    """Results of units as they come; once ``stopping`` is asked, no unit begins, and those under way are finished.

    Processes, since networks this small keep the interpreter busier than the processor. On an error, workers are ended.
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
        remedy = "use fewer --workers if memory is short; what is measured is kept"
        raise DataError("workers that stay alive", "one that was ended from outside", remedy) from None
    except BaseException:
        for child in active_children():
            child.kill()  # what they have not handed over is measured again; files are written in one step
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def prepare() -> None:
    """Start the process that workers are forked from, which loads what they need while this one goes on."""
    from multiprocessing import forkserver

    _context()
    forkserver.ensure_running()


def _context() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


def _begin() -> None:
    """In a worker: leave Ctrl-C to the parent, end with it however it ends, and use one thread."""
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
    """Networks this small gain nothing from threads, lose to them on a busy machine, and sum in another order."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
