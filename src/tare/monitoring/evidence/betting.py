"""Bets against "these samples come from the population of the reference", and the evidence that they earn.

Every bet is on one function h of a figure's level, whose mean over the population is m. A sample multiplies the capital by
``h / m`` for a positive h, or by ``1 + stake (h - m)``. If the samples come from the population, no bet gains on average, so
capital above 1/alpha has probability at most alpha *at any time* (Ville 1939): a test by betting (Waudby-Smith and Ramdas,
"Estimating means of bounded random variables by betting", JRSS B 86, 2024). Functions and stakes are fixed, so the logarithm of
the capital is a sum over samples: it depends on counts alone and merges exactly.

The reference is a sample, too, and m is not known. So the reference itself bets against every m above its own mean, and
earns the capital ``E(m)``. For the true m the product of both capitals gains nothing on average. The evidence is the least
product over all m: a two-sample test with the reference's error inside the promise. Samples and reference must be
independent draws from one population; nothing else is assumed of it. The logarithm of the live capital is concave in m (or a
line in log m), so its chord bounds it from below, and two sums a bet suffice for all m. The levels, the tails and the
reference's stakes are laid by the reference's own mean, std and quantiles and then count as fixed, which is no exact
step; simulations confirm it (docs/monitor.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.monitoring.evidence.levels import LEVELS
from tare.samples.layout import Doubles

# Standardised figures are cut off here: bets need bounded outcomes.
_CUT = 2.5
# Nothing may cost the whole capital.
_MOST = 0.95
_TILTS = (0.1, 0.25, 0.5, 1.0, 1.6)
_TAILED = (1.0, 0.35)
_TAILS = (0.025, 0.16, 0.5)
# A middle lies between two tails of these shares.
_MIDDLES = (0.16, 0.4)
_KINDS = (2 * len(_TILTS), 2 * len(_TAILS) * len(_TAILED), len(_MIDDLES) * len(_TAILED))
# Half on the mean and half on the tails, less a tenth: then what a middle costs the others hardly delays them.
_PARTS = (0.45, 0.45, 0.1)
#: Bets on one figure: on its mean, up and down, on more samples in six tails, and on more in two middles.
BETS = sum(_KINDS)
#: Places between the reference's mean and the farthest mean that it allows.
PLACES = 16
_SHRINK = (0.5, 1.0, 2.0)
# Share of alpha for a population mean beyond the farthest place.
_BEYOND = 0.1


@dataclass(frozen=True, slots=True)
class Bets:
    """The bets on F figures: ``gains`` and ``drops`` ``(F, 64, B)``, ``allowed`` ``(F, B, 16)``, ``weights`` ``(F, B)``.

    ``gains`` are the logarithms of the factors at the reference's mean, ``drops`` what they lose up to the farthest mean.
    ``allowed`` is the logarithm of the reference's capital against the means between both. ``weights`` are logarithms; the
    weights sum to 1. ``threshold`` is the logarithm of the capital that is an alarm.
    """

    gains: Doubles
    drops: Doubles
    allowed: Doubles
    weights: Doubles
    threshold: float


def bets_of(counts: NDArray[Any], alpha: float, tolerance: float) -> Bets:
    """Lay the bets for a reference: ``counts`` ``(F, 64)`` of its samples on the levels.

    Counts of samples that are alike are parts of whole ones: so many as are independent.

    ``alpha`` is the probability of any false alarm, ever, over all figures together. ``tolerance`` is a change of a figure's mean
    that is no alarm, in units of its spread over samples.
    """
    figures = len(counts)
    certain = math.log(figures * (2 * len(_TILTS) + 2 * len(_TAILS) + len(_MIDDLES)) / (_BEYOND * alpha))
    laid = [_of_figure(row, certain, tolerance) for row in counts]
    gains, drops, allowed = (np.stack([each[part] for each in laid]) for part in range(3))
    each = np.repeat(np.divide(_PARTS, _KINDS), _KINDS)
    weights = np.tile(np.log(each / figures), (figures, 1))
    return Bets(gains, drops, allowed, weights, -math.log(alpha * (1 - _BEYOND)))


def _of_figure(counts: NDArray[Any], certain: float, tolerance: float) -> tuple[Doubles, Doubles, Doubles]:
    """The three tables of one figure's bets; of one that no sample of the reference has, bets that win and lose nothing."""
    if not counts.sum() > 0:
        return np.zeros((LEVELS, BETS)), np.zeros((LEVELS, BETS)), np.zeros((BETS, PLACES))
    shares = counts / counts.sum()
    levels = np.arange(LEVELS)  # evenly laid: how far apart does not matter
    mean = float(shares @ levels)
    spread = max(math.sqrt(float(shares @ (levels - mean) ** 2)), 1.0)
    z = np.clip((levels - mean) / spread, -_CUT, _CUT)
    tables = [_tilt(counts, np.exp(sign * tilt * z), certain, tilt * tolerance) for sign in (1, -1) for tilt in _TILTS]
    parts: list[Doubles] = []
    for share in _TAILS:
        for cumulated, order in ((np.cumsum(shares), levels), (np.cumsum(shares[::-1]), levels[::-1])):
            parts.append((order < _tail(cumulated, share)).astype(np.float64))
    parts += [_middle(shares, share) for share in _MIDDLES]
    # A mean that moves by one spread moves a share by at most the height of a normal density.
    tables += [_stake(counts, inside, step, certain, 0.4 * tolerance) for inside in parts for step in _TAILED]
    gains, drops, allowed = (np.stack([table[part] for table in tables], axis=-1 if part < 2 else 0) for part in range(3))
    return gains, drops, allowed


def _tail(cumulated: Doubles, share: float) -> int:
    """How many of the outermost levels hold at most ``share`` of the reference's samples; not all, and at least one."""
    return int(np.clip(np.searchsorted(cumulated, share, side="right"), 1, LEVELS - 1))


def _middle(shares: Doubles, share: float) -> Doubles:
    """1 for the levels between two tails that hold at most ``share`` each, the median's among them, and 0 for others."""
    median = int(np.searchsorted(np.cumsum(shares), 0.5))
    low = min(_tail(np.cumsum(shares), share), median)
    high = min(_tail(np.cumsum(shares[::-1]), share), LEVELS - 1 - median)
    levels = np.arange(LEVELS)
    return np.asarray((levels >= low) & (levels < LEVELS - high), np.float64)


def _tilt(counts: NDArray[Any], function: Doubles, certain: float, slack: float) -> tuple[Doubles, Doubles, Doubles]:
    """Bet all capital on a positive function: a sample multiplies it by the function over its mean.

    The logarithm is a line in the logarithm of the mean, so places are laid evenly on that.
    """
    held = _Held.of(counts, function)
    farthest = held.farthest(certain)
    width = math.log(farthest / held.mean)
    allowed = held.allowed(held.mean * np.exp(width * np.arange(1, PLACES) / PLACES))
    return np.log(function) - math.log(held.mean) - slack, np.full(LEVELS, width), allowed


def _stake(
    counts: NDArray[Any], function: Doubles, step: float, certain: float, slack: float
) -> tuple[Doubles, Doubles, Doubles]:
    """Bet a share ``step`` of the largest stake that never loses all capital."""
    held = _Held.of(counts, function)
    farthest = held.farthest(certain)
    limit = farthest + slack
    stake = step * _MOST / max(limit - float(function.min()), 1e-9)
    allowed = held.allowed(held.mean + (farthest - held.mean) * np.arange(1, PLACES) / PLACES)
    near, far = (np.log1p(stake * (function - mean)) for mean in (held.mean + slack, limit))
    return near, near - far, allowed


@dataclass(frozen=True, slots=True)
class _Held:
    """What a reference says about the mean of one function of levels; ``against`` are its stakes against a larger mean."""

    counts: NDArray[Any]
    function: Doubles
    mean: float
    against: tuple[float, ...]

    @classmethod
    def of(cls, counts: NDArray[Any], function: Doubles) -> _Held:
        """Stakes near the best for the errors that matter."""
        number = float(counts.sum())
        mean, reach = float(counts @ function) / number, float(function.max() - function.min())
        spread = max(math.sqrt(float(counts @ (function - mean) ** 2) / number), reach / number)
        best, most = math.sqrt(20.0 / number) / spread, _MOST / max(float(function.max()) - mean, 1e-9)
        return cls(counts, function, mean, tuple(min(best * factor, most) for factor in _SHRINK))

    def capital(self, means: Doubles) -> Doubles:
        """The logarithm of the reference's capital against each mean: half is kept back, so it is above -log 2."""
        stakes = np.array(self.against)[:, None, None]
        grown = np.log1p(-stakes * (self.function - means[:, None])) @ self.counts.astype(np.float64)
        most = np.maximum(grown.max(axis=0), 0.0)
        return np.asarray(most + np.log(np.exp(-most) + np.exp(grown - most).mean(axis=0)) - math.log(2.0), np.float64)

    def allowed(self, means: Doubles) -> Doubles:
        """The capital at the places after the first; before the first place half of it is left whatever the mean."""
        return np.concatenate([[-math.log(2.0)], self.capital(means)])

    def farthest(self, certain: float) -> float:
        """The least mean found against which the capital reaches ``certain``; the largest possible if none does.

        The capital rises with the mean, so 34 means at once leave one of 33 parts of the range, four times.
        """
        low, high = self.mean, float(self.function.max())
        if self.capital(np.array([high]))[0] < certain:
            return high
        for _ in range(4):
            means = np.linspace(low, high, 34)
            first = int(np.argmax(self.capital(means) >= certain))
            low, high = float(means[max(0, first - 1)]), float(means[first])
        return high
