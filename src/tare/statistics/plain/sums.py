"""Sums of many values at once in NumPy; every addition of floats is made in the order of the compiled loops."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.statistics.plain.order import GROUP, LANES

_LEVELS = np.arange(256, dtype=np.int64)


def power_totals(values: NDArray[np.float64], pivot: float) -> tuple[Any, Any, Any]:
    """The sums of four powers of ``values - pivot``, and the smallest and largest value."""
    whole = values.size // GROUP * GROUP
    with np.errstate(over="ignore", invalid="ignore"):
        sums = np.zeros((4, LANES))
        if whole:
            _add_groups(values[:whole].reshape(-1, 4, LANES) - pivot, sums)
        rest = values[whole:] - pivot
        for start in range(0, rest.size, LANES):
            part = rest[start : start + LANES]
            squares = part * part
            for power, terms in enumerate((part, squares, squares * part, squares * squares)):
                sums[power, : part.size] += terms
        totals = np.zeros(4)
        for lane in range(LANES):
            totals += sums[:, lane]
    return totals, values.min(initial=np.inf), values.max(initial=-np.inf)


def _add_groups(groups: NDArray[np.float64], sums: NDArray[np.float64]) -> None:
    squares = groups * groups
    for power, terms in enumerate((groups, squares, squares * groups, squares * squares)):
        fours = (terms[:, 0] + terms[:, 1]) + (terms[:, 2] + terms[:, 3])
        sums[power] += _in_order(fours)


def _in_order(rows: NDArray[np.float64]) -> Any:
    """The sum of rows, from the first to the last; ``sum`` would add them in pairs where a row has one value."""
    return np.add.accumulate(rows, axis=0)[-1] + 0.0  # the compiled sums begin at zero, so none is -0


def mean_of_some(values: NDArray[np.float64]) -> float:
    """The mean of about a hundred values, evenly spread; 0 if it is not finite."""
    some = values[:: max(1, values.size // 128)]
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(_in_order(some)) / some.size
    return mean if np.isfinite(mean) else 0.0


def _counted(values: NDArray[np.uint8]) -> tuple[NDArray[np.int64], int, int]:
    """The levels of 8-bit values, their sum and their sum of squares."""
    levels = np.bincount(values.ravel(), minlength=256).astype(np.int64)
    return levels, int(levels @ _LEVELS), int(levels @ (_LEVELS * _LEVELS))


def interleaved_bytes(samples: NDArray[np.uint8], table: NDArray[np.uint32], s: NDArray[np.int64], q: NDArray[np.int64]) -> None:
    """Sum and count samples ``(N, P * C)`` whose channels alternate."""
    channels = s.shape[1]
    for i, sample in enumerate(samples):
        for c in range(channels):
            levels, s[i, c], q[i, c] = _counted(sample[c::channels])
            table[256 * c : 256 * (c + 1)] += levels.astype(np.uint32)


def plane_bytes(planes: NDArray[np.uint8], tables: NDArray[np.uint32], s: NDArray[np.int64], q: NDArray[np.int64]) -> None:
    """Sum and count planes ``(N, C, P)``."""
    for i, sample in enumerate(planes):
        for c, plane in enumerate(sample):
            levels, s[i, c], q[i, c] = _counted(plane)
            tables[c, :256] += levels.astype(np.uint32)


def plane_pairs(
    planes: NDArray[np.uint8],
    words: NDArray[np.uint64],  # noqa: ARG001 - the compiled form counts two values at once
    levels: NDArray[np.int64],
    s: NDArray[np.int64],
    q: NDArray[np.int64],
) -> None:
    """Sum and count many planes ``(N, C, P)``."""
    for i, sample in enumerate(planes):
        for c, plane in enumerate(sample):
            found, s[i, c], q[i, c] = _counted(plane)
            levels[c] += found


def words(samples: NDArray[np.uint16], s: NDArray[np.int64], q: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
    """Sum and count 16-bit samples ``(N, P, C)``."""
    wide = samples.astype(np.int64)
    s += wide.sum(axis=1)
    q += (wide * wide).sum(axis=1)
    for c in range(samples.shape[2]):
        counts[c] += np.bincount(samples[:, :, c].ravel(), minlength=counts.shape[1])


def floats(samples: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Sum samples ``(N, P)`` about their own means."""
    columns = samples.T
    with np.errstate(over="ignore", invalid="ignore"):
        out[0] = _in_order(columns) / samples.shape[1]
        deviations = columns - out[0]
        out[1], out[2] = _in_order(deviations), _in_order(deviations * deviations)
    # Comparisons with NaN are false, as in the compiled loop.
    out[3], out[4] = np.fmin.reduce(columns, axis=0, initial=np.inf), np.fmax.reduce(columns, axis=0, initial=-np.inf)


def image_bytes(flat: NDArray[np.uint8], levels: NDArray[np.int64], s: NDArray[np.int64], q: NDArray[np.int64]) -> None:
    """Sum and count one image whose channels alternate."""
    for c in range(s.size):
        found, total, squares = _counted(flat[c :: s.size])
        levels[c] += found
        s[c] += total
        q[c] += squares
