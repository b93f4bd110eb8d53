from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold

from tare.advising.evidence.accuracy import SPREAD, STRENGTH, Folds, corrected, cross_validated, over_samples
from tare.errors import DataError
from tare.networks.heads.reference import fit_head


def problem(count: int, width: int, classes: int, spread: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(count + classes)
    labels = np.arange(count) % classes
    centres = spread * rng.normal(size=(classes, width))
    return (centres[labels] + rng.normal(size=(count, width))).astype(np.float32), labels


def test_the_folds_are_paired_and_their_accuracy_is_that_of_a_plain_loop() -> None:
    features, labels = problem(60, 8, 3)
    found = cross_validated({"source": features, "twin": features.copy()}, labels, seed=3)
    assert found is not None
    splits = RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=3).split(features, labels)
    plain = []
    for train, test in splits:
        centre, spread = features[train].mean(axis=0), features[train].std(axis=0)
        head = LogisticRegression(C=STRENGTH, max_iter=2000).fit((features[train] - centre) / spread, labels[train])
        plain.append(head.score((features[test] - centre) / spread, labels[test]))
    assert np.abs(found.accuracy["source"] - plain).max() <= 1 / 12 + 1e-9  # one sample of a fold at most
    assert np.mean(found.accuracy["source"]) == pytest.approx(np.mean(plain), abs=0.01)
    assert found.difference("twin")[0].estimate == 0.0


def test_the_interval_is_nadeau_and_bengios() -> None:
    values = np.array([0.01, 0.03, -0.02, 0.04, 0.02])
    interval, error = corrected(values, 0.25)
    wanted = math.sqrt((1 / 5 + 0.25) * np.var(values, ddof=1))
    assert error == pytest.approx(wanted)
    assert interval.high == pytest.approx(values.mean() + stats.t.ppf(0.975, 4) * wanted)


def test_the_corrected_interval_covers_where_the_plain_one_does_not() -> None:
    """Two strategies of equal worth on small samples: how often is one called better or worse?"""
    wrong = {"corrected": 0, "plain": 0}
    rounds = 60
    for seed in range(rounds):
        rng = np.random.default_rng(seed)
        labels = np.arange(40) % 2
        pair = {name: (0.5 * labels[:, None] + rng.normal(size=(40, 4))).astype(np.float32) for name in ("source", "target")}
        found = cross_validated(pair, labels, seed=0)
        assert found is not None
        gaps = found.accuracy["target"] - found.accuracy["source"]
        interval, _ = corrected(gaps, found.ratio)
        wrong["corrected"] += not interval.low <= 0 <= interval.high
        low, high = stats.t.interval(0.95, len(gaps) - 1, gaps.mean(), stats.sem(gaps))
        wrong["plain"] += not low <= 0 <= high
    assert wrong["corrected"] / rounds < 0.2 < wrong["plain"] / rounds


def test_labels_that_cannot_be_split_compare_nothing() -> None:
    features, _ = problem(6, 3, 2)
    assert cross_validated({"source": features}, np.arange(6), seed=0) is None
    assert cross_validated({"source": features}, np.zeros(6, np.int64), seed=0) is None


def test_a_rare_class_is_no_error_and_no_warning() -> None:
    features, _ = problem(12, 3, 2)
    labels = np.array([0] * 6 + [1] * 5 + [2])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = cross_validated({"source": features}, labels, seed=0)
    assert found is not None
    assert np.isfinite(found.credit["source"]).all()


def test_features_that_are_not_finite_are_refused() -> None:
    features, labels = problem(20, 3, 2)
    features[3, 1] = np.nan
    with pytest.raises(DataError, match="finite features"):
        cross_validated({"source": features}, labels, seed=0)


def test_credit_is_the_probability_that_heads_gave_to_held_out_samples() -> None:
    features, labels = problem(60, 8, 3)
    found = cross_validated({"source": features}, labels, seed=3)
    assert found is not None
    total = np.zeros(60)
    for train, test in RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=3).split(features, labels):
        logits = fit_head(features[train], labels[train], strength=STRENGTH).logits(features[test])
        shares = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
        total[test] += shares[np.arange(len(test)), labels[test]] / 2
    np.testing.assert_allclose(found.credit["source"], total, atol=0.02)  # both stop at a tolerance


def test_credit_tells_a_difference_with_less_noise_than_accuracy_and_covers_it() -> None:
    """Two strategies of which one has more signal: the same mean difference over many draws, and its spread."""
    gaps, hits, covered = [], [], 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        labels = np.arange(60) % 2
        noise = rng.normal(size=(60, 4))
        pair = {name: (scale * labels[:, None] + noise).astype(np.float32) for name, scale in (("source", 0.5), ("target", 0.7))}
        found = cross_validated(pair, labels, seed=0)
        assert found is not None
        gain, _ = found.gain("target")
        gaps.append(gain.estimate)
        hits.append(found.difference("target")[0].estimate)
        covered += gain.low <= 0.06 <= gain.high
    assert np.mean(gaps) > 0
    assert np.std(gaps) / np.mean(gaps) < np.std(hits) / np.mean(hits)
    assert covered / 60 > 0.9


def test_copies_that_change_nothing_change_no_figure() -> None:
    features, labels = problem(40, 6, 2)
    plain = cross_validated({"source": features}, labels, seed=3)
    copied = cross_validated({"source": np.stack([features] * 3)}, labels, seed=3)
    assert plain is not None
    assert copied is not None
    np.testing.assert_allclose(copied.credit["source"], plain.credit["source"], atol=0.005)
    np.testing.assert_array_equal(copied.accuracy["source"], plain.accuracy["source"])


def test_credit_is_the_mean_over_copies_and_accuracy_that_of_the_samples() -> None:
    features, labels = problem(40, 6, 2)
    far = features + np.float32(50)  # another place: heads fitted on both know neither well
    both = cross_validated({"source": np.stack([features, far])}, labels, seed=3)
    turned = cross_validated({"source": np.stack([far, features])}, labels, seed=3)
    assert both is not None
    assert turned is not None
    np.testing.assert_allclose(both.credit["source"], turned.credit["source"], atol=0.02)
    assert both.accuracy["source"].shape == (10,)


def test_what_old_classes_tell_is_compared_where_they_tell_something() -> None:
    none = Folds({}, {}, 0.25)
    assert none.gain_by_classes("target") is None
    some = Folds({}, {}, 0.25, {"source": np.array([0.2, 0.4]), "target": np.array([0.5, 0.5])})
    assert some.gain_by_classes("target") == pytest.approx(0.2)
    assert some.gain_by_classes("sample") is None


def test_samples_that_all_agree_do_not_make_a_certainty() -> None:
    interval, error = over_samples(np.zeros(16))
    assert error == pytest.approx(SPREAD / 16)
    assert interval.low < -0.1 < 0.1 < interval.high
    assert math.isnan(over_samples(np.zeros(1))[1])
