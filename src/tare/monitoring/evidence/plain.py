"""The evidence over all moments and bets in NumPy."""

from __future__ import annotations

import numpy as np

from tare.samples.layout import Doubles

#: The logarithm of a capital too small to count.
_NOTHING = -15.0


def log_evidence(gains: Doubles, drops: Doubles, starts: Doubles, weights: Doubles, allowed: Doubles) -> tuple[float, int, int]:
    """The logarithm of all capital, and the moment and the bet that hold most of it."""
    places = allowed.shape[1]
    gained, dropped = np.cumsum(gains[::-1], axis=0), np.cumsum(drops[::-1], axis=0)
    values = gained + starts[::-1, None] + weights
    losses = np.full_like(values, -np.inf)
    for place in range(places):
        np.maximum(losses, dropped * (place + 1) / places - allowed[:, place], out=losses)
    capital = np.where(values < _NOTHING, -np.inf, values - losses)
    best = int(np.argmax(capital))
    top = float(capital.flat[best])
    if top == -np.inf:
        return -np.inf, 0, 0
    moment, bet = divmod(best, capital.shape[1])
    return top + float(np.log(np.exp(capital - top).sum())), len(gains) - 1 - moment, bet
