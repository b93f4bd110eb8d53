"""The levels that one figure of a sample is rounded to, so that evidence is a matter of whole counts.

A figure is a number that one sample has: the mean of its red values, their std, the share at an end of the range. Each is rounded
to one of 64 levels. Counts of levels are whole numbers: they add in any order and lose nothing, and every test of the figure's
distribution follows from them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tare.comparing.shape import DIGITS
from tare.samples.layout import Doubles

#: Number of levels of a figure.
LEVELS = 64
# The spread of samples spans this many levels at least, and less than twice as many.
_FINENESS = 6.0
# Of values that are all one: what sums of doubles leave of a spread, and the digits of floats of 32 bits, as shares of the value.
_ROUNDING, _LEAST = 1e-13, 1e-12

Kind = Literal["mean", "std", "low end", "high end", "no data", "difference", "correlation"]
#: Shares of values.
SHARES: tuple[Kind, ...] = ("low end", "high end", "no data")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a sample and its levels: level k begins at ``centre + (k - 32) * step``; the first and last are open.

    ``channels`` are the places of the one or two channels that the figure belongs to.
    """

    kind: Kind
    name: str
    channels: tuple[int, ...]
    centre: float
    step: float

    @classmethod
    def laid(cls, kind: Kind, name: str, channels: tuple[int, ...], values: Doubles) -> Figure:
        """Lay the levels over the figures ``(N,)`` of a reference.

        Centre and step are rounded to powers of two and their multiples, so that nearly all references of one population have
        the same levels. Shares have fixed levels over the fourth root of [0, 1].
        """
        if kind in SHARES:
            return cls(kind, name, channels, 0.5, 1 / LEVELS)
        known = _scaled(kind, values)
        finite = known[np.isfinite(known)]
        size = float(np.abs(finite).max(initial=0.0))
        # Divided by a power of two, which changes no digit: squares of the largest values leave the range of a double.
        power = int(np.frexp(size)[1])
        scaled = np.ldexp(finite, -power) if finite.size else np.zeros(1)
        spread, mean = (math.ldexp(float(each), power) for each in (scaled.std(), scaled.mean()))
        if spread <= _ROUNDING * size:  # one value, in the middle of a level: another program may write it with fewer digits
            step = 2.0 ** math.ceil(math.log2(max(DIGITS * size, _LEAST)))
            return cls(kind, name, channels, mean - step / 2, step)
        step = 2.0 ** math.floor(math.log2(spread / _FINENESS))
        centre = step * round(mean / step)
        return cls(kind, name, channels, centre, step)

    @property
    def middles(self) -> Doubles:
        """The middle of each level ``(64,)``, on the scale of the levels, no farther than doubles go."""
        most = np.finfo(np.float64).max
        with np.errstate(over="ignore"):
            middles = self.centre + self.step * (np.arange(LEVELS) - LEVELS // 2 + 0.5)
        return np.asarray(np.clip(middles, -most, most), np.float64)

    @property
    def shown(self) -> Doubles:
        """What each level means to a reader ``(64,)``: its middle, and for a share the share itself; the lowest level is none."""
        return np.where(np.arange(LEVELS) > 0, self.middles**4, 0.0) if self.kind in SHARES else self.middles


def levels_on(values: Doubles, figures: tuple[Figure, ...]) -> NDArray[np.int64]:
    """The levels ``(N, F)`` of the figures ``(N, F)`` of samples, -1 for NaN: a sample that does not have this figure."""
    missing = np.isnan(values)
    known = np.where(missing, 0.0, values)
    centres, steps, shares = _laid(figures)
    known[:, shares] = np.sqrt(np.sqrt(known[:, shares]))
    with np.errstate(over="ignore"):  # what is farther than all numbers ends at the ends
        away = np.floor((known - centres) / steps)
    places: NDArray[np.int64] = np.clip(away + LEVELS // 2, 0, LEVELS - 1).astype(np.int64)
    places[missing] = -1
    return places


@lru_cache(maxsize=64)
def _laid(figures: tuple[Figure, ...]) -> tuple[Doubles, Doubles, NDArray[np.int64]]:
    """The centres and the steps of figures, and the places of those that are shares."""
    shares = [place for place, figure in enumerate(figures) if figure.kind in SHARES]
    centres, steps = (np.array([getattr(figure, name) for figure in figures]) for name in ("centre", "step"))
    return centres, steps, np.array(shares, np.int64)


def _scaled(kind: Kind, values: Doubles) -> Doubles:
    """Figures on the scale of their levels: of shares, which are mostly near zero, the fourth root."""
    return np.asarray(np.sqrt(np.sqrt(values)), np.float64) if kind in SHARES else values
