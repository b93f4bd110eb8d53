"""Are neighbouring samples alike, as the hours of a day are, and how many of them count as one?

A sum of n samples that are alike has ``tau`` times the variance of a sum of independent ones: ``tau`` samples tell as much as
one. It is measured by the means of blocks, up to blocks of which sixteen fit. A test by betting that weighs each sample by
``1 / tau`` then gains nothing on average, as far as sums are normal: ``E exp(w (l S - n l^2 / 2)) <= 1`` for ``w tau <= 1``.
Whether samples are alike at all is told within windows of sixteen, without those that differ most inside: so a change of all
samples from some moment on, which is what a monitor looks for, is not taken for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tare.monitoring.evidence.levels import Figure
from tare.samples.layout import Doubles
from tare.statistics.inference.distributions import normal_quantile

_WINDOW, _FEWEST_WINDOWS = 16, 6
#: Fewer samples than this do not tell whether neighbours are alike.
FEWEST = _WINDOW * _FEWEST_WINDOWS
#: The order of so many samples is looked at.
MOST = 1 << 17
# A correlation of neighbours counts above this, and above so many of its errors.
_LEAST, _CERTAIN = 0.1, 4.0
_BLOCKS = 16
# Of windows and of differences of blocks, a tenth may be those of changes.
_LEFT_OUT = 0.1
# All samples count as no fewer than this: slower changes, such as seasons of a year, belong to the population.
_LEAST_INDEPENDENT = 30


@dataclass(frozen=True, slots=True)
class Alike:
    """How alike neighbours are: ``samples`` of them count as one; ``figure`` is the one with the highest ``correlation``.

    1 sample and no figure where they are no more alike than by chance.
    """

    samples: float = 1.0
    figure: str = ""
    correlation: float = 0.0

    def memory(self, batch: int) -> int:
        """The memory of a monitor of batches of so many samples under which one sample weighs at most ``1 / samples``."""
        return max(0, math.ceil(self.samples / batch) - 1)

    def words(self) -> str:
        """The finding in a few words."""
        return f"{self.figure} has a correlation of {self.correlation:.2f} from one sample to the next"


NONE = Alike()


def alike(levels: NDArray[np.integer], figures: Sequence[Figure], *, changing: bool = False) -> Alike:
    """How alike the neighbours among samples are whose figures have ``levels`` ``(N, F)``, -1 for none.

    Of samples that may be ``changing``, blocks are compared with their neighbours alone, and a tenth of the differences is left
    out: those of a reference are compared with all others, since all that it holds is the population.
    """
    places = [place for place, figure in enumerate(figures) if figure.kind in ("mean", "std")]
    if len(levels) < FEWEST or not places:
        return NONE
    series = [_filled(levels[:MOST, place]) for place in places]
    known = [_correlation(values) for values in series]
    found = [value if value >= max(_LEAST, _CERTAIN * error) else 0.0 for value, error in known]
    most = int(np.argmax(found))
    if not found[most]:
        return NONE
    longest = max(_counting_as_one(values, changing=changing) for values in series)
    return Alike(float(max(1.0, longest)), figures[places[most]].name, found[most])


def _filled(levels: NDArray[np.integer]) -> Doubles:
    """Levels as numbers, the mean where a sample has none."""
    values = levels.astype(np.float64)
    missing = values < 0
    if missing.any():
        values[missing] = 0.0 if missing.all() else values[~missing].mean()
    return values


def _correlation(values: Doubles) -> tuple[float, float]:
    """The correlation of neighbours about the means of windows, without the windows that vary most (von Neumann 1941), its error.

    Each window counts by its variance. Of values that are rare, or of which few lie far away, that is a few windows, whatever
    their number, and so the error is that of as many as weigh.
    """
    windows = values[: len(values) // _WINDOW * _WINDOW].reshape(-1, _WINDOW)
    variance = windows.var(axis=1, ddof=1)
    varying = np.flatnonzero(variance)  # the others say nothing, and of rare values they are most
    kept = varying[np.argsort(variance[varying], kind="stable")][: len(varying) - math.ceil(_LEFT_OUT * len(varying))]
    if not kept.size:
        return 0.0, 1.0
    weights = variance[kept]
    error = math.sqrt(float(np.square(weights).sum()) / (_WINDOW - 1)) / float(weights.sum())
    return 1 - float(np.square(np.diff(windows[kept], axis=1)).mean()) / (2 * float(weights.mean())), error


def _counting_as_one(values: Doubles, *, changing: bool) -> float:
    """The variance of means of blocks over that of independent samples: the largest over lengths of blocks."""
    variance, found, length = float(values.var()), 1.0, 2
    while variance > 0 and length <= len(values) // _BLOCKS:
        means = values[: len(values) // length * length].reshape(-1, length).mean(axis=1)
        spread = _of_neighbours(means) if changing else float(means.var(ddof=1))
        found, length = max(found, length * spread / variance), length * 2
    return min(found, len(values) / _LEAST_INDEPENDENT)


def _of_neighbours(means: Doubles) -> float:
    """The variance of means by the differences of neighbours, without the largest tenth, as those of normal numbers are."""
    squares = np.sort(np.square(np.diff(means)))
    kept = len(squares) - math.ceil(_LEFT_OUT * len(squares))
    share = kept / len(squares)
    end = normal_quantile((1 + share) / 2)
    left = 1 - 2 * end * math.exp(-end * end / 2) / math.sqrt(2 * math.pi) / share
    return float(squares[:kept].mean()) / left / 2
