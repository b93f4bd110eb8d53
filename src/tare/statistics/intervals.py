"""Intervals and tests for paired, repeated measurements."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.statistics.inference.distributions import t_below, t_quantile

#: Scores that differ by less than this share of themselves are equal, but for the order of a sum.
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its confidence interval; both ends are NaN if there was one value alone."""

    estimate: float
    low: float
    high: float


def spacing(values: Iterable[float]) -> float:
    """The step of scores such as shares of n samples: the least difference of two values beyond rounding, 0 if there is none."""
    sample = np.unique(np.asarray([*values], dtype=np.float64))
    gaps = np.diff(sample)
    gaps = gaps[gaps > ROUNDING * np.abs(sample).max(initial=0.0)]
    return float(gaps.min(initial=math.inf)) if gaps.size else 0.0


def mean_interval(values: Sequence[float], confidence: float = 0.95, step: float = 0.0) -> Interval:
    """Mean of independent values with Student's t interval; values that come in a ``step`` may hide a part of their spread."""
    sample = np.asarray(values, dtype=np.float64)
    mean = float(sample.mean())
    if sample.size < 2:
        return Interval(mean, math.nan, math.nan)
    half = t_quantile(0.5 + confidence / 2, sample.size - 1) * _error(sample, step)
    return Interval(mean, mean - half, mean + half)


def paired_p_value(differences: Sequence[float], step: float = 0.0) -> float:
    """Two-sided p value of Student's paired t test that the mean difference is zero (1 if all differences are zero)."""
    sample = np.asarray(differences, dtype=np.float64)
    if sample.size < 2:
        return math.nan
    error = _error(sample, step)
    if error == 0.0:
        return 1.0 if float(sample.mean()) == 0.0 else 0.0
    return 2 * t_below(-abs(float(sample.mean())) / error, sample.size - 1)


def equivalence_p_value(differences: Sequence[float], margin: float, step: float = 0.0) -> float:
    """P value of two one-sided paired t tests that the mean difference lies outside (-margin, margin) (Schuirmann 1987)."""
    sample = np.asarray(differences, dtype=np.float64)
    if sample.size < 2:
        return math.nan
    mean, error = float(sample.mean()), _error(sample, step)
    if error == 0.0:
        return 0.0 if abs(mean) < margin else 1.0
    return t_below((abs(mean) - margin) / error, sample.size - 1)


def _error(sample: NDArray[np.float64], step: float) -> float:
    """The standard error of the mean: the variance that a step hides, step^2 / 12 (Sheppard 1898), counts, too.

    Shares of n samples are often equal in a few repeats; their own variance is then zero, and would make any difference certain.
    """
    return math.sqrt((float(sample.var(ddof=1)) + step**2 / 12) / sample.size)


def random_effects(estimates: Sequence[float], errors: Sequence[float], confidence: float = 0.95) -> tuple[Interval, float]:
    """Mean effect over heterogeneous groups, and tau, the std of the groups' true effects.

    Weights 1 / (se^2 + tau^2) with tau^2 by Paule and Mandel (1982), and the interval of Hartung and Knapp (2001), t with G - 1
    degrees of freedom, its variance not taken below the fixed-effect one. With one group there is no interval.
    """
    effects, variances = np.asarray(estimates, dtype=np.float64), np.square(np.asarray(errors, dtype=np.float64))
    if effects.size < 2:
        return Interval(float(effects[0]), math.nan, math.nan), math.nan
    variances = np.maximum(variances, 1e-12 * max(1e-300, float(np.square(effects).max())) + 1e-300)
    tau2 = _between(effects, variances)
    weights = 1 / (variances + tau2)
    mean = float((weights * effects).sum() / weights.sum())
    spread = float((weights * np.square(effects - mean)).sum() / (effects.size - 1))
    error = math.sqrt(max(1.0, spread) / float(weights.sum()))
    half = t_quantile(0.5 + confidence / 2, effects.size - 1) * error
    return Interval(mean, mean - half, mean + half), math.sqrt(tau2)


def _between(effects: np.ndarray[Any, np.dtype[np.float64]], variances: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """The tau^2 at which the weighted sum of squares equals its expectation G - 1; it falls monotonically, so bisect."""

    def excess(tau2: float) -> float:
        weights = 1 / (variances + tau2)
        mean = (weights * effects).sum() / weights.sum()
        return float((weights * np.square(effects - mean)).sum()) - (effects.size - 1)

    low, high = 0.0, float(np.square(np.ptp(effects))) + 1e-300
    if excess(low) <= 0:
        return 0.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return (low + high) / 2


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjusted p values, in the order given (Holm, Scandinavian Journal of Statistics 6, 1979)."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [1.0] * len(p_values)
    reached = 0.0
    for rank, index in enumerate(order):
        reached = max(reached, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = reached
    return tuple(adjusted)
