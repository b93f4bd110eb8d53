from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import logsumexp

from tare.monitoring.evidence.detection import FULL, RATIO, log_evidence, log_weight, stretches


def by_hand(batches: int) -> list[int]:
    """The stretches, put together one batch at a time."""
    lengths: list[int] = []
    for _ in range(batches):
        lengths.append(1)
        length = 1
        while lengths.count(length) == FULL:
            place = lengths.index(length)
            lengths[place : place + RATIO] = [length * RATIO]
            length *= RATIO
    return lengths


@pytest.mark.parametrize("batches", [*range(70), 255, 256, 1000, 4095])
def test_stretches_depend_on_the_number_of_batches_alone(batches: int) -> None:
    assert stretches(batches) == by_hand(batches)
    assert sum(stretches(batches)) == batches


def test_stretches_stay_few_for_years() -> None:
    assert len(stretches(10**9)) <= 7 * 16


def test_weights_of_all_moments_sum_to_at_most_one() -> None:
    total = math.fsum(math.exp(log_weight(start)) for start in range(100_000))
    assert 0.7 < total < 1


def test_evidence_is_the_weighted_sum_of_all_capital_over_moments_and_bets() -> None:
    chance = np.random.default_rng(0)
    moments, bets, places = 5, 3, 16
    gains, drops = chance.normal(0.5, 1, (moments, bets)), chance.uniform(0, 0.3, (moments, bets))
    starts, weights = np.log(chance.dirichlet(np.ones(moments))), np.log(chance.dirichlet(np.ones(bets)))
    allowed = np.sort(chance.uniform(-0.7, 9, (bets, places)), axis=1)
    capital = np.zeros((moments, bets))
    for moment in range(moments):
        for bet in range(bets):
            lost = [drops[moment:, bet].sum() * (p + 1) / places - allowed[bet, p] for p in range(places)]
            capital[moment, bet] = gains[moment:, bet].sum() - max(lost) + starts[moment] + weights[bet]
    found, moment, bet = log_evidence(gains, drops, starts, weights, allowed)
    assert found == pytest.approx(logsumexp(capital[capital > -15]))
    assert (moment, bet) == tuple(map(int, np.unravel_index(capital.argmax(), capital.shape)))
