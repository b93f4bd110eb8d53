"""Time two things in turn, so that whatever else the machine does falls on both."""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Result:
    """Ratios of one row, one a round; ``reference`` and ``ours`` are the medians of what was divided, in ``unit``."""

    name: str
    ratio_of: str
    ratios: tuple[float, ...]
    reference: float
    ours: float
    unit: str
    goal: str = ""

    @property
    def median(self) -> float:
        """Median ratio over the rounds."""
        return statistics.median(self.ratios)

    def met(self) -> bool | None:
        """Whether the median meets the goal, such as ``>= 0.9``; None without one."""
        if not self.goal:
            return None
        sign, _, value = self.goal.partition(" ")
        return self.median >= float(value) if sign == ">=" else self.median <= float(value)


@dataclass(frozen=True, slots=True)
class Absent:
    """A row that was not measured, and why: ``not installed`` is no failure, anything else is."""

    name: str
    reason: str
    failure: bool = False


Outcome = Result | Absent


@dataclass(frozen=True, slots=True)
class Setting:
    """Where generated data lie, where public data lie if anywhere, and how much time there is."""

    scratch: Path
    data: Path | None
    quick: bool
    workers: int

    @property
    def rounds(self) -> int:
        """How often each pair is measured."""
        return 1 if self.quick else 7


@dataclass(frozen=True, slots=True)
class Row:
    """One group of rows: ``run`` measures them, perhaps on generated and on public data."""

    name: str
    run: Callable[[Setting], Iterator[Outcome]]


Timer = Callable[[Callable[[], object]], float]


def seconds(function: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def processor_seconds(function: Callable[[], object]) -> float:
    """Processor time of one call, for work of one thread that waits for nothing: other programs add little to it."""
    begun = time.process_time()
    function()
    return time.process_time() - begun


def compared(
    name: str,
    reference: Callable[[], object],
    ours: Callable[[], object],
    setting: Setting,
    *,
    ratio_of: str,
    goal: str = "",
    rounds: int | None = None,
    timer: Timer = seconds,
) -> Result:
    """Divide the time of ``reference`` by that of ``ours``, in turn, after one call of each that is not counted.

    The order changes from round to round, so that neither always finds the other's leavings in the caches. ``rounds`` can only
    be fewer than the setting's. A quick setting has one round and counts the first call: it shows that both sides run.
    """
    if not setting.quick:
        reference()
        ours()
    pairs = []
    for index in range(min(rounds or setting.rounds, setting.rounds)):
        if index % 2:
            own, other = timer(ours), timer(reference)
        else:
            other, own = timer(reference), timer(ours)
        pairs.append((other, own))
    ratios = tuple(other / own for other, own in pairs)
    medians = [statistics.median(times) for times in zip(*pairs, strict=True)]
    return Result(name, ratio_of, ratios, medians[0], medians[1], "s", goal)


def peer(name: str, modules: Iterable[str], measured: Callable[[], Iterator[Outcome]]) -> Iterator[Outcome]:
    """The rows of one peer; one line instead of them where it is not installed or fails, so that the others are measured."""
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        yield Absent(name, "not installed")
        return
    yield from guarded(name, measured)


def guarded(name: str, measured: Callable[[], Iterator[Outcome]]) -> Iterator[Outcome]:
    """What ``measured`` yields, and a line that says why if it ends in an error."""
    try:
        yield from measured()
    except ModuleNotFoundError as error:
        yield Absent(name, f"not installed: {error.name}")
    except Exception as error:
        reason = (str(error).strip() or "no message").splitlines()[0]
        yield Absent(name, f"failed: {type(error).__name__}: {reason[:160]}", failure=True)
