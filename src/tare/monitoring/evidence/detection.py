"""The evidence of a change at any earlier moment: a ladder of stretches of batches, and the mixture over all of them.

A change may begin at any batch. Every boundary between two stretches is a moment at which bets may have begun, with a weight
of its own; the weights of all moments sum to at most 1, so the weighted sum of their capitals is itself capital that gains
nothing on average without a change: an e-detector with a bound on the probability of a false alarm (compare Shin, Ramdas and
Rinaldo, "E-detectors", NEJSDS 2, 2024, which bounds the average run length instead). Bets that began too long ago to matter
are dropped, which can only lower the sum. So the state stays small for years: 4 to 7 stretches of 1, 4, 16, ... batches, as in
ADWIN (Bifet and Gavalda 2007).
"""

from __future__ import annotations

import math
from functools import lru_cache

from tare.samples.layout import Doubles
from tare.system.engines.loops import Loops

#: Stretches of one length are merged by fours when there are eight.
RATIO, FULL = 4, 8
# Weights of the b-th possible moment at one length fall as (b + 1) ** -1.2, which sums to zeta(1.2).
_POWER = 1.2
_ZETA = 5.591582441177751
# The rest of all weight is on "from the first batch on".
_FROM_START = 0.3
_LOOPS = Loops("tare.monitoring.evidence.compiled", "tare.monitoring.evidence.plain")


@lru_cache(maxsize=4096)
def log_weight(start: int) -> float:
    """Logarithm of the weight of a change at batch ``start``: rounder numbers weigh more, since they are kept longer.

    At length 4^k, which has the weight 1 / ((k + 1) (k + 2)), the moments are the multiples of 4^k.
    """
    if start == 0:
        return math.log(_FROM_START + (1 - _FROM_START) / _ZETA)
    total, length, place = 0.0, 1, 0
    while start % length == 0:
        total += (start // length + 1) ** -_POWER / ((place + 1) * (place + 2))
        length, place = length * RATIO, place + 1
    return math.log((1 - _FROM_START) * total / _ZETA)


def stretches(batches: int) -> list[int]:
    """The lengths of the stretches that ``batches`` batches are kept in, oldest first; they depend on this number alone."""
    lengths: list[int] = []
    rest, length = batches, 1
    counted = []
    while rest >= FULL:
        kept = FULL - RATIO + (rest - FULL) % RATIO
        counted.append((length, kept))
        rest, length = (rest - kept) // RATIO, length * RATIO
    counted.append((length, rest))
    for size, number in reversed(counted):
        lengths += [size] * number
    return lengths


def log_evidence(gains: Doubles, drops: Doubles, starts: Doubles, weights: Doubles, allowed: Doubles) -> tuple[float, int, int]:
    """The logarithm of the capital of all bets at all moments; with the moment and the bet that hold most of it.

    ``gains`` and ``drops`` ``(S, B)`` are the sums of each stretch, ``starts`` ``(S,)`` the logarithms of the weights of its
    beginning, ``weights`` ``(B,)`` those of the bets, ``allowed`` ``(B, 16)`` the reference's capital.
    """
    total, moment, bet = _LOOPS.on(gains.nbytes).log_evidence(gains, drops, starts, weights, allowed)
    return float(total), int(moment), int(bet)
