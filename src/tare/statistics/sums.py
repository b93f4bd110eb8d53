"""Sums of many values at once, with the same bits on every processor, compiled or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError
from tare.system.engines.loops import Loops

# Fewer values do not pay for 65,536 counters.
_MANY = 1 << 19
# So many squares of 16 bits sum to less than 2**63, however bright they are.
_MANY_WORDS = 1 << 31
_LOOPS = Loops("tare.statistics.compiled.sums", "tare.statistics.plain.sums")


def mean_of_some(values: NDArray[np.float64]) -> float:
    """The mean of about a hundred values, evenly spread; 0 if it is not finite."""
    return float(_LOOPS.on(0).mean_of_some(values))


def power_sums(values: NDArray[np.float64], pivot: float) -> tuple[NDArray[np.float64], float, float]:
    """Sum the first four powers of ``values - pivot``; return them with the smallest and the largest value.

    A NaN or infinity, or an overflow, makes the fourth sum non-finite; the extremes mean nothing then.
    """
    totals, low, high = _LOOPS.on(values.nbytes).power_totals(values, pivot)
    return totals, float(low), float(high)


def image_sums(pixels: NDArray[np.uint8], levels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sum one 8-bit sample ``(..., C)`` exactly: sums and sums of squares ``(C,)``; its levels are added to ``(C, 256)``.

    At most 2**32 values; decoders refuse images of that size long before.
    """
    channels = pixels.shape[-1]
    if 12 % channels:
        sums, squares, counts = byte_sums(pixels.reshape(1, -1, channels))
        levels += counts
        return sums[0], squares[0]
    s, q = np.zeros(channels, np.int64), np.zeros(channels, np.int64)
    _LOOPS.on(pixels.nbytes).image_bytes(np.ascontiguousarray(pixels).reshape(-1), levels, s, q)
    return s, q


def byte_sums(samples: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Sum 8-bit samples ``(N, P, C)`` exactly: sums ``(N, C)``, sums of squares ``(N, C)``, pooled histogram ``(C, 256)``.

    At most 2**32 values in all, far more than a chunk holds.
    """
    number, length, channels = samples.shape
    if 12 % channels:
        parts = [byte_sums(np.ascontiguousarray(samples[:, :, c : c + 1])) for c in range(channels)]
        s, q = (np.concatenate([part[k] for part in parts], axis=1) for k in (0, 1))
        return s, q, np.concatenate([part[2] for part in parts])
    if channels == 1:
        return plane_sums(samples.reshape(number, 1, length))
    table = np.zeros(12 * 256, np.uint32)
    s, q = np.zeros((number, channels), np.int64), np.zeros((number, channels), np.int64)
    _LOOPS.on(samples.nbytes).interleaved_bytes(np.ascontiguousarray(samples).reshape(number, length * channels), table, s, q)
    return s, q, table.reshape(12 // channels, channels, 256).sum(axis=0, dtype=np.int64)


def plane_sums(samples: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Sum 8-bit samples whose channels are planes, ``(N, C, P)``, like :func:`byte_sums`, where they lie."""
    planes = np.ascontiguousarray(samples)
    number, channels, length = planes.shape
    s, q = np.zeros((number, channels), np.int64), np.zeros((number, channels), np.int64)
    if length % 8 or planes.ctypes.data % 8 or number * length < _MANY:
        tables = np.zeros((channels, 12 * 256), np.uint32)
        _LOOPS.on(planes.nbytes).plane_bytes(planes, tables, s, q)
        return s, q, tables.reshape(channels, 12, 256).sum(axis=1, dtype=np.int64)
    levels = np.zeros((channels, 256), np.int64)
    _LOOPS.on(planes.nbytes).plane_pairs(planes, planes.view(np.uint64), levels, s, q)
    return s, q, levels


def word_sums(samples: NDArray[np.uint16], counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sum 16-bit samples ``(N, P, C)`` exactly: sums and sums of squares ``(N, C)``.

    Each value is counted in ``counts`` ``(C, 65536)``, too. Raises :class:`DataError` for a sample whose squares may sum to 2**63
    or more: one of more than 2**31 bright values.
    """
    number, length, channels = samples.shape
    if length > _MANY_WORDS and length * int(samples.max()) ** 2 >= 1 << 63:
        found = f"one of {length:,} values up to {int(samples.max()):,}"
        raise DataError("16-bit samples whose squares sum to less than 2**63", found, "cut it into tiles")
    s, q = np.zeros((number, channels), np.int64), np.zeros((number, channels), np.int64)
    _LOOPS.on(samples.nbytes).words(samples, s, q, counts)
    return s, q


@dataclass(frozen=True, slots=True)
class FloatSums:
    """Sums of N samples about their own means, each of shape ``(N,)``; ``second`` is the sum of squares."""

    mean: NDArray[np.float64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def chosen(self, mask: NDArray[np.bool_]) -> FloatSums:
        """Return the sums of the samples that ``mask`` marks."""
        return FloatSums(self.mean[mask], self.first[mask], self.second[mask], self.low[mask], self.high[mask])


def float_sums(samples: NDArray[np.float64]) -> FloatSums:
    """Sum samples ``(N, P)`` with P > 0; a NaN, an infinity or an overflow makes a sample's sum of squares non-finite."""
    out = np.empty((5, samples.shape[0]))
    _LOOPS.on(samples.nbytes).floats(samples, out)
    return FloatSums(*out)
