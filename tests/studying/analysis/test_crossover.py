from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def test_the_interval_covers_the_truth() -> None:
    """Percentile bootstrap of 12 pairs: nominal 95%, somewhat below for so few; of 200 studies at least 176 cover."""
    covered = 0
    for seed in range(200):
        found = crossover(gaps({n: 0.02 * math.log(n / 60) for n in (10, 40, 160, 640)}, noise=0.02, pairs=12, seed=seed), seed)
        assert found is not None
        covered += found.low <= 60 <= found.high
    assert covered >= 176


def test_one_size_or_one_pair_has_no_crossover() -> None:
    assert crossover(gaps({10: 0.1})) is None
    assert crossover(gaps({10: -0.1, 20: 0.1}, pairs=1)) is None
    assert crossover({}) is None
