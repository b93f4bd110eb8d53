"""Time two things in turn, so that whatever else the machine does falls on both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
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
class Setting:
    """Where generated data lie, where public data lie if anywhere, and how much time there is."""

    scratch: Path
    data: Path | None
    quick: bool
    workers: int

    @property
    def rounds(self) -> int:
        """How often each pair is measured."""
        return 5 if self.quick else 11


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: ``run`` measures it, perhaps once on generated and once on public data."""

    name: str
    run: Callable[[Setting], Iterator[Result]]


Timer = Callable[[Callable[[], object]], float]


def seconds(function: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def compared(
    name: str,
    reference: Callable[[], object],
    ours: Callable[[], object],
    setting: Setting,
    *,
    ratio_of: str,
    goal: str = "",
    rounds: int | None = None,
) -> Result:
    """Divide the time of ``reference`` by that of ``ours``, in turn, after one call of each that is not counted.

    The order changes from round to round, so that neither always finds the other's leavings in the caches.
    """
    reference()
    ours()
    pairs = []
    for index in range(rounds or setting.rounds):
        if index % 2:
            own, other = seconds(ours), seconds(reference)
        else:
            other, own = seconds(reference), seconds(ours)
        pairs.append((other, own))
    ratios = tuple(other / own for other, own in pairs)
    medians = [statistics.median(times) for times in zip(*pairs, strict=True)]
    return Result(name, ratio_of, ratios, medians[0], medians[1], "s", goal)
