from __future__ import annotations

import numpy as np
import pytest

from tare.monitoring.evidence.betting import PLACES, Bets, bets_of
from tare.monitoring.evidence.levels import LEVELS


def population(seed: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Probabilities of levels with one hump."""
    chance = np.random.default_rng(seed)
    middle, width = chance.uniform(24, 40), chance.uniform(4, 9)
    shares = np.exp(-(((np.arange(LEVELS) - middle) / width) ** 2) / 2) + 1e-9
    return np.asarray(shares / shares.sum(), np.float64)


def laid(
    shares: np.ndarray[tuple[int], np.dtype[np.float64]], number: int, chance: np.random.Generator, alpha: float = 0.05
) -> Bets:
    counts = chance.multinomial(number, shares)[None, :].astype(np.int64)
    return bets_of(counts, alpha, 0.0)


def capital(bets: Bets, counts: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The logarithm of each bet's capital after samples with these counts, least over what the reference allows."""
    gains, drops = counts @ bets.gains[0], counts @ bets.drops[0]
    lost = np.max([drops * (place + 1) / PLACES - bets.allowed[0, :, place] for place in range(PLACES)], axis=0)
    return np.asarray(gains - lost, np.float64)


def test_weights_sum_to_one() -> None:
    bets = laid(population(0), 200, np.random.default_rng(0))
    assert np.exp(bets.weights).sum() == pytest.approx(1)


@pytest.mark.parametrize("number", [30, 300])
@pytest.mark.parametrize("served", [10, 1000])
def test_capital_has_a_mean_of_at_most_one_over_references_and_samples(number: int, served: int) -> None:
    chance, shares = np.random.default_rng(number + served), population(1)
    means = []
    for _ in range(400):
        bets = laid(shares, number, chance)
        counts = chance.multinomial(served, shares).astype(np.float64)
        means.append(np.exp(bets.weights[0]) @ np.exp(np.minimum(capital(bets, counts), 50)))
    assert np.mean(means) < 1


def test_a_chord_bounds_the_capital_for_every_mean_of_the_population() -> None:
    chance = np.random.default_rng(2)
    bets = laid(population(2), 500, chance)
    counts = chance.multinomial(100, population(3)).astype(np.float64)
    far = counts @ (bets.gains[0] - bets.drops[0])
    near = counts @ bets.gains[0]
    assert (far <= near + 1e-9).all()
    assert (np.diff(bets.allowed[0], axis=1) >= -1e-9).all()


def test_a_change_earns_capital_in_proportion_to_samples() -> None:
    chance, shares = np.random.default_rng(4), population(4)
    bets = laid(shares, 2000, chance)
    moved = np.roll(shares, 5)
    few, many = (float(capital(bets, number * moved).max()) for number in (50, 100))
    assert few > 3
    assert 1.5 < many / few < 3


def test_a_tolerated_change_earns_nothing() -> None:
    chance, shares = np.random.default_rng(5), population(5)
    counts = chance.multinomial(5000, shares)[None, :].astype(np.int64)
    moved = np.roll(shares, 1)
    strict, lenient = (bets_of(counts, 0.05, tolerance) for tolerance in (0.0, 0.3))
    served = 20_000 * moved
    assert capital(strict, served).max() > 10
    assert capital(lenient, served).max() < 0
