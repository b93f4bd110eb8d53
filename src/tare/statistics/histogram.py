"""Exact histograms of 8-bit data: quantiles and shares of levels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from operator import add

import numpy as np
from numpy.typing import NDArray

LEVELS = 256


@dataclass(frozen=True, slots=True)
class Histogram:
    """Count of each of the 256 levels of one 8-bit channel; merging adds."""

    counts: tuple[int, ...] = (0,) * LEVELS

    def merge(self, other: Histogram) -> Histogram:
        """Return the histogram of both; exact, associative, commutative, with ``Histogram()`` as identity."""
        return Histogram(tuple(map(add, self.counts, other.counts)))

    @property
    def total(self) -> int:
        """Number of values counted."""
        return sum(self.counts)

    def quantile(self, q: float) -> float:
        """The smallest level with at least a share ``q`` of the values at or below it (inverse distribution function)."""
        if not 0.0 <= q <= 1.0:
            raise ValueError(f"a quantile lies in [0, 1], got {q}")
        reached = _reached(self.counts)
        if reached[-1] == 0:
            return float("nan")
        return float(np.searchsorted(reached, max(q * reached[-1], 1.0), side="left"))

    def share_at(self, level: int) -> float:
        """Share of the values at ``level`` (0 and 255 are the ends of the range)."""
        return self.counts[level] / self.total if self.total else float("nan")


@lru_cache(maxsize=4)
def _reached(counts: tuple[int, ...]) -> NDArray[np.float64]:
    """Number of values at each level or below it; cached, since several quantiles need it."""
    return np.cumsum(np.array(counts, dtype=np.float64))
