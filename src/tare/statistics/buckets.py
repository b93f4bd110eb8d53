"""Quantiles of other than 8-bit values: counts in equal buckets whose width follows from the range alone.

A bucket holds the values from ``k * 2**e`` up to ``(k + 1) * 2**e``, where e is the smallest exponent at which the range
needs at most 4,096 buckets. Since e depends on the smallest and largest value only, and two neighbouring buckets of one width
are one bucket of the next, counting and merging commute: the state of the data is the same for any cuts and any order, to
the last bit. Sketches with random or order-dependent compaction (KLL, t-digest, q-digest) do not offer this. Uniform
collapse of neighbouring buckets is from UDDSketch (Epicoco et al., IEEE Access 8, 2020) and from the scale changes of
OpenTelemetry's exponential histogram; their buckets are logarithmic, for relative errors of positive values.

Ranks are exact. A quantile is the middle of its bucket, hence off by at most half a bucket: at most 1/4,095 of the range.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.system.engines.loops import Loops

_MOST = 4096
#: Whole numbers of 16 bits get one bucket each.
WORDS = 1 << 16
# Beyond 53 bits a double has no digits; below -1022 the width's inverse is no double.
_DIGITS, _FINEST = 53, -1022
_LOOPS = Loops("tare.statistics.compiled.buckets", "tare.statistics.plain.buckets")


@dataclass(frozen=True, slots=True)
class Buckets:
    """Counts of one channel's finite values; ``Buckets()`` is empty, ``merge`` is exact, associative and commutative.

    ``at_low`` and ``at_high`` count the values that equal the smallest and the largest. ``counts`` are 64-bit integers, one
    for each bucket from that of ``low`` to that of ``high``. ``words`` marks whole numbers of 16 bits, counted one by one.
    """

    low: float = math.inf
    high: float = -math.inf
    at_low: int = 0
    at_high: int = 0
    counts: bytes = b""
    words: bool = False

    @classmethod
    def of(cls, values: NDArray[Any], low: float, high: float, *, finite: bool = False) -> Buckets:
        """Count the finite values of any real dtype, of which ``low`` is the smallest and ``high`` the largest.

        ``finite`` states that all values are finite, which saves a check of each.
        """
        column = np.ascontiguousarray(values, dtype=np.float64).ravel()
        if not low <= high:
            return cls()
        exponent, first, size = _grid(low, high, False)
        if finite and (exponent <= 0 or low >= 0):
            pair = np.zeros((2, size), np.uint32)
            _LOOPS.on(column.nbytes).count_finite(column, math.ldexp(1.0, -exponent), first, pair)
            counts = (pair[0] + pair[1]).astype(np.int64)
            # One value alone in the bucket of an end is that end.
            at_low, at_high = (
                1 if counts[place] == 1 else int(np.count_nonzero(column == end)) for place, end in ((0, low), (-1, high))
            )
            return cls(low, high, at_low, at_high, counts.tobytes())
        tables = np.zeros((4, size + 1), np.uint32)
        at_low, at_high = _LOOPS.on(column.nbytes).count(column, math.ldexp(1.0, -exponent), first, low, high, tables)
        return cls(low, high, at_low, at_high, tables[:, :size].sum(axis=0, dtype=np.int64).tobytes())

    @classmethod
    def of_words(cls, counts: NDArray[np.int64], first: int = 0) -> Buckets:
        """Build from the counts of the whole numbers ``first``, ``first`` + 1, ..."""
        present = np.flatnonzero(counts)
        if not present.size:
            return cls()
        low, high = int(present[0]), int(present[-1])
        kept = counts[low : high + 1]
        return cls(float(first + low), float(first + high), int(kept[0]), int(kept[-1]), kept.astype(np.int64).tobytes(), True)

    def merge(self, other: Buckets) -> Buckets:
        """Return the state of both sets of values."""
        if not self.counts or not other.counts:
            return self if self.counts else other
        low, high = min(self.low, other.low), max(self.high, other.high)
        words = self.words and other.words
        exponent, first, size = _grid(low, high, words)
        counts = self._moved(exponent, first, size) + other._moved(exponent, first, size)
        at_low = sum(part.at_low for part in (self, other) if part.low == low)
        at_high = sum(part.at_high for part in (self, other) if part.high == high)
        return Buckets(low, high, at_low, at_high, counts.tobytes(), words)

    @property
    def fits(self) -> bool:
        """Whether the number of counts fits the range; false for a damaged state alone."""
        if not self.counts:
            return self == Buckets()
        return self.low <= self.high and _grid(self.low, self.high, self.words)[2] == self._counts.size

    @property
    def total(self) -> int:
        """Number of values counted."""
        return int(self._counts.sum())

    @property
    def error(self) -> float:
        """Largest error of a quantile: half a bucket, 0 for whole numbers of 16 bits (NaN if empty)."""
        if not self.counts:
            return math.nan
        return 0.0 if self.words or self.low == self.high else math.ldexp(0.5, _grid(self.low, self.high, False)[0])

    def quantile(self, q: float) -> float:
        """The smallest value with at least a share ``q`` at or below it, to within :attr:`error` (NaN if empty)."""
        if not 0.0 <= q <= 1.0:
            raise ValueError(f"a quantile lies in [0, 1], got {q}")
        if not self.counts:
            return math.nan
        exponent, first, _ = _grid(self.low, self.high, self.words)
        reached = _reached(self.counts)
        index = first + int(np.searchsorted(reached, max(q * int(reached[-1]), 1.0), side="left"))
        if self.words:
            return float(index)
        return min(max(_edge(index, exponent) + math.ldexp(0.5, exponent), self.low), self.high)

    def count_at(self, value: int) -> int:
        """Number of 16-bit values equal to ``value``."""
        index = value - int(self.low) if self.words else -1
        return int(self._counts[index]) if 0 <= index < self._counts.size else 0

    def gaps(self) -> tuple[float, float, float]:
        """The distance from the lowest value to the next bucket in use, that from the highest, and the spread of what is between.

        All are in units of a bucket; infinite where no value lies between the two ends.
        """
        used = np.flatnonzero(self._counts)
        inner = used[1:-1]
        if not inner.size:
            return math.inf, math.inf, 0.0
        return float(inner[0] - used[0]), float(used[-1] - inner[-1]), float(inner[-1] - inner[0])

    def grouped(
        self, most: int, low: float = -math.inf, high: float = math.inf, *, whole: bool = False
    ) -> tuple[float, float, tuple[int, ...]]:
        """Sum 2^k neighbouring buckets, the fewest for which ``most`` groups hold all values from ``low`` to ``high``.

        Returns the start of the first group, the width of a group, and the counts; NaN and no counts for an empty state. Groups
        begin at multiples of their width, so values of both signs need two. With ``whole`` the first and the last group also
        hold what lies outside. Raises ValueError if ``most`` is below two.
        """
        if most < 2:
            raise ValueError(f"two groups or more, got {most}")
        if not self.counts:
            return math.nan, math.nan, ()
        exponent, first, size = _grid(self.low, self.high, self.words)
        begin, end = (max(first, min(first + size - 1, _index(v, exponent))) for v in (max(low, self.low), min(high, self.high)))
        shift = 0
        while (end >> shift) - (begin >> shift) >= most:
            shift += 1
        begin, end = begin >> shift, end >> shift
        places = (np.arange(first, first + size) >> shift) - begin
        places = places.clip(0, end - begin) if whole else places
        inside = (places >= 0) & (places <= end - begin)
        counts = np.bincount(places[inside], weights=self._counts[inside], minlength=end - begin + 1).astype(np.int64)
        return _edge(begin, exponent + shift), _edge(1, exponent + shift), tuple(counts.tolist())

    @property
    def _counts(self) -> NDArray[np.int64]:
        return np.frombuffer(self.counts, np.int64)

    def _moved(self, exponent: int, first: int, size: int) -> NDArray[np.int64]:
        """The counts on a coarser or equal grid; sums stay below 2**53, hence exact."""
        own, start, number = _grid(self.low, self.high, self.words)
        if own == exponent:
            counts = np.zeros(size, np.int64)
            counts[start - first : start - first + number] = self._counts
            return counts
        places = (np.arange(start, start + number) >> min(exponent - own, 63)) - first
        return np.bincount(places, weights=self._counts, minlength=size).astype(np.int64)


@lru_cache(maxsize=4)
def _reached(counts: bytes) -> NDArray[np.int64]:
    """Number of values in each bucket or below it; cached, since several quantiles need it."""
    return np.cumsum(np.frombuffer(counts, np.int64))


@lru_cache(maxsize=1024)
def _grid(low: float, high: float, words: bool) -> tuple[int, int, int]:
    """Exponent of the width, index of the first bucket, and number of buckets, for a range."""
    if words:
        return 0, int(low), int(high) - int(low) + 1
    largest = max(abs(low), abs(high))
    exponent = max(_FINEST, math.frexp(largest)[1] - _DIGITS) if largest else _FINEST
    half = high / 2 - low / 2  # the spread of the largest doubles is no double itself
    if half:
        exponent = max(exponent, math.frexp(half)[1] + 1 - _MOST.bit_length() - 1)
    while True:
        first, last = _index(low, exponent), _index(high, exponent)
        if last - first < _MOST:
            return exponent, first, last - first + 1
        exponent += 1


def _edge(index: int, exponent: int) -> float:
    """Where a bucket begins. That of the largest values of all may begin or end beyond every double: it is then the largest."""
    try:
        return math.ldexp(index, exponent)
    except OverflowError:
        return math.copysign(sys.float_info.max, index)


def _index(value: float, exponent: int) -> int:
    scaled = math.ldexp(value, -exponent)
    return -1 if scaled == 0 and value < 0 else math.floor(scaled)
