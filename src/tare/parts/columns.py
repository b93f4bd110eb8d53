"""The moments of every column of a matrix in one compiled pass, without NaN."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from tare.samples.layout import Doubles
from tare.statistics.centred import Centred, centred
from tare.statistics.moments import Moments

#: Sums kept side by side: enough for the vector registers of any processor, and few enough for the nearest cache.
_LANES = 64
#: Rows that share one addition to a sum.
_ROWS = 4
#: Rows whose mean is near the mean of the column.
_SOME = 128
#: A sum of fourth powers below this may have lost terms that a double cannot hold.
_TINY = 1e-120


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _add_rows(rows: NDArray[Any], pivots: Doubles, sums: Doubles, ends: Doubles) -> None:  # pragma: no cover - compiled
    # NaN differs from itself, and no comparison with it is true: it adds nothing, and is neither the smallest nor the largest.
    for i in range(rows.shape[0] // 4):
        first, second, third, last = rows[4 * i], rows[4 * i + 1], rows[4 * i + 2], rows[4 * i + 3]
        for k in range(rows.shape[1]):
            v, w, x, y = np.float64(first[k]), np.float64(second[k]), np.float64(third[k]), np.float64(last[k])
            a = v - pivots[k] if v == v else 0.0  # noqa: PLR0124
            b = w - pivots[k] if w == w else 0.0  # noqa: PLR0124
            c = x - pivots[k] if x == x else 0.0  # noqa: PLR0124
            d = y - pivots[k] if y == y else 0.0  # noqa: PLR0124
            a2, b2, c2, d2 = a * a, b * b, c * c, d * d
            sums[0, k] += (a + b) + (c + d)
            sums[1, k] += (a2 + b2) + (c2 + d2)
            sums[2, k] += (a2 * a + b2 * b) + (c2 * c + d2 * d)
            sums[3, k] += (a2 * a2 + b2 * b2) + (c2 * c2 + d2 * d2)
            ends[0, k] = min(ends[0, k], min(min(a, b), min(c, d)))
            ends[1, k] = max(ends[1, k], max(max(a, b), max(c, d)))


def moments_of_columns(matrix: NDArray[Any]) -> tuple[Moments, ...]:
    """Return the moments of each column of ``(N, C)`` floats, every value a sample of its own; NaN is counted and left out.

    Power sums are taken about a pivot near the column's mean in float64, whatever the matrix's own type, and moved to the
    origin exactly, as :meth:`Moments.of_rows` does.
    """
    raise NotImplementedError
