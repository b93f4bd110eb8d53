"""Intervals and tests for paired, repeated measurements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its confidence interval; the ends are NaN where one value gives no interval."""

    estimate: float
    low: float
    high: float


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Mean of independent values with Student's t interval."""
    sample = np.asarray(values, dtype=np.float64)
    mean = float(sample.mean())
    if sample.size < 2:
        return Interval(mean, math.nan, math.nan)
    from scipy import stats

    error = float(sample.std(ddof=1)) / math.sqrt(sample.size)
    half = float(stats.t.ppf(0.5 + confidence / 2, sample.size - 1)) * error
    return Interval(mean, mean - half, mean + half)


def paired_p_value(differences: Sequence[float]) -> float:
    """Two-sided p value of Student's paired t test that the mean difference is zero (1 if all differences are zero)."""
    sample = np.asarray(differences, dtype=np.float64)
    if sample.size < 2:
        return math.nan
    error = float(sample.std(ddof=1)) / math.sqrt(sample.size)
    if error == 0.0:
        return 1.0 if float(sample.mean()) == 0.0 else 0.0
    from scipy import stats

    return float(2 * stats.t.sf(abs(float(sample.mean())) / error, sample.size - 1))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjusted p values, in the order given (Holm, Scandinavian Journal of Statistics 6, 1979)."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [1.0] * len(p_values)
    reached = 0.0
    for rank, index in enumerate(order):
        reached = max(reached, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = reached
    return tuple(adjusted)
