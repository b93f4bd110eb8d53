"""Bets against "these samples come from the population of the reference", and the evidence that they earn.

Every bet is on one function h of a figure's level, whose mean over the population is m. Betting a share of the capital on each sample
multiplies it by ``1 + lambda (h - m)``. If the samples come from the population, no bet gains on average, so capital above 1/alpha has
probability at most alpha *at any time* (Ville 1939). That is a test by betting for bounded means (Waudby-Smith and Ramdas,
"Estimating means of bounded random variables by betting", JRSS B 86, 2024). With fixed lambdas the logarithm of the capital is a sum
over samples, so it depends on counts alone and merges exactly.

**The reference is a sample, too.** m is not known. The reference itself bets against every m that lies too far from what it holds:
``E_ref(m)``. For the true m the product of both capitals starts with mean at most 1 and gains nothing on average. The
evidence is the least product over all m: a two-sample test whose reference error is inside the guarantee. Samples and
reference must be independent draws from one population; nothing else is assumed of it. As the logarithm of the
live capital is concave in m, its chord bounds it from below, and two sums a bet suffice for all m.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tare.monitoring.levels import LEVELS
from tare.samples.layout import Doubles

# Standardised figures are cut off here: bets need bounded outcomes.
_CUT = 3.0
# Nothing may cost the whole capital.
_MOST = 0.95
_LINEAR = tuple(0.5**place for place in range(5))
_TAILED = (1.0, 0.4, 0.15)
_TAILS = (0.025, 0.16)
#: Bets on one figure: up and down on its mean, and on more samples in four tails.
BETS = 2 * len(_LINEAR) + 2 * len(_TAILS) * len(_TAILED)
#: Places between the reference's mean and the farthest mean that it allows.
PLACES = 16
_SHRINK = (0.5, 1.0, 2.0)
# Share of alpha for a population mean beyond the farthest place.
_BEYOND = 0.1


@dataclass(frozen=True, slots=True)
class Bets:
    """The bets on F figures as tables: ``gains`` and ``drops`` ``(F, 64, B)``, ``allowed`` ``(F, B, 16)``, ``weights`` ``(F, B)``.

    ``gains`` are the logarithms of the factors at the reference's mean, ``drops`` what they lose up to the farthest mean.
    ``allowed`` is the logarithm of the reference's capital against the means between both. ``weights`` are logarithms; the weights
    sum to 1. ``threshold`` is the logarithm of the capital that is an alarm.
    """

    gains: Doubles
    drops: Doubles
    allowed: Doubles
    weights: Doubles
    threshold: float


def bets_of(counts: NDArray[np.int64], middles: Doubles, alpha: float, tolerance: float) -> Bets:
    """Lay the bets for a reference: ``counts`` ``(F, 64)`` of its samples, ``middles`` ``(F, 64)`` of the levels.

    ``alpha`` is the probability of any false alarm, ever, over all figures together. ``tolerance`` is a change of a figure's mean
    that is no alarm, in units of its spread over samples.
    """
    figures = len(counts)
    certain = math.log(2 * figures * (1 + len(_TAILS)) / (_BEYOND * alpha))
    laid = [_of_figure(row, middle, certain, tolerance) for row, middle in zip(counts, middles, strict=True)]
    gains, drops, allowed = (np.stack([each[part] for each in laid]) for part in range(3))
    half = [0.5 / (2 * len(_LINEAR))] * (2 * len(_LINEAR))
    tails = [0.5 / (2 * len(_TAILS) * len(_TAILED))] * (2 * len(_TAILS) * len(_TAILED))
    weights = np.tile(np.log(np.array([*half, *tails]) / figures), (figures, 1))
    return Bets(gains, drops, allowed, weights, -math.log(alpha * (1 - _BEYOND)))


def _of_figure(counts: NDArray[np.int64], middles: Doubles, certain: float, tolerance: float) -> tuple[Doubles, Doubles, Doubles]:
    """The three tables of one figure's bets."""
    number = int(counts.sum())
    shares = counts / number
    mean = float(shares @ middles)
    spread = max(math.sqrt(float(shares @ (middles - mean) ** 2)), float(middles[1] - middles[0]))
    z = np.clip((middles - mean) / spread, -_CUT, _CUT)
    below, above = np.cumsum(shares), np.cumsum(shares[::-1])
    tails = [_tail(cumulated, share) for share in _TAILS for cumulated in (below, above)]
    functions = [(z, _LINEAR, tolerance), (-z, _LINEAR, tolerance)]
    for place, cut in enumerate(tails):
        levels = np.arange(LEVELS)
        inside = levels < cut if place % 2 == 0 else levels[::-1] < cut
        # A mean that moves by one spread moves a share by at most the height of a normal density.
        functions.append((inside.astype(np.float64), _TAILED, 0.4 * tolerance))
    tables = [_bet(counts, function, steps, certain, slack) for function, steps, slack in functions]
    return tuple(np.concatenate([each[part] for each in tables], axis=-1 if part < 2 else 0) for part in range(3))  # type: ignore[return-value]


def _tail(cumulated: Doubles, share: float) -> int:
    """How many of the outermost levels hold at most ``share`` of the reference's samples; not all, and at least one."""
    return int(np.clip(np.searchsorted(cumulated, share, side="right"), 1, LEVELS - 1))


def _bet(
    counts: NDArray[np.int64], function: Doubles, steps: tuple[float, ...], certain: float, slack: float
) -> tuple[Doubles, Doubles, Doubles]:
    """Bets that the mean of ``function`` has risen: gains and drops ``(64, lambdas)``, and the reference's capital ``(lambdas, 16)``."""
    number = int(counts.sum())
    mean = float(counts @ function) / number
    top = float(function.max())
    against = _reference_bets(counts, function, mean, top)

    def capital(middle: float) -> float:
        grown = np.array([float(counts @ np.log1p(-share * (function - middle))) for share in against])
        return float(np.logaddexp(0.0, np.logaddexp.reduce(grown) - math.log(len(grown))) - math.log(2.0))

    farthest = _farthest(capital, mean, top, certain)
    allowed = np.array([-math.log(2.0), *(capital(mean + (farthest - mean) * j / PLACES) for j in range(1, PLACES))])
    limit = farthest + slack
    most = _MOST / max(limit - float(function.min()), 1e-9)
    gains, drops = [], []
    for step in steps:
        near, far = (np.log1p(most * step * (function - middle)) for middle in (mean + slack, limit))
        gains.append(near)
        drops.append(near - far)
    return np.stack(gains, axis=-1), np.stack(drops, axis=-1), np.tile(allowed, (len(steps), 1))


def _reference_bets(counts: NDArray[np.int64], function: Doubles, mean: float, top: float) -> list[float]:
    """The shares of capital that the reference stakes on its own mean: near the best for the errors that matter."""
    number = int(counts.sum())
    spread = math.sqrt(max(float(counts @ (function - mean) ** 2) / number, 1.0 / (number * number)))
    best = math.sqrt(20.0 / number) / spread
    most = _MOST / max(top - mean, 1e-9)
    return [min(best * factor, most) for factor in _SHRINK]


def _farthest(capital: object, mean: float, top: float, certain: float) -> float:
    """The mean against which the reference's capital reaches ``certain``, by bisection; the largest possible if none does."""
    assert callable(capital)  # noqa: S101 - for the type checker
    low, high = mean, top
    if capital(high) < certain:
        return high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if capital(middle) >= certain else (middle, high)
    return high
