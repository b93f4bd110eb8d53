"""Time several loops at once, each in a process of its own, that take turns step by step.

A machine that does something else for a moment, or whose clock falls, then slows all of them alike, where whole runs one after
the other would put it on one. Only the process whose turn it is runs, and its clock stands while it waits.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection


class Turn:
    """A process's side: when it may run, and how long it did."""

    def __init__(self, parent: Connection, clock: Callable[[], float] = time.perf_counter) -> None:
        self._parent, self._clock, self._taken, self._since = parent, clock, 0.0, 0.0

    def by(self, clock: Callable[[], float]) -> Turn:
        """The same turn, timed by another clock."""
        return Turn(self._parent, clock)

    def rounds(self, number: int) -> Iterator[int]:
        """So many rounds; what is done in one before :meth:`timed` prepares it, while the others stand still."""
        for index in range(number):
            self._parent.send(None)
            self._parent.recv()
            yield index

    @contextmanager
    def timed(self) -> Iterator[None]:
        """What is done inside is timed, but for the turns of others, and reported at the end."""
        self._taken = 0.0
        self._parent.send(None)
        self._wait()
        yield
        self._taken += self._clock() - self._since
        self._parent.send(self._taken)

    def pass_on(self) -> None:
        """Let the others take their turns, and wait for the next one."""
        self._taken += self._clock() - self._since
        self._parent.send(None)
        self._wait()

    def _wait(self) -> None:
        self._parent.recv()
        self._since = self._clock()


def in_turn(names: Sequence[str], jobs: Sequence[Callable[[Turn], None]], rounds: int) -> list[list[float]]:
    """Run ``jobs``, each in a new process, and return the seconds that each took in each of its ``rounds``.

    A job is called with its :class:`Turn`, whose :meth:`Turn.rounds` it goes through. Another one begins each round. Raises
    :class:`RuntimeError` with the job's name and its error if one fails; the others are ended.
    """
    context = multiprocessing.get_context("spawn")
    pairs = [context.Pipe() for _ in jobs]
    processes = [
        context.Process(target=_work, args=(job, inner), daemon=True) for job, (_, inner) in zip(jobs, pairs, strict=True)
    ]
    try:
        for process, (_, inner) in zip(processes, pairs, strict=True):
            process.start()
            inner.close()
        places = [outer for outer, _ in pairs]
        return [_round(names, places, number) for number in range(rounds)]
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _round(names: Sequence[str], places: Sequence[Connection], number: int) -> list[float]:
    for name, place in zip(names, places, strict=True):
        _answer(name, place)
        place.send(None)  # it may prepare its round
        _answer(name, place)
    first = number % len(places)
    waiting = [*range(first, len(places)), *range(first)]
    taken = [0.0] * len(places)
    while waiting:
        for place in list(waiting):
            places[place].send(None)
            answer = _answer(names[place], places[place])
            if answer is not None:
                taken[place] = answer
                waiting.remove(place)
    return taken


def _answer(name: str, place: Connection) -> float | None:
    try:
        answer = place.recv()
    except EOFError:
        answer = "its process was ended"
    if isinstance(answer, str):
        raise RuntimeError(f"{name}: {answer}")
    return answer  # type: ignore[no-any-return]


def _work(job: Callable[[Turn], None], parent: Connection) -> None:
    try:
        job(Turn(parent))
    except Exception as error:
        parent.send(f"{type(error).__name__}: {error}")
