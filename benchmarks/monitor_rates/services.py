"""Many simulated services at once: each draws its own reference and its own batches from one pool of real samples.

A service's evidence is that of `tare.monitoring`, computed after every batch by the same compiled function. What is saved is
reading the images again: the figures of a sample are taken once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from tare.monitoring.evidence.betting import Bets, bets_of
from tare.monitoring.evidence.detection import FULL, RATIO, log_evidence, log_weight
from tare.monitoring.evidence.figures import Taking, counts_of, laid, levels_of
from tare.monitoring.evidence.levels import LEVELS, Figure

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Pool:
    """The figures ``(N, F)`` of real samples, and how they were taken."""

    name: str
    taking: Taking
    values: Doubles


@dataclass(frozen=True)
class Service:
    """One service: its levels, its bets, and the bets' outcome on every sample of the pool ``(N, bets)``."""

    figures: tuple[Figure, ...]
    bets: Bets
    gains: Doubles
    drops: Doubles

    @classmethod
    def of(cls, pool: Pool, reference: NDArray[np.int64], alpha: float, tolerance: float, served: Doubles) -> Service:
        """Lay levels and bets over the samples ``reference`` of the pool; ``served`` ``(M, F)`` are the figures that arrive."""
        taking = pool.taking
        figures = laid(pool.values[reference], taking)
        counts = counts_of(levels_of(pool.values[reference], figures, rows=taking.rows), LEVELS)
        bets = bets_of(counts, np.stack([figure.middles for figure in figures]), alpha, tolerance)
        levels = levels_of(served, figures, rows=taking.rows)
        return cls(figures, bets, _outcomes(bets.gains, levels), _outcomes(bets.drops, levels))

    def first_alarm(self, batches: NDArray[np.int64], weight: float = 1.0, extra: float = 0.0) -> int:
        """The number of batches ``(T, n)`` (indices of samples) after which the alarm is raised; 0 if it never is."""
        starts = np.array([log_weight(start) for start in range(len(batches))])
        allowed = self.bets.allowed.reshape(-1, self.bets.allowed.shape[-1])
        limits = np.array([self.bets.threshold + extra, weight])
        return int(_first_alarm(self.gains, self.drops, batches, starts, self.bets.weights.ravel(), allowed, limits))


def _outcomes(table: Doubles, levels: NDArray[np.int64]) -> Doubles:
    """The logarithms of the factors ``(N, F * B)`` for samples with ``levels`` ``(N, F)``; 0 without a level."""
    found = table[np.arange(table.shape[0]), np.maximum(levels, 0)]
    return np.ascontiguousarray(np.where((levels >= 0)[:, :, None], found, 0.0).reshape(len(levels), -1))


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _first_alarm(  # noqa: PLR0917 - compiled  # pragma: no cover
    gains: Doubles, drops: Doubles, batches: Any, log_starts: Doubles, weights: Doubles, allowed: Doubles, limits: Doubles
) -> int:
    """``limits`` are the threshold and the weight of a sample."""
    bets = gains.shape[1]
    sums, lengths, begun, used = np.zeros((2, 128, bets)), np.zeros(128, np.int64), np.zeros(128, np.int64), 0
    for batch in range(batches.shape[0]):
        sums[:, used], lengths[used], begun[used] = 0.0, 1, batch
        for place in range(batches.shape[1]):
            sample = batches[batch, place]
            for bet in range(bets):
                sums[0, used, bet] += limits[1] * gains[sample, bet]
                sums[1, used, bet] += limits[1] * drops[sample, bet]
        used = _put_together(sums, lengths, begun, used + 1)
        found, _, _ = log_evidence(sums[0, :used], sums[1, :used], log_starts[begun[:used]], weights, allowed)
        if found >= limits[0]:
            return batch + 1
    return 0


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _put_together(sums: Doubles, lengths: Any, begun: Any, used: int) -> int:  # pragma: no cover - compiled
    """Put four stretches of one length together where there are eight, as `tare.monitoring.state` does; the number in use."""
    length = 1
    while True:
        end = used
        while end > 0 and lengths[end - 1] < length:
            end -= 1
        first = end
        while first > 0 and lengths[first - 1] == length:
            first -= 1
        if end - first < FULL:
            return used
        for other in range(first + 1, first + RATIO):
            sums[:, first] += sums[:, other]
        lengths[first] = length * RATIO
        for other in range(first + RATIO, used):
            to = other - RATIO + 1
            sums[:, to], lengths[to], begun[to] = sums[:, other], lengths[other], begun[other]
        used, length = used - RATIO + 1, length * RATIO
