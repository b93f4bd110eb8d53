"""The compiled loop over all moments and bets."""

from __future__ import annotations

from typing import Any

import numpy as np

from tare.samples.layout import Doubles
from tare.system.engines.compiler import numba


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def log_evidence(  # pragma: no cover - compiled
    gains: Doubles, drops: Doubles, starts: Doubles, weights: Doubles, allowed: Doubles
) -> tuple[Any, Any, Any]:
    moments, bets = gains.shape
    places = allowed.shape[1]
    gained, dropped = np.zeros(bets), np.zeros(bets)
    top, total = -np.inf, 0.0
    best_moment, best_bet = 0, 0
    for moment in range(moments - 1, -1, -1):
        for bet in range(bets):
            gained[bet] += gains[moment, bet]
            dropped[bet] += drops[moment, bet]
            value = gained[bet] + starts[moment] + weights[bet]
            if value < -15.0:
                continue
            loss = -np.inf
            for place in range(places):
                lost = dropped[bet] * (place + 1) / places - allowed[bet, place]
                loss = max(loss, lost)
            value -= loss
            if value > top:
                total = total * np.exp(top - value) + 1.0
                top, best_moment, best_bet = value, moment, bet
            else:
                total += np.exp(value - top)
    return top + np.log(max(total, 1e-300)), best_moment, best_bet
