"""Confidence sequences of the mean of a figure: intervals that hold at every batch, however often one looks.

A candidate mean m is refused once bets against it have won: the capital is the mean over fixed stakes of the product of
``1 + stake (z - m)`` over samples. If m is the mean, it exceeds 1/alpha with probability at most alpha at any time (Ville 1939;
Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86, 2024, with a mixture of fixed
stakes in place of predicted ones, so that the capital depends on counts alone and merges). Empirical Bernstein sequences
(Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of Statistics
49, 2021) are wider for bounded figures. Bets need bounded outcomes: shares lie between 0 and 1 by themselves, and all other
figures are cut off at 2.5 spreads of the reference.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tare.samples.layout import Doubles

# Shares of the largest stake that an interval's bets stake, down to those for a billion samples.
_STAKES = 0.95 * 0.5 ** np.arange(15)
_CUT = 2.5
_HALVINGS = 30
# So near to an end of a share, as a part of its range, stakes grow no more.
_CLOSEST = 1e-9


@dataclass(frozen=True, slots=True)
class Scale:
    """A figure's levels in spreads about the reference's mean, cut off at 2.5: ``z`` ``(64,)``; and the way back.

    Those of a share are differences from that mean, as they are.
    """

    z: Doubles
    mean: float
    spread: float
    ends: tuple[float, float]
    is_share: bool = False

    @classmethod
    def of(cls, held: Doubles, shown: Doubles, *, is_share: bool = False) -> Scale:
        """The scale of a reference: ``held`` counts ``(64,)`` of its samples, if any, ``shown`` what each level means."""
        shares = held / held.sum() if held.sum() > 0 else np.full(len(held), 1 / len(held))
        size = float(np.abs(shown).max())  # the unit of squares: those of the levels themselves may be beyond all numbers
        scaled = shown / size
        mean = float(shares @ scaled)
        ends = (float(shown.min()), float(shown.max()))
        if is_share:
            return cls(shown - size * mean, size * mean, 1.0, ends, is_share=True)
        spread = max(math.sqrt(float(shares @ (scaled - mean) ** 2)), float(scaled[1] - scaled[0]))
        z = np.clip((scaled - mean) / spread, -_CUT, _CUT)
        return cls(z, size * mean, min(size * spread, sys.float_info.max), ends)

    def back(self, z: Doubles) -> Doubles:
        """Means on the figure's own scale, no farther than its levels go."""
        with np.errstate(over="ignore"):  # what is farther than all numbers ends at the ends
            return np.asarray(np.clip(self.mean + self.spread * z, *self.ends), np.float64)


def intervals(
    counts: Doubles, z: Doubles, certain: Doubles, shares: NDArray[np.bool_] | None = None
) -> tuple[Doubles, Doubles, Doubles]:
    """The means served and the ends of their intervals ``(K,)``, on the scale of ``z``; NaN where there is no sample.

    ``counts`` ``(K, 64)`` are weighted numbers of samples on each level, ``z`` ``(K, 64)`` the levels, and ``certain`` ``(K,)``
    the logarithm of the capital that refuses a mean. Of ``shares`` ``(K,)`` the levels are not cut off.
    """
    number = counts.sum(axis=1)
    with np.errstate(invalid="ignore"):
        live = np.einsum("kl,kl->k", counts, z) / number
    whole = np.zeros(len(z), bool) if shares is None else shares
    range_ = np.where(whole, z.min(axis=1), -_CUT), np.where(whole, z.max(axis=1), _CUT)
    ends = [_ends(_Tested(counts, z, certain, whole, *range_), live, sign) for sign in (1, -1)]
    low, high = (np.where(number > 0, end, np.nan) for end in ends)
    return live, low, high


@dataclass(frozen=True, slots=True)
class _Tested:
    """What candidates are tested against; ``low`` and ``high`` ``(K,)`` are the ends of what a figure can be."""

    counts: Doubles
    z: Doubles
    certain: Doubles
    whole: NDArray[np.bool_]
    low: Doubles
    high: Doubles

    def won(self, candidates: Doubles, sign: int) -> NDArray[np.bool_]:
        """Whether the bets on more (``sign`` 1) or less than the candidates have won."""
        farthest = candidates - self.low if sign > 0 else self.high - candidates
        least = _CLOSEST * (self.high - self.low)
        room = np.where(self.whole, np.maximum(farthest, least), _CUT + np.abs(candidates))
        stakes = sign * _STAKES / room[:, None]
        grown = np.log1p(stakes[:, :, None] * (self.z - candidates[:, None])[:, None, :])
        capital = np.logaddexp.reduce(np.einsum("ksl,kl->ks", grown, self.counts), axis=1) - math.log(2 * len(_STAKES))
        return np.asarray(capital >= self.certain)


def _ends(tested: _Tested, live: Doubles, sign: int) -> Doubles:
    """By bisection, the candidates from which on the bets have won; the ends of the range where they never do."""
    end = tested.low if sign > 0 else tested.high
    inside, outside = np.nan_to_num(live), end
    reached = tested.won(outside, sign)
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        won = tested.won(middle, sign)
        inside, outside = np.where(won, inside, middle), np.where(won, middle, outside)
    return np.where(reached, outside, end)
