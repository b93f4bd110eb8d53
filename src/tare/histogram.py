"""Exact histograms of 8-bit data: one pass gives counts, sums, extremes and quantiles."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

LEVELS = 256


_PHASES = 12


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _count(flat: NDArray[np.uint8], tables: NDArray[np.uint32]) -> None:  # pragma: no cover - compiled
    # Neighbouring pixels are often equal, and a second increment of the counter that was just written has to wait for the
    # first to reach memory. Twelve tables used in turn keep them apart; 12 is a multiple of 1, 2, 3, 4 and 6 channels, so
    # table p holds channel p modulo C whatever C is, and the inner loop unrolls.
    for block in range(flat.size // 12):
        start = block * 12
        for phase in range(12):
            tables[phase * 256 + np.intp(flat[start + phase])] += np.uint32(1)


def count_levels(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count the levels of one sample: uint8 ``(..., C)`` to int64 ``(C, 256)``. Releases the GIL.

    At most 2**32 values per table and sample; decoders refuse images of that size long before.
    """
    channels = pixels.shape[-1]
    flat = np.ascontiguousarray(pixels).reshape(-1)
    if _PHASES % channels:
        columns = flat.reshape(-1, channels)
        return np.stack([np.bincount(columns[:, c], minlength=LEVELS) for c in range(channels)]).astype(np.int64)
    tables = np.zeros(_PHASES * LEVELS, np.uint32)
    _count(flat, tables)
    tail_start = flat.size // _PHASES * _PHASES
    for phase, value in enumerate(flat[tail_start:]):
        tables[phase * LEVELS + int(value)] += 1
    by_phase = tables.reshape(_PHASES // channels, channels, LEVELS)
    return np.asarray(by_phase.sum(axis=0, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often each of the 256 levels of one 8-bit channel occurs; merging adds."""

    counts: tuple[int, ...] = (0,) * LEVELS

    def merge(self, other: Histogram) -> Histogram:
        """Return the histogram of both; exact, associative, commutative, with ``Histogram()`` as identity."""
        return Histogram(tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)))

    @property
    def total(self) -> int:
        """Number of values counted."""
        return sum(self.counts)

    def quantile(self, q: float) -> float:
        """The smallest level with at least a share ``q`` of the values at or below it (inverse distribution function)."""
        if not 0.0 <= q <= 1.0:
            raise ValueError(f"a quantile lies in [0, 1], got {q}")
        reached = np.cumsum(np.array(self.counts, dtype=np.float64))
        if reached[-1] == 0:
            return float("nan")
        return float(np.searchsorted(reached, max(q * reached[-1], 1.0), side="left"))

    def share_at(self, level: int) -> float:
        """Share of the values at ``level`` (0 and 255 are the ends of the range)."""
        return self.counts[level] / self.total if self.total else float("nan")
