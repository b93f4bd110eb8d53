"""Histograms summed from the exact counts: a coarse one for drawing, and a fine one that comparisons read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tare.statistics.buckets import Buckets
from tare.statistics.histogram import Histogram

MOST = 64
FINEST = 256
# A far outlier would leave all other values in one bin: the bins end one spread (99% minus 1% quantile) beyond both quantiles.
_TAILS = (0.01, 0.99)
_LARGEST = np.finfo(np.float64).max


@dataclass(frozen=True, slots=True)
class Bins:
    """Counts of the values v with ``low + k * width <= v < low + (k + 1) * width``, in unit values.

    Far outliers lie outside the bins, so the counts may sum to less than the channel's.
    """

    low: float
    width: float
    counts: tuple[int, ...]

    @property
    def edges(self) -> NDArray[np.float64]:
        """The ends of the bins ``(K + 1,)``."""
        with np.errstate(over="ignore"):  # the last may end beyond every double: it then ends at the largest
            ends = self.low + self.width * np.arange(len(self.counts) + 1)
        return np.asarray(np.clip(ends, -_LARGEST, _LARGEST), np.float64)

    def place(self, value: float) -> int:
        """The index of a value's bin: -1 for one before all bins, their number for one behind."""
        return math.floor(min(max((value - self.low) / self.width, -1.0), len(self.counts)))

    def below(self, edges: NDArray[np.float64]) -> NDArray[np.float64]:
        """Number of counted values below each edge, if values lie evenly in their bin."""
        return np.asarray(np.interp(edges, self.edges, np.concatenate([[0], np.cumsum(self.counts)])), np.float64)


def quantiles_inside(
    lows: NDArray[np.float64], highs: NDArray[np.float64], quantiles: Mapping[str, float]
) -> dict[int, list[tuple[float, float]]]:
    """The shares and the values of the quantiles that lie inside each cell, by its index: they say where in it its values are.

    Cells reach from ``lows``, in rising order, to ``highs``.
    """
    inside: dict[int, list[tuple[float, float]]] = {}
    for share, value in sorted((float(share), value) for share, value in quantiles.items()):
        index = int(np.searchsorted(lows, value, side="right")) - 1
        if index >= 0 and value < highs[index]:
            inside.setdefault(index, []).append((share, value))
    return inside


def binned(counted: Histogram | Buckets, scale: float) -> Bins | None:
    """Sum exact counts into bins; ``scale`` turns raw into unit values. None if nothing was counted.

    A bin of 8-bit data holds four levels. For other data a bin holds 2^k neighbouring buckets, hence whole counts, with
    the smallest k for which 64 bins are enough.
    """
    if not counted.total:
        return None
    if isinstance(counted, Histogram):
        fours = np.array(counted.counts).reshape(MOST, -1)
        return Bins(0.0, fours.shape[1] * scale, tuple(fours.sum(axis=1).tolist()))
    low, high = (counted.quantile(q) for q in _TAILS)
    start, width, counts = counted.grouped(MOST, low - (high - low), high + (high - low)) if low < high else counted.grouped(MOST)
    return Bins(start * scale, width * scale, counts)


def fine(counted: Histogram | Buckets, scale: float) -> Bins | None:
    """Sum exact counts into at most 256 bins that together hold every value: the first and last also hold far outliers.

    A bin of 8-bit data is one level, so these counts are exact.
    """
    if not counted.total:
        return None
    if isinstance(counted, Histogram):
        return Bins(0.0, scale, counted.counts)
    low, high = (counted.quantile(q) for q in _TAILS)
    low, high = (low - (high - low), high + (high - low)) if low < high else (-np.inf, np.inf)
    start, width, counts = counted.grouped(FINEST, low, high, whole=True)
    return Bins(start * scale, width * scale, counts)
