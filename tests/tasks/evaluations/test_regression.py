from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from tare.tasks.evaluations.figure import Figure, mean_of_ratios
from tare.tasks.evaluations.regression import evaluate_regression


def made(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    truth = generator.normal(size=(count, 2)) * (3.0, 200.0) + (10.0, 1000.0)
    return truth + generator.normal(size=(count, 2)) * (1.0, 150.0), truth


def test_the_figures_are_scikit_learns() -> None:
    answers, truth = made(70)
    found = evaluate_regression(answers, truth, ("a", "b"), [str(row) for row in range(70)])
    for k, score in enumerate(found.scores):
        assert score.mae.estimate == pytest.approx(mean_absolute_error(truth[:, k], answers[:, k]))
        assert score.rmse.estimate == pytest.approx(root_mean_squared_error(truth[:, k], answers[:, k]))
        assert score.r2.estimate == pytest.approx(r2_score(truth[:, k], answers[:, k]))
    assert found.r2.estimate == found.headline.value.estimate == pytest.approx(r2_score(truth, answers))
    largest = max(found.errors, key=lambda item: abs(item.predicted - item.truth) / (3 if item.target == "a" else 200))
    assert found.errors[0] == largest
    assert found.to_json()["targets"][1]["mae"]["estimate"] == found.scores[1].mae.estimate


def test_the_intervals_hold_the_figures_of_all_samples_about_as_often_as_they_say() -> None:
    population, truth = made(200_000)
    whole = r2_score(truth, population)
    inside = 0
    for seed in range(200):
        rows = np.random.default_rng(seed).integers(0, len(truth), 150)
        found = evaluate_regression(population[rows], truth[rows], ("a", "b"), [""] * 150).r2
        inside += found.low <= whole <= found.high
    assert 0.90 <= inside / 200 <= 0.99


def test_a_constant_column_has_no_r2_and_one_sample_no_interval() -> None:
    found = evaluate_regression(np.array([[1.0], [2.0]]), np.array([[3.0], [3.0]]), ("a",), ["x", "y"])
    assert math.isnan(found.r2.estimate)
    assert found.to_json()["r2"] == {"estimate": None, "low": None, "high": None}
    assert found.headline.in_words() == "n/a"
    alone = mean_of_ratios(np.array([[1.0]]), np.array([[4.0]]))
    assert alone.estimate == 0.25
    assert Figure("x", alone).interval() == "unknown"


@pytest.mark.parametrize(("value", "count"), [(0.1, 3), (0.1, 10), (36.6, 12), (1 / 3, 7), (-1e100, 5), (0.0, 4)])
def test_a_constant_whose_mean_is_rounded_has_no_r2_either_and_leaves_the_figure_to_the_others(value: float, count: int) -> None:
    line: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = np.arange(count, dtype=np.float64)
    truth = np.stack([np.full(count, value, np.float64), line], axis=1)
    found = evaluate_regression(truth + 0.05, truth, ("constant", "line"), [str(row) for row in range(count)])
    alone = evaluate_regression(line[:, None] + 0.05, line[:, None], ("line",), [""] * count)
    assert math.isnan(found.scores[0].r2.estimate)
    assert found.r2 == alone.r2


def test_errors_of_a_constant_target_are_listed_by_their_own_size() -> None:
    line = np.arange(12) * 1.0
    truth = np.stack([np.full(12, 36.6), line], axis=1)
    answers = truth + np.array([1e-9, 2.0])
    found = evaluate_regression(answers, truth, ("constant", "line"), [""] * 12)
    assert {error.target for error in found.errors} == {"line"}


def test_values_that_differ_by_rounding_alone_are_constant() -> None:
    truth = np.array([[0.3], [0.1 + 0.2], [0.3], [0.3]])
    assert math.isnan(evaluate_regression(truth + 1, truth, ("a",), [""] * 4).r2.estimate)
