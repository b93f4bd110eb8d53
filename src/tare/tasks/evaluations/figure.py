"""One figure of an evaluation, and what all evaluations have in common."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tare.statistics.intervals import Interval


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95% interval; ``share`` says that it lies in [0, 1] and is printed in percent."""

    name: str
    value: Interval
    share: bool = True

    def in_words(self) -> str:
        """The estimate."""
        return self._number(self.value.estimate) + ("%" if self.share and math.isfinite(self.value.estimate) else "")

    def interval(self) -> str:
        """Both ends of the interval, or ``unknown``."""
        if not math.isfinite(self.value.low):
            return "unknown"
        return f"{self._number(self.value.low)} to {self._number(self.value.high)}"

    def _number(self, value: float) -> str:
        if not math.isfinite(value):
            return "n/a"
        return f"{100 * value:.1f}" if self.share else f"{value:.4g}"


class Evaluation(Protocol):
    """How good the answers for the validation samples are."""

    @property
    def samples(self) -> int:
        """Number of samples."""

    @property
    def headline(self) -> Figure:
        """The figure that stands for the whole."""

    def table(self) -> list[dict[str, Any]]:
        """One row for each output."""

    def points(self) -> list[dict[str, Any]]:
        """The figures of each output, as rows of ``panel``, ``name`` and ``value`` for a chart."""

    def to_json(self) -> dict[str, Any]:
        """A JSON object; unknown figures are null."""


def mean_of_ratios(above: NDArray[np.float64], below: NDArray[np.float64]) -> Interval:
    """The mean over columns of the ratios of sums, ``sum_i above_ik / sum_i below_ik``, with a 95% interval over the rows.

    Rows ``i`` are independent samples. The interval is Student's t on the linearised ratios (Cochran 1977, section 6.3): the
    residual of row i in column k is (above_ik - ratio_k below_ik) / mean(below_k). Columns whose ``below`` sums to zero have no
    ratio and are left out. NaN without such a column; both ends are NaN for a single row.
    """
    from scipy import special

    total = below.sum(axis=0)
    known = total > 0
    if not known.any():
        return Interval(math.nan, math.nan, math.nan)
    above, below = above[:, known], below[:, known]
    ratio = above.sum(axis=0) / below.sum(axis=0)
    mean, count = float(ratio.mean()), len(above)
    if count < 2:
        return Interval(mean, math.nan, math.nan)
    residual = ((above - ratio * below) / below.mean(axis=0)).mean(axis=1)
    half = float(special.stdtrit(count - 1, 0.975)) * float(residual.std(ddof=1)) / math.sqrt(count)
    return Interval(mean, mean - half, mean + half)
