"""Compiled loops that sum many values at once. They release the GIL and give the same bits on every processor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.statistics.plain.order import GROUP, LANES
from tare.system.engines.compiler import numba

# A 32-bit sum holds 65,536 squares of 8 bits.
_SQUARES = 65_536
_SEGMENT = 48 * _SQUARES
# Values that are counted before they are summed.
_TURN = 256


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _powers(  # pragma: no cover - compiled
    values: NDArray[np.float64], pivot: float, sums: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> None:
    for block in range(values.size // GROUP):
        row = values[block * GROUP : (block + 1) * GROUP]
        for k in range(LANES):
            v, w, x, y = row[k], row[k + LANES], row[k + 2 * LANES], row[k + 3 * LANES]
            a, b, c, d = v - pivot, w - pivot, x - pivot, y - pivot
            a2, b2, c2, d2 = a * a, b * b, c * c, d * d
            sums[0, k] += (a + b) + (c + d)
            sums[1, k] += (a2 + b2) + (c2 + d2)
            sums[2, k] += (a2 * a + b2 * b) + (c2 * c + d2 * d)
            sums[3, k] += (a2 * a2 + b2 * b2) + (c2 * c2 + d2 * d2)
            vw, xy = v if v < w else w, x if x < y else y
            least = vw if vw < xy else xy
            vw, xy = v if v > w else w, x if x > y else y
            most = vw if vw > xy else xy
            low[k] = least if least < low[k] else low[k]
            high[k] = most if most > high[k] else high[k]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def power_totals(values: NDArray[np.float64], pivot: float) -> tuple[Any, Any, Any]:  # pragma: no cover - compiled
    sums = np.zeros((4, LANES))
    low, high = np.full(LANES, np.inf), np.full(LANES, -np.inf)
    _powers(values, pivot, sums, low, high)
    for j in range(values.size // GROUP * GROUP, values.size):
        k, v = j % LANES, values[j]
        a = v - pivot
        a2 = a * a
        sums[0, k] += a
        sums[1, k] += a2
        sums[2, k] += a2 * a
        sums[3, k] += a2 * a2
        low[k] = v if v < low[k] else low[k]
        high[k] = v if v > high[k] else high[k]
    totals = np.zeros(4)
    for power in range(4):
        for k in range(LANES):
            totals[power] += sums[power, k]
    return totals, low.min(), high.max()


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def mean_of_some(values: NDArray[np.float64]) -> float:  # pragma: no cover - compiled
    """The mean of about a hundred values, evenly spread; 0 if it is not finite. Each is a wait for memory."""
    step = max(1, values.size // 128)
    total, number = 0.0, 0
    for j in range(0, values.size, step):
        total += values[j]
        number += 1
    mean = total / number
    return mean if np.isfinite(mean) else 0.0


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _count_levels(row: NDArray[np.uint8], table: NDArray[np.uint32]) -> None:  # pragma: no cover - compiled
    # Neighbouring pixels are often equal, and a second increment of the counter that was just written has to wait for the
    # first to reach memory. Twelve tables used in turn keep them apart; 12 is a multiple of every channel count that comes
    # here, so table p holds channel p modulo C, and the inner loop unrolls.
    for block in range(row.size // 12):
        for phase in range(12):
            table[phase * 256 + np.intp(row[block * 12 + phase])] += np.uint32(1)
    for k in range(row.size // 12 * 12, row.size):
        table[k % 12 * 256 + np.intp(row[k])] += np.uint32(1)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def interleaved_bytes(  # pragma: no cover - compiled
    samples: NDArray[np.uint8], table: NDArray[np.uint32], s: NDArray[np.int64], q: NDArray[np.int64]
) -> None:
    # The sums run in 48 lanes, a multiple of every channel count that comes here, so lane p holds channel p modulo C.
    channels = s.shape[1]
    length = samples.shape[1]
    sums, squares = np.zeros(48, np.uint32), np.zeros(48, np.uint32)
    for i in range(samples.shape[0]):
        sample = samples[i]
        _count_levels(sample, table)
        for start in range(0, length, _SEGMENT):
            segment = sample[start : start + _SEGMENT]
            sums[:], squares[:] = 0, 0
            for block in range(segment.size // 48):
                row = segment[block * 48 : block * 48 + 48]
                for k in range(48):
                    v = np.uint32(row[k])
                    sums[k] += v
                    squares[k] += v * v
            for k in range(48):
                s[i, k % channels] += np.int64(sums[k])
                q[i, k % channels] += np.int64(squares[k])
            for k in range(segment.size // 48 * 48, segment.size):
                v64 = np.int64(segment[k])
                s[i, k % channels] += v64
                q[i, k % channels] += v64 * v64


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _row_sums(row: NDArray[np.uint8]) -> tuple[Any, Any]:  # pragma: no cover - compiled
    total, squares = np.int64(0), np.int64(0)
    for start in range(0, row.size, _SQUARES):
        a, b = np.uint32(0), np.uint32(0)  # sums of integers: the compiler may reorder them, and does, into vector registers
        for byte in row[start : start + _SQUARES]:
            v = np.uint32(byte)
            a = np.uint32(a + v)
            b = np.uint32(b + v * v)
        total += np.int64(a)
        squares += np.int64(b)
    return total, squares


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def plane_bytes(  # pragma: no cover - compiled
    planes: NDArray[np.uint8], tables: NDArray[np.uint32], s: NDArray[np.int64], q: NDArray[np.int64]
) -> None:
    for c in range(planes.shape[1]):
        for i in range(planes.shape[0]):
            _count_levels(planes[i, c], tables[c])
            s[i, c], q[i, c] = _row_sums(planes[i, c])


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def plane_pairs(  # pragma: no cover - compiled
    planes: NDArray[np.uint8],
    words: NDArray[np.uint64],
    levels: NDArray[np.int64],
    s: NDArray[np.int64],
    q: NDArray[np.int64],
) -> None:
    # Two neighbours of one channel are counted by one increment, in 65,536 counters that the second cache level holds.
    mask, one = np.uint64(0xFFFF), np.uint32(1)
    table = np.zeros(256 * 256, np.uint32)
    for c in range(planes.shape[1]):
        for i in range(planes.shape[0]):
            row, pairs = planes[i, c], words[i, c]
            total, squares = np.int64(0), np.int64(0)
            # Increments wait for memory to take the counters: the sums of the same few values fill that time.
            for start in range(0, row.size, _TURN):
                for word in pairs[start // 8 : (start + _TURN) // 8]:
                    table[np.uintp(word & mask)] += one
                    table[np.uintp((word >> np.uint64(16)) & mask)] += one
                    table[np.uintp((word >> np.uint64(32)) & mask)] += one
                    table[np.uintp(word >> np.uint64(48))] += one
                a, b = np.uint32(0), np.uint32(0)
                for byte in row[start : start + _TURN]:
                    v = np.uint32(byte)
                    a = np.uint32(a + v)
                    b = np.uint32(b + v * v)
                total += np.int64(a)
                squares += np.int64(b)
            s[i, c], q[i, c] = total, squares
        for second in range(256):
            counts = table[256 * second : 256 * (second + 1)]
            number = np.int64(0)
            for first in range(256):
                levels[c, first] += np.int64(counts[first])
                number += np.int64(counts[first])
            levels[c, second] += number
            counts[:] = 0


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def words(  # pragma: no cover - compiled
    samples: NDArray[np.uint16],
    s: NDArray[np.int64],
    q: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    # Sums in registers, a channel at a time: interleaved channels of one sample stay in the cache.
    for i in range(samples.shape[0]):
        for c in range(samples.shape[2]):
            total, squares, row = np.int64(0), np.int64(0), counts[c]
            for p in range(samples.shape[1]):
                word = samples[i, p, c]
                v = np.int64(word)
                total += v
                squares += v * v
                row[word] += 1
            s[i, c], q[i, c] = total, squares


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def floats(samples: NDArray[np.float64], out: NDArray[np.float64]) -> None:  # pragma: no cover - compiled
    length = samples.shape[1]
    for i in range(samples.shape[0]):
        total = 0.0
        for p in range(length):
            total += samples[i, p]
        mean = total / length
        first, second, low, high = 0.0, 0.0, np.inf, -np.inf
        for p in range(length):
            v = samples[i, p]
            d = v - mean
            first += d
            second += d * d
            low, high = v if v < low else low, v if v > high else high
        out[0, i], out[1, i], out[2, i], out[3, i], out[4, i] = mean, first, second, low, high


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def image_bytes(  # pragma: no cover - compiled
    flat: NDArray[np.uint8], levels: NDArray[np.int64], s: NDArray[np.int64], q: NDArray[np.int64]
) -> None:
    table = np.zeros(12 * 256, np.uint32)
    _count_levels(flat, table)
    for phase in range(12):
        c = phase % s.size
        counts, pooled = table[phase * 256 : phase * 256 + 256], levels[c]
        total, squares = np.int64(0), np.int64(0)
        for level in range(256):
            number = np.int64(counts[level])
            pooled[level] += number
            total += number * level
            squares += number * level * level
        s[c] += total
        q[c] += squares
