from __future__ import annotations

import json
import math

import numpy as np
import pytest

from tare.tasks.evaluations.classification import evaluate

CLASSES = ("a", "b", "c")


def logits(predicted: list[int]) -> np.ndarray:
    return np.eye(3)[predicted] * np.linspace(1, 2, len(predicted))[:, None]


def test_scores_by_hand() -> None:
    found = evaluate(logits([0, 0, 1, 1, 0, 1]), np.array([0, 0, 0, 1, 1, 1]), CLASSES, [f"{i}.png" for i in range(6)])
    assert found.confusion == ((2, 1, 0), (1, 2, 0), (0, 0, 0))
    assert found.accuracy.estimate == pytest.approx(4 / 6)
    assert found.samples == 6
    first, second, absent = found.scores
    assert (first.precision, first.recall, first.f1, first.support) == pytest.approx((2 / 3, 2 / 3, 2 / 3, 3))
    assert second.recall == pytest.approx(2 / 3)
    assert absent.support == 0
    assert math.isnan(absent.precision)
    assert math.isnan(absent.recall)
    assert found.macro_f1 == pytest.approx(2 / 3)
    assert found.confused() == [("a", "b", 1), ("b", "a", 1)]
    assert [(item.sample, item.truth, item.predicted) for item in found.mistakes] == [("4.png", "b", "a"), ("2.png", "a", "b")]


def test_the_interval_is_wilsons() -> None:
    found = evaluate(logits([0] * 8 + [1] * 2), np.zeros(10, np.int64), CLASSES, [str(i) for i in range(10)]).accuracy
    z, p, n = 1.959964, 0.8, 10
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert (found.low, found.high) == pytest.approx(
        ((middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)), abs=1e-6
    )


def test_what_is_unknown_is_null_in_json() -> None:
    document = evaluate(logits([0, 1]), np.array([0, 1]), CLASSES, ["x", "y"]).to_json()
    assert document["schema"] == "tare.evaluation/1"
    assert document["classes"][2]["precision"] is None
    json.dumps(document, allow_nan=False)


def test_the_calibration_error_is_the_mean_gap_over_fifteen_bins_and_top_five_counts_the_five_best() -> None:
    generator = np.random.default_rng(0)
    logits, labels = generator.normal(size=(300, 8)) * 2, generator.integers(0, 8, 300)
    found = evaluate(logits, labels, [str(k) for k in range(8)], [""] * 300)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    sure, right = shares.max(axis=1), shares.argmax(axis=1) == labels
    bins = np.ceil(sure * 15)
    gaps = [abs(sure[bins == k].mean() - right[bins == k].mean()) * (bins == k).sum() for k in np.unique(bins)]
    assert found.calibration_error == pytest.approx(sum(gaps) / 300, rel=1e-5)
    assert found.top5 is not None
    ranks = (logits > logits[np.arange(300), labels][:, None]).sum(axis=1)
    assert found.top5.estimate == pytest.approx((ranks < 5).mean())
    assert evaluate(logits[:, :5], labels % 5, list("abcde"), [""] * 300).top5 is None
