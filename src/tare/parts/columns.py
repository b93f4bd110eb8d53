"""The moments of every column of a matrix in one compiled pass over its rows; NaN is counted and left out."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.parts import doubled
from tare.samples.layout import Doubles
from tare.statistics.centred import Centred, centred
from tare.statistics.moments import Moments
from tare.system.engines.compiler import numba

#: Sums kept side by side, which fill the vector registers of any processor and fit the nearest cache.
_LANES = 64
#: Rows whose mean is near the mean of the column.
_SOME = 128
#: A sum of fourth powers below this may have lost terms that a double cannot hold.
_TINY = 1e-120
#: Powers of two between which a variance keeps all its digits.
_WITHIN = 900
#: What is kept of each column: the number of values, the sums of four powers, the smallest and the largest value.
_COUNT, _LOW, _HIGH = 0, 5, 6


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _add_rows(rows: NDArray[Any], pivots: Doubles, sums: Doubles) -> None:  # pragma: no cover - compiled
    # Four rows share one addition to a sum. A NaN makes the sums NaN.
    for i in range(0, rows.shape[0] // 4 * 4, 4):
        first, second, third, fourth = rows[i], rows[i + 1], rows[i + 2], rows[i + 3]
        for k in range(rows.shape[1]):
            v, w, x, y = np.float64(first[k]), np.float64(second[k]), np.float64(third[k]), np.float64(fourth[k])
            a, b, c, d = v - pivots[k], w - pivots[k], x - pivots[k], y - pivots[k]
            a2, b2, c2, d2 = a * a, b * b, c * c, d * d
            sums[1, k] += (a + b) + (c + d)
            sums[2, k] += (a2 + b2) + (c2 + d2)
            sums[3, k] += (a2 * a + b2 * b) + (c2 * c + d2 * d)
            sums[4, k] += (a2 * a2 + b2 * b2) + (c2 * c2 + d2 * d2)
            vw, xy = v if v < w else w, x if x < y else y
            least = vw if vw < xy else xy
            vw, xy = v if v > w else w, x if x > y else y
            most = vw if vw > xy else xy
            sums[5, k] = least if least < sums[5, k] else sums[5, k]
            sums[6, k] = most if most > sums[6, k] else sums[6, k]
    for k in range(rows.shape[1]):
        sums[0, k] += rows.shape[0] // 4 * 4
    _add_known(rows[rows.shape[0] // 4 * 4 :], pivots, sums)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _add_known(rows: NDArray[Any], pivots: Doubles, sums: Doubles) -> None:  # pragma: no cover - compiled
    # NaN differs from itself, and adds nothing.
    for i in range(rows.shape[0]):
        row = rows[i]
        for k in range(rows.shape[1]):
            v = np.float64(row[k])
            known = v == v  # noqa: PLR0124
            a = v - pivots[k] if known else 0.0
            a2 = a * a
            sums[0, k] += 1.0 if known else 0.0
            sums[1, k] += a
            sums[2, k] += a2
            sums[3, k] += a2 * a
            sums[4, k] += a2 * a2
            sums[5, k] = v if v < sums[5, k] else sums[5, k]
            sums[6, k] = v if v > sums[6, k] else sums[6, k]


@dataclass(frozen=True, slots=True, eq=False)
class ColumnSums:
    """The power sums of every column of finite rows ``(N, C)``: ``sums`` ``(7, C)`` about the ``pivots``, of one pass."""

    rows: int
    pivots: Doubles
    sums: Doubles

    def moments(self) -> tuple[Moments, ...]:
        """The exact moments of each column."""
        return tuple(map(self._moments_of, range(len(self.pivots))))

    def mean_and_std(self) -> tuple[Doubles, Doubles]:
        """The mean and std of each column, to the bits that those of its exact moments have.

        Both are taken with twice the digits of a double. Where even these do not say how the exact number rounds, as where a
        column is constant, the exact moments are asked.
        """
        _, first, second, *_ = self.sums
        mean, sure = doubled.shifted_mean(self.pivots, first, self.rows)
        variance, sure_too = doubled.variance(first, second, self.rows)
        std = np.sqrt(np.where(sure_too, variance, 0.0))
        for place in np.flatnonzero(~(sure & sure_too)):
            mean[place], std[place] = mean_and_std(self._moments_of(int(place)))
        return mean, std

    def _moments_of(self, place: int) -> Moments:
        count, *powers, low, high = self.sums[:, place].tolist()
        return Moments.of_sums(Centred(int(count), tuple(powers), float(self.pivots[place]), low, high))


def sums_of_columns(matrix: NDArray[Any]) -> ColumnSums | None:
    """The sums of every column of floats ``(N, C)``, about a pivot near the column's mean and in float64.

    None for rows that :func:`moments_of_columns` must look at column by column: an empty matrix, one stored by columns, NaN,
    infinities, and values whose fourth powers leave the range of a double.
    """
    if not matrix.size or (matrix.flags.f_contiguous and matrix.shape[1] > 1):
        return None
    rows = _stored_rows(matrix)
    pivots = _pivots(rows)
    sums = _summed(rows, pivots, _add_rows)
    fourth, constant = sums[4], sums[_LOW] == sums[_HIGH]
    whole = bool((sums[_COUNT] == len(rows)).all() and np.isfinite(sums).all() and ((fourth > _TINY) | constant).all())
    return ColumnSums(len(rows), pivots, sums) if whole else None


def moments_of_columns(matrix: NDArray[Any]) -> tuple[Moments, ...]:
    """Return the moments of each column of floats ``(N, C)``, every value a sample of its own.

    Power sums are taken in float64 about a pivot near the column's mean, whatever the matrix's own type, and moved to the
    origin exactly, as :meth:`Moments.of_rows` does.
    """
    if not matrix.size:
        return tuple(Moments() for _ in range(matrix.shape[1]))
    if matrix.flags.f_contiguous and matrix.shape[1] > 1:
        return tuple(moments_of_columns(column.reshape(-1, 1))[0] for column in matrix.T)
    rows = _stored_rows(matrix)
    pivots = _pivots(rows)
    sums = _summed(rows, pivots, _add_rows)
    if not np.isfinite(sums[1]).all():
        sums = _summed(rows, pivots, _add_known)
    columns = zip(rows.T, pivots.tolist(), sums.T.tolist(), strict=True)
    return tuple(_of_column(values, pivot, column) for values, pivot, column in columns)


def _stored_rows(matrix: NDArray[Any]) -> NDArray[Any]:
    """The rows one after the other: compiled loops read the floats of processors alone."""
    kind = matrix.dtype if matrix.dtype in (np.float32, np.float64) else np.float64
    return np.ascontiguousarray(matrix, dtype=kind)


def _pivots(matrix: NDArray[Any]) -> Doubles:
    """The mean of some rows, evenly spread; 0 where all of those are NaN."""
    some = matrix[:: max(1, len(matrix) // _SOME)].astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = some.mean(axis=0)
    if np.isfinite(mean).all():
        return np.asarray(mean)
    with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # a column without a value
        return np.asarray(np.nan_to_num(np.nanmean(some, axis=0), nan=0.0, posinf=0.0, neginf=0.0))


def _summed(rows: NDArray[Any], pivots: Doubles, add: Any) -> Doubles:
    """The sums of every column, ``(7, C)``; several rows lie side by side in the lanes of few columns."""
    columns = rows.shape[1]
    beside = max(1, _LANES // columns)
    whole = len(rows) // beside * beside
    lanes = _zeros(beside * columns)
    add(rows[:whole].reshape(-1, beside * columns), np.tile(pivots, beside), lanes)
    left = _zeros(columns)
    add(rows[whole:], pivots, left)
    stacked = np.concatenate([lanes.reshape(7, beside, columns), left[:, None]], axis=1)
    return np.vstack([stacked[:_LOW].sum(axis=1), stacked[_LOW].min(axis=0), stacked[_HIGH].max(axis=0)])


def _zeros(columns: int) -> Doubles:
    sums = np.zeros((7, columns))
    sums[_LOW], sums[_HIGH] = np.inf, -np.inf
    return sums


def _of_column(values: NDArray[Any], pivot: float, sums: list[float]) -> Moments:
    count, *powers, low, high = sums
    if not math.isfinite(powers[3]) or (powers[3] <= _TINY and low != high):
        return Moments.of_sums(centred(values, passes=1))  # a power left the range of a double
    nan = len(values) - int(count)
    return Moments.of_sums(Centred(int(count), tuple(powers), pivot, low, high, nan=nan))


def mean_and_std(moments: Moments) -> tuple[float, float]:
    """The mean and std of :class:`Moments` to the same bits, in whole numbers, which takes a tenth of the time of fractions."""
    n, total, squares = moments.count, moments.total, moments.squares
    if not n:
        return np.nan, np.nan
    bits = max(0, -total.exponent, -(squares.exponent // 2))
    s, q = total.mantissa << total.exponent + bits, squares.mantissa << squares.exponent + 2 * bits
    above, below = max(0, n * q - s * s), n * n << 2 * bits
    spread = below.bit_length() - above.bit_length()
    if above and abs(spread) > _WITHIN:
        return moments.mean, moments.std  # a variance near the ends of a double's range
    return s / (n << bits), math.sqrt(above / below)
