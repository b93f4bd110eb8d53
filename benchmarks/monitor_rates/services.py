"""Many simulated services: each draws its own reference and its own batches from one pool of real samples.

A service's evidence is that of `tare.monitoring`, by the same bets on the same levels: `tests/benchmarks/test_monitor_rates.py`
compares both after every batch. Two things are saved. The figures of a sample are taken once. The exact evidence is only
computed from the batch on at which a bound says that it could be an alarm.

The capital of a bet since all moments together, ``u``, obeys ``u' = (u + w) f``, with ``w`` the weight of the moment before
the batch and ``f`` the bet's factor on the batch, so it takes one product a bet and batch. The moments that a monitor drops
stay in it, and what the reference allows is looked at for one of the sixteen means. Both only raise the bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from tare.monitoring.evidence.betting import PLACES, Bets, bets_of
from tare.monitoring.evidence.compiled import log_evidence
from tare.monitoring.evidence.detection import FULL, RATIO, log_weight
from tare.monitoring.evidence.figures import Taking, counts_of, laid, levels_of
from tare.monitoring.evidence.levels import LEVELS, Figure
from tare.monitoring.state import BATCH

Doubles = NDArray[np.float64]

# The bound is computed for the eighth of the sixteen farther means: nearer ones hold it back less, farther ones cost more.
_BOUNDED = 8
# Products round; this much more of a logarithm is far beyond that.
_MARGIN = 1e-6


@dataclass(frozen=True, eq=False)
class Pool:
    """The figures ``(N, F)`` of real samples, and how they were taken."""

    name: str
    taking: Taking
    values: Doubles


@dataclass(frozen=True)
class Service:
    """One service: its levels, its bets, and the levels ``(N, F)`` of all samples that it may be served; 64 for none."""

    figures: tuple[Figure, ...]
    bets: Bets
    levels: NDArray[np.uint8]

    @classmethod
    def of(cls, pool: Pool, reference: NDArray[np.int64], alpha: float, tolerance: float, served: Doubles) -> Service:
        """Lay levels and bets over the samples ``reference`` of the pool; ``served`` ``(M, F)`` are the figures that arrive."""
        taking = pool.taking
        figures = laid(pool.values[reference], taking)
        counts = counts_of(levels_of(pool.values[reference], figures, rows=taking.rows), LEVELS)
        bets = bets_of(counts, alpha, tolerance)
        levels = levels_of(served, figures, rows=taking.rows)
        return cls(figures, bets, np.where(levels < 0, LEVELS, levels).astype(np.uint8))

    def first_alarm(self, batches: NDArray[np.int64], memory: int | None = None) -> int:
        """The number of batches ``(T, n)`` (indices of samples) after which the alarm is raised; 0 if it never is."""
        evidence = self.evidence(batches, memory, until_alarm=True)
        reached = np.flatnonzero(evidence >= self.threshold(memory))
        return int(reached[0]) + 1 if len(reached) else 0

    def threshold(self, memory: int | None) -> float:
        """The evidence that is an alarm."""
        return self.bets.threshold + (0.0 if memory is None else math.log(memory + 1))

    def evidence(self, batches: NDArray[np.int64], memory: int | None = None, *, until_alarm: bool = False) -> Doubles:
        """The evidence after each batch ``(T,)``. ``until_alarm`` leaves NaN after an alarm, and before there can be one."""
        weight = 1.0 if memory is None else (BATCH // batches.shape[1]) / (BATCH * (memory + 1))
        gains, drops = (weight * _with_none(table) for table in (self.bets.gains, self.bets.drops))
        weights, allowed = self.bets.weights.ravel(), self.bets.allowed.reshape(-1, PLACES)
        moments, begin, limit = _log_weights(len(batches)), 0, math.inf
        if until_alarm:
            limit = self.threshold(memory)
            outlook = np.exp(allowed[:, _BOUNDED - 1] + weights - limit + _MARGIN)
            factors = np.exp(gains - drops * (_BOUNDED / PLACES))
            begin = _first_possible(factors, self.levels, batches, np.exp(moments), outlook.reshape(len(factors), -1))
        return np.asarray(_evidence(gains, drops, self.levels, batches, moments, weights, allowed, begin, limit), np.float64)


def _with_none(table: Doubles) -> Doubles:
    """A table ``(F, 64, B)`` with one more level, that of a sample that does not have the figure: it moves nothing."""
    return np.concatenate([table, np.zeros_like(table[:, :1])], axis=1)


@lru_cache
def _log_weights(moments: int) -> Doubles:
    return np.array([log_weight(start) for start in range(moments)])


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _first_possible(  # pragma: no cover - compiled
    factors: Doubles, levels: Any, batches: Any, moments: Doubles, outlook: Doubles
) -> int:
    """The first batch at which the bound is 1; ``factors`` ``(F, 65, B)``, ``outlook`` ``(F, B)`` turns ``u`` into it."""
    figures, _, bets = factors.shape
    capital = np.zeros((figures, bets))
    for batch in range(len(batches)):
        capital += moments[batch]
        for sample in batches[batch]:
            for figure in range(figures):
                level = levels[sample, figure]
                for bet in range(bets):
                    capital[figure, bet] *= factors[figure, level, bet]
        if (capital * outlook).sum() >= 1.0:
            return batch
    return len(batches)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _evidence(  # noqa: PLR0917 - compiled  # pragma: no cover
    gains: Doubles,
    drops: Doubles,
    levels: Any,
    batches: Any,
    moments: Doubles,
    weights: Doubles,
    allowed: Doubles,
    begin: int,
    limit: float,
) -> Doubles:
    """The evidence from the batch ``begin`` on, until it reaches ``limit``; ``gains`` and ``drops`` ``(F, 65, B)``."""
    figures, _, bets = gains.shape
    sums, lengths, begun, used = np.zeros((2, 128, figures * bets)), np.zeros(128, np.int64), np.zeros(128, np.int64), 0
    found = np.full(len(batches), np.nan)
    if begin == len(batches):
        return found
    for batch in range(len(batches)):
        sums[:, used], lengths[used], begun[used] = 0.0, 1, batch
        for sample in batches[batch]:
            for figure in range(figures):
                level, first = levels[sample, figure], figure * bets
                for bet in range(bets):
                    sums[0, used, first + bet] += gains[figure, level, bet]
                    sums[1, used, first + bet] += drops[figure, level, bet]
        used = _put_together(sums, lengths, begun, used + 1)
        if batch < begin:
            continue
        found[batch] = log_evidence(sums[0, :used], sums[1, :used], moments[begun[:used]], weights, allowed)[0]
        if found[batch] >= limit:
            break
    return found


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
