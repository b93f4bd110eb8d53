from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

import tare
from tare.monitoring.judgement.classical import distances


def test_distances_are_those_of_scipy() -> None:
    chance = np.random.default_rng(0)
    a, b = (np.clip(chance.normal(level, 30, (50, 8, 8, 1)), 0, 255).astype(np.uint8) for level in (100, 110))
    found = distances(tare.measure(a), tare.measure(b))[0]
    x, y = a.ravel() / 255, b.ravel() / 255
    assert found.ks == pytest.approx(stats.ks_2samp(x, y).statistic, abs=1e-9)
    assert found.wasserstein == pytest.approx(stats.wasserstein_distance(x, y) / x.std(), abs=1e-3)


def test_the_population_stability_index_is_its_formula() -> None:
    a, b = np.arange(100, dtype=np.float64)[:, None], np.concatenate([np.arange(50), np.arange(50)]).astype(np.float64)[:, None]
    found = distances(tare.measure(a), tare.measure(b))[0]
    p, q = np.full(10, 0.1), np.concatenate([np.full(5, 0.2), np.full(5, 1e-4)])
    assert found.psi == pytest.approx(float(((q - p) * np.log(q / p)).sum()), rel=0.1)


def test_the_same_data_are_at_no_distance() -> None:
    measured = tare.measure(np.random.default_rng(0).normal(size=(200, 2)))
    for found in distances(measured, measured):
        assert (found.psi, found.ks, found.wasserstein) == (0, 0, 0)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["rare counts", "counts", "many zeros", "ratings", "ages"])
def test_values_that_are_counts_are_at_the_distance_of_scipy(kind: str, seed: int) -> None:
    chance = np.random.default_rng(seed)

    def years(number: int) -> NDArray[np.int64]:
        return chance.integers(18, 70, number)

    def drawn(number: int) -> NDArray[np.float64]:
        made: dict[str, Callable[[], NDArray[Any]]] = {
            "rare counts": lambda: chance.poisson(0.3, number),
            "counts": lambda: chance.poisson(3, number),
            "many zeros": lambda: np.where(chance.random(number) < 0.8, 0, chance.exponential(1, number)),
            "ratings": lambda: chance.integers(1, 6, number),
            "ages": lambda: np.where(chance.random(number) < 0.001, chance.uniform(90, 130, number), years(number)),
        }
        return np.asarray(made[kind](), np.float64)[:, None]

    a, b = drawn(3000), drawn(2000)
    found = distances(tare.measure(a), tare.measure(b))[0]
    assert found.ks == pytest.approx(stats.ks_2samp(a[:, 0], b[:, 0]).statistic, abs=0.02)
    assert found.wasserstein == pytest.approx(stats.wasserstein_distance(a[:, 0], b[:, 0]) / a.std(), abs=0.02)
    assert found.psi < 0.05


@pytest.mark.parametrize("sizes", [(4000, 4000), (3000, 500)])
def test_values_that_move_inside_of_a_bin_are_seen(sizes: tuple[int, int]) -> None:
    chance = np.random.default_rng(0)

    def amounts(number: int, ground: float) -> NDArray[np.float64]:
        return np.where(chance.random(number) < 0.9, ground, chance.gamma(2, 3, number))[:, None]

    for ground in (0.0, 0.1, -0.1):
        a, b = amounts(sizes[0], 0.0), amounts(sizes[1], ground)
        found = distances(tare.measure(a), tare.measure(b))[0]
        assert found.ks == pytest.approx(stats.ks_2samp(a[:, 0], b[:, 0]).statistic, abs=0.02)
        assert found.wasserstein == pytest.approx(stats.wasserstein_distance(a[:, 0], b[:, 0]) / a.std(), abs=0.01)
        assert (found.psi > 1) == (ground > 0)  # what lies below the first tenth of the reference counts with it


def test_a_few_values_far_from_all_others_leave_nothing_to_tell_distances_by() -> None:
    chance = np.random.default_rng(0)
    a, b = chance.normal(size=(3000, 1)), chance.normal(size=(2500, 1))
    for outlier in (1e3, 1e4, 1e6):
        a[0] = outlier
        measured = tare.measure(a)
        assert measured.channels[0].crowded
        for pair in ((measured, tare.measure(b)), (tare.measure(b), measured), (measured, measured)):
            (found,) = distances(*pair)
            assert all(map(math.isnan, (found.psi, found.ks, found.wasserstein)))
    a[0] = 30
    (found,) = distances(tare.measure(a), tare.measure(b))
    assert found.ks == pytest.approx(stats.ks_2samp(a[:, 0], b[:, 0]).statistic, abs=0.01)
    assert found.wasserstein == pytest.approx(stats.wasserstein_distance(a[:, 0], b[:, 0]) / a.std(), abs=0.01)


def test_distributions_far_apart_take_no_memory() -> None:
    a, b = (np.random.default_rng(seed).normal(level, 1, (500, 1)) for seed, level in ((0, 0.0), (1, 1e9)))
    (found,) = distances(tare.measure(a), tare.measure(b))
    assert found.ks == 1
    assert found.wasserstein == pytest.approx(1e9 / a.std(), rel=1e-6)


@pytest.mark.parametrize("gain", [3.0, 60.0, 100.0, 1000.0])
def test_values_that_spread_much_farther_than_the_reference_are_far_by_every_distance(gain: float) -> None:
    chance = np.random.default_rng(0)
    a, b = chance.normal(size=(3000, 1)), gain * chance.normal(size=(3000, 1))
    cuts = np.quantile(a, np.arange(0.1, 1, 0.1))
    p, q = (np.maximum(np.diff([0.0, *(np.mean(x < cut) for cut in cuts), 1.0]), 1e-4) for x in (a, b))
    for first, second in ((a, b), (b, a)):
        found = distances(tare.measure(first), tare.measure(second))[0]
        assert found.ks == pytest.approx(stats.ks_2samp(a[:, 0], b[:, 0]).statistic, abs=0.03)
    assert distances(tare.measure(a), tare.measure(b))[0].psi == pytest.approx(((q - p) * np.log(q / p)).sum(), rel=0.2)


@pytest.mark.parametrize(("value", "share"), [(3.0, 0.0), (3.0, 1.0), (3.0, 0.1), (-1.0, 0.4)])
def test_the_distances_from_one_value_are_those_of_scipy(value: float, share: float) -> None:
    a, b = np.full((1000, 1), value), np.where(np.arange(1000) < share * 1000, 7.0, value)[:, None]
    (found,) = distances(tare.measure(a), tare.measure(b))
    assert found.ks == pytest.approx(stats.ks_2samp(a[:, 0], b[:, 0]).statistic)
    assert found.wasserstein == (math.inf if share else 0)
    p, q = np.array([1, 1e-4]), np.maximum([1 - share, share], 1e-4)
    assert found.psi == pytest.approx(((q - p) * np.log(q / p)).sum() if share else 0)


@pytest.mark.parametrize(("first", "second"), [(0.498, 0.52), (0.748, 0.78), (0.249, 0.27), (0.498, 0.6)])
def test_a_quantile_just_above_many_zeros_moves_none_of_them(first: float, second: float) -> None:
    for seed in range(4):
        chance = np.random.default_rng(seed)
        a, b = (
            np.concatenate([np.zeros(round(2000 * p)), chance.exponential(size=2000 - round(2000 * p))]) for p in (first, second)
        )
        (found,) = distances(tare.measure(a[:, None]), tare.measure(b[:, None]))
        assert found.ks == pytest.approx(stats.ks_2samp(a, b).statistic, abs=0.03)


@pytest.mark.parametrize("kind", ["missing", "far"])
def test_no_distance_from_one_value_is_told_that_is_not_known(kind: str) -> None:
    reference = tare.measure(np.full((500, 1), 3.3))
    live = np.full((500, 1), np.nan) if kind == "missing" else np.where(np.arange(500) < 15, -1e4, 3.4)[:, None]
    (found,) = distances(reference, tare.measure(live, exclude_nan=True))
    assert all(math.isnan(each) for each in (found.psi, found.ks, found.wasserstein))
