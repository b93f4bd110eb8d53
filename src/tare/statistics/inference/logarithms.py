"""Moments of a logarithm of the values: exact from the counts of 8-bit and 16-bit levels, else from the values themselves.

A logarithm is taken of raw values, not of unit values: 1 + a count, or a power.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.statistics.buckets import WORDS, Buckets
from tare.statistics.histogram import Histogram

#: The logarithms under the names that an input specification has for them (``value_map``).
LOGARITHMS: Mapping[str, Callable[[Any], Any]] = {"log1p": np.log1p, "dB": lambda values: 10 * np.log10(values)}
#: Logarithms exist above these raw values.
LOWEST: Mapping[str, float] = {"log1p": -1.0, "dB": 0.0}
#: Mean and std (ddof 0) by the name of the logarithm.
Moments = Mapping[str, tuple[float, float]]


def logarithm(name: str, values: NDArray[Any]) -> NDArray[np.float64]:
    """The named logarithm of raw values in float64; NaN or -inf outside of its domain."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(LOGARITHMS[name](values.astype(np.float64)), np.float64)


def moments_of_counts(counted: Histogram | Buckets) -> dict[str, tuple[float, float]]:
    """Mean and std of each logarithm, exact for counted levels; none for buckets, nor for a logarithm of zero or less."""
    if isinstance(counted, Histogram):
        counts, first = np.array(counted.counts, np.float64), 0
    elif counted.words and counted.counts:
        counts, first = np.frombuffer(counted.counts, np.int64).astype(np.float64), int(counted.low)
    else:
        return {}
    used = np.flatnonzero(counts)
    found = {name: _moments(_of_levels(name, first + used), counts[used]) for name in LOGARITHMS} if used.size else {}
    return {name: pair for name, pair in found.items() if all(map(math.isfinite, pair))}


def _moments(values: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[float, float]:
    if not np.isfinite(values).all():
        return math.nan, math.nan
    total = float(weights.sum())
    mean = float(np.dot(weights, values)) / total
    return mean, math.sqrt(float(np.dot(weights, (values - mean) ** 2)) / total)


def _of_levels(name: str, levels: NDArray[np.int64]) -> NDArray[np.float64]:
    return logarithm(name, levels) if levels[0] < 0 else _levels(name)[levels]


@lru_cache(maxsize=len(LOGARITHMS))
def _levels(name: str) -> NDArray[np.float64]:
    return logarithm(name, np.arange(WORDS))
