from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tare.studying.analysis.crossover import crossover


def gaps(
    means: dict[int, float], noise: float = 0.001, pairs: int = 10, seed: int = 0
) -> dict[int, dict[tuple[str, ...], float]]:
    rng = np.random.default_rng(seed)
    return {size: {(str(i),): mean + rng.normal(0, noise) for i in range(pairs)} for size, mean in means.items()}


@given(st.floats(15, 700))
def test_a_difference_that_is_linear_in_log_size_crosses_where_it_is_zero(where: float) -> None:
    found = crossover(gaps({n: math.log(n / where) for n in (10, 30, 100, 300, 1000)}, noise=1e-6))
    assert found is not None
    assert found.located
    assert found.size == pytest.approx(where, rel=1e-3)
    assert found.low <= found.size <= found.high


def test_ahead_everywhere_and_behind_everywhere_are_said() -> None:
    ahead, behind = crossover(gaps({10: 0.05, 100: 0.06})), crossover(gaps({10: -0.05, 100: -0.06}))
    assert ahead is not None
    assert behind is not None
    assert ahead.sentence("target", "source", 10, 100) == (
        "target is ahead of source at every size from 10 on: no crossover in range."
    )
    assert behind.sentence("target", "source", 10, 100) == (
        "target does not overtake source up to 100 samples: no crossover in range."
    )


def test_the_last_crossing_counts_when_there_are_two() -> None:
    found = crossover(gaps({10: -0.05, 20: 0.05, 40: -0.05, 80: 0.05}, noise=1e-6))
    assert found is not None
    assert 40 < found.size < 80


def test_noise_is_not_called_a_crossover() -> None:
    found = crossover(gaps({10: -0.001, 100: 0.001}, noise=0.05))
    assert found is not None
    assert not found.located
    assert "is not located" in found.sentence("target", "source", 10, 100)


@pytest.mark.parametrize("pairs", [3, 5, 10])
def test_the_interval_covers_the_truth(pairs: int) -> None:
    """Fieller's interval, nominal 95%: of 400 studies whose seeds move all sizes together at least 368 cover."""
    covered = 0
    for seed in range(400):
        generator = np.random.default_rng(seed)
        moved = generator.normal(0, 0.015, pairs)
        noise = {20: 0.05, 80: 0.04, 320: 0.025}
        found = crossover(
            {
                size: {(str(k),): 0.03 * math.log(size / 80) + moved[k] + generator.normal(0, sd) for k in range(pairs)}
                for size, sd in noise.items()
            }
        )
        assert found is not None
        covered += found.low <= 80 <= found.high
    assert covered >= 368


def test_the_ends_are_where_students_interval_meets_zero() -> None:
    differences = gaps({10: -0.05, 40: -0.01, 160: 0.03, 640: 0.05}, noise=0.03, pairs=6, seed=3)
    found = crossover(differences, step=0.02)
    assert found is not None
    assert found.located
    logs, table = np.log([10, 40, 160, 640]), np.array([list(differences[size].values()) for size in (10, 40, 160, 640)])
    for end, sign in ((found.low, 1), (found.high, -1)):
        left = int(np.searchsorted(logs, math.log(end))) - 1
        share = (math.log(end) - logs[left]) / (logs[left + 1] - logs[left])
        here = (1 - share) * table[left] + share * table[left + 1]
        variance = here.var(ddof=1) + 0.02**2 / 12 * ((1 - share) ** 2 + share**2)
        bound = here.mean() + sign * stats.t.ppf(0.975, 5) * math.sqrt(variance / 6)
        assert bound == pytest.approx(0.0, abs=1e-9)


def test_two_pairs_locate_nothing() -> None:
    found = crossover(gaps({10: -0.05, 100: 0.05}, noise=1e-6, pairs=2))
    assert found is not None
    assert (found.low, found.high) == (-math.inf, math.inf)


def test_one_size_or_one_pair_has_no_crossover() -> None:
    assert crossover(gaps({10: 0.1})) is None
    assert crossover(gaps({10: -0.1, 20: 0.1}, pairs=1)) is None
    assert crossover({}) is None
