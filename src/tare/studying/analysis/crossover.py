"""The target size from which a strategy beats the baseline, with an interval, if it is in range."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tare.statistics.inference.distributions import t_quantile
from tare.studying.analysis.scores import Pair


@dataclass(frozen=True, slots=True)
class Crossover:
    """The size at which the mean difference turns positive and stays positive.

    ``size`` is -inf if the difference is positive at every size, +inf if it is not positive at the largest. ``low`` and ``high``
    bound it with 95% confidence; an infinite end says that the measured sizes do not bound it on that side.
    """

    size: float
    low: float
    high: float

    @property
    def located(self) -> bool:
        """Whether the crossover is in range and bounded on both sides."""
        return all(math.isfinite(value) for value in (self.size, self.low, self.high))

    def sentence(self, strategy: str, baseline: str, smallest: int, largest: int) -> str:
        """One sentence on where the crossover lies."""
        if self.located:
            return f"{strategy} overtakes {baseline} at about {self.size:.0f} samples ({self.low:.0f} to {self.high:.0f})."
        if self.low == -math.inf and self.high == -math.inf:
            return f"{strategy} is ahead of {baseline} at every size from {smallest} on: no crossover in range."
        if self.low == math.inf:
            return f"{strategy} does not overtake {baseline} up to {largest} samples: no crossover in range."
        low = f"below {smallest}" if self.low == -math.inf else f"{self.low:.0f}"
        high = f"beyond {largest}" if self.high == math.inf else f"{self.high:.0f}"
        return f"Where {strategy} overtakes {baseline}, if anywhere, is not located: between {low} and {high} samples."


def crossover(differences: Mapping[int, Mapping[Pair, float]], step: float = 0.0) -> Crossover | None:
    """Find the crossover from paired differences by size; None with fewer than two sizes or two pairs common to all sizes.

    The mean difference is taken as linear in log size between the measured sizes. The interval is that of Fieller (1954): it
    holds the sizes at which Student's t interval of the paired difference holds zero. It begins behind the last size at which
    the difference is shown to be negative, and ends where it is shown to be positive from there on. ``step`` is that of the
    scores (:func:`tare.statistics.intervals.spacing`). Two pairs bound it on no side: their interval covers too seldom.
    """
    sizes = sorted(differences)
    common = sorted(set.intersection(*(set(differences[size]) for size in sizes))) if sizes else []
    if len(sizes) < 2 or len(common) < 2:
        return None
    table = np.array([[differences[size][pair] for size in sizes] for pair in common])
    low, high = (_last(sizes, table, step, sign) for sign in (-1, 1)) if len(common) > 2 else (-math.inf, math.inf)
    return Crossover(_crossing(sizes, table.mean(axis=0)), low, high)


def _last(sizes: Sequence[int], table: NDArray[np.float64], step: float, sign: int) -> float:
    """The last size at which the difference is shown to be negative (``sign`` -1) or not shown to be positive (1).

    Inf if it is so at the largest size, -inf if it is so at none.
    """
    number, reach = len(table), t_quantile(0.975, len(table) - 1)
    means, square = table.mean(axis=0), reach**2 / number
    spread = np.cov(table, rowvar=False, ddof=1)
    spread[np.diag_indices_from(spread)] += step**2 / 12

    def holds(place: int) -> bool:
        bound = means[place] - sign * reach * math.sqrt(spread[place, place] / number)
        return bool(bound <= 0 if sign > 0 else bound < 0)

    if holds(len(sizes) - 1):
        return math.inf
    for right in range(len(sizes) - 1, 0, -1):
        left = right - 1
        # (mean of the share w)^2 = reach^2 / n times its variance, with w from 0 at the left size to 1 at the right one
        slope, bend = means[right] - means[left], spread[left, left] - 2 * spread[left, right] + spread[right, right]
        square_term = slope**2 - square * bend
        line_term = 2 * (means[left] * slope - square * (spread[left, right] - spread[left, left]))
        found = np.roots([square_term, line_term, means[left] ** 2 - square * spread[left, left]])
        shares = found[np.isreal(found)].real
        ends = [float(w) for w in shares if 0 <= w < 1 and sign * (means[left] + w * slope) >= 0]
        if ends or holds(left):
            logs = np.log([sizes[left], sizes[right]])
            return float(np.exp(logs[0] + max(ends, default=0.0) * (logs[1] - logs[0])))
    return -math.inf


def _crossing(sizes: Sequence[int], means: NDArray[np.float64]) -> float:
    """The size at which a broken line of means last turns from at most zero to positive."""
    below = np.flatnonzero(means <= 0)
    if not below.size or below[-1] == len(means) - 1:
        return math.inf if below.size else -math.inf
    left = int(below[-1])
    logs, share = np.log(sizes), -means[left] / (means[left + 1] - means[left])
    return float(np.exp(logs[left] + share * (logs[left + 1] - logs[left])))
