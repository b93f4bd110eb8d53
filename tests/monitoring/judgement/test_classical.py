from __future__ import annotations

import numpy as np
import pytest
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
