"""The target size from which a strategy beats the baseline, with an interval, if it is in range."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tare.studying.analysis.scores import Pair

_RESAMPLES = 2000


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


def crossover(differences: Mapping[int, Mapping[Pair, float]], seed: int = 0) -> Crossover | None:
    """Find the crossover from paired differences by size; None with fewer than two sizes or two pairs common to all sizes.

    The mean difference is taken as linear in log size between the measured sizes. The interval is the percentile bootstrap over
    pairs; a pair keeps its differences at all sizes, which share a seed (Efron and Tibshirani 1993, section 13.3).
    """
    sizes = sorted(differences)
    common = sorted(set.intersection(*(set(differences[size]) for size in sizes))) if sizes else []
    if len(sizes) < 2 or len(common) < 2:
        return None
    table = np.array([[differences[size][pair] for size in sizes] for pair in common])
    draws = np.random.default_rng(seed).integers(0, len(common), (_RESAMPLES, len(common)))
    found = np.sort(_crossings(sizes, table[draws].mean(axis=1)))
    low, high = found[int(0.025 * _RESAMPLES)], found[math.ceil(0.975 * _RESAMPLES) - 1]
    return Crossover(float(_crossings(sizes, table.mean(axis=0)[None])[0]), float(low), float(high))


def _crossings(sizes: Sequence[int], means: NDArray[np.float64]) -> NDArray[np.float64]:
    """The size at which each row of means, as a broken line, last turns from at most zero to positive."""
    logs, rows = np.log(sizes), np.arange(len(means))
    below = means <= 0
    left = means.shape[1] - 1 - np.argmax(below[:, ::-1], axis=1)
    right = np.minimum(left + 1, means.shape[1] - 1)
    start, end = means[rows, left], means[rows, right]
    share = -start / np.where(end > start, end - start, 1.0)
    found = np.exp(logs[left] + share * (logs[right] - logs[left]))
    return np.where(below[:, -1], math.inf, np.where(below.any(axis=1), found, -math.inf))
