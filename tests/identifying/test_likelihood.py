from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_t

from tare.identifying.likelihood import OTHER, SAME, Content, ShiftGrid, Spread, covariance_at, evidence, log_likelihoods, temper


def spread(images: int = 20) -> tuple[Spread, np.ndarray]:
    rng = np.random.default_rng(0)
    influences = rng.normal(size=(images, 6))
    shown = rng.random(size=(images, 8)) + 0.5
    return Spread.of(influences - influences.mean(axis=0), Content.of(shown, 3)), rng.normal(size=6)


def test_the_density_is_students_t_of_the_whole_covariance() -> None:
    made, residual = spread()
    shift = ShiftGrid((0.0, 0.7), (0.0, 0.2), (0.1, 0.3))
    found = log_likelihoods(residual, made, shift)
    for index in np.ndindex(found.shape):
        content, rest, error = shift.content[index[0]], shift.rest[index[1]], shift.error[index[2]]
        inside = (1 / 20 + rest) * np.diag(made.variances) + error**2 * np.eye(6)
        inside += made.content @ made.content.T / 20 + content * made.shift @ made.shift.T
        whole = made.directions @ inside @ made.directions.T
        assert found[index] == pytest.approx(multivariate_t.logpdf(residual, np.zeros(6), whole, df=19), rel=1e-9)
        only = ShiftGrid((content,), (rest,), (error,))
        assert covariance_at(found[index].reshape(1, 1, 1), made, only) == pytest.approx(whole, abs=1e-12)


def test_a_shift_of_one_feature_moves_the_moments_as_regression_says() -> None:
    rng = np.random.default_rng(1)
    shown = rng.normal(size=(4000, 8)) * 0.1 + 0.5
    effects = rng.normal(size=(8, 5))
    influences = (shown - shown.mean(axis=0)) @ effects + 0.01 * rng.normal(size=(4000, 5))
    made = Spread.of(influences, Content.of(shown, 3))
    moved = made.directions @ made.shift
    assert moved[:, 0] == pytest.approx(0.025 * effects[0], rel=0.02, abs=1e-3)  # the mean of red alone
    assert moved[:, 8] == pytest.approx(0.05 * effects[:3].sum(axis=0), rel=0.02, abs=1e-3)  # that of all colours


def test_unknown_images_forgive_more_than_the_trainings_own() -> None:
    made, residual = spread(200)
    far, near = 3 * residual, 0.01 * residual
    kept = [evidence(log_likelihoods(far, made, one)) - evidence(log_likelihoods(near, made, one)) for one in (OTHER, SAME)]
    assert kept[0] > kept[1]


def test_few_images_are_believed_less() -> None:
    assert 0 < temper(8, 0.0) < temper(64, 0.0) < temper(512, 0.0) < 1


def test_a_bad_fit_is_believed_less_beyond_what_sampling_explains() -> None:
    assert temper(64, 0.1) < temper(64, 0.02) < temper(64, 0.3 / 64) == temper(64, 0.0)
