from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from tare.errors import DataError
from tare.networks.heads import batched
from tare.networks.heads.batched import fit_heads, weighted_logits
from tare.networks.heads.reference import LinearHead, fit_head, standardised

Problem = tuple[list[NDArray[np.float32]], NDArray[np.int64]]


def problem(count: int, width: int, classes: int, heads: int, seed: int = 0) -> Problem:
    generator = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), generator.integers(0, classes, count - classes)])
    centres = generator.normal(0, 1, (classes, width))
    drawn = [
        generator.uniform(0.1, 3, width) * (centres[labels] + generator.normal(0, 1 + each, (count, width))) + 5
        for each in range(heads)
    ]
    return [features.astype(np.float32) for features in drawn], labels


def optimum(features: NDArray[np.float32], labels: NDArray[np.int64], strength: float) -> NDArray[np.float64]:
    """Logit differences to class 0 at scikit-learn's optimum, by another of its solvers and to the limit of its precision."""
    standard, _, _ = standardised(features)
    model = LogisticRegression(C=strength, solver="newton-cg", tol=1e-12, max_iter=10_000).fit(standard, labels)
    logits = standard @ model.coef_.T + model.intercept_
    logits = np.concatenate([np.zeros_like(logits), logits], axis=1) if logits.shape[1] == 1 else logits
    return np.asarray(logits - logits[:, :1])


def differences(head: LinearHead, features: NDArray[np.float32]) -> NDArray[np.float64]:
    logits = head.logits(features)
    return np.asarray(logits - logits[:, :1])


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(6, 90),
    width=st.integers(1, 40),
    classes=st.integers(2, 5),
    power=st.integers(-3, 2),
    seed=st.integers(0, 1000),
)
def test_the_optimum_is_that_of_scikit_learn(count: int, width: int, classes: int, power: int, seed: int) -> None:
    features, labels = problem(count, width, classes, 3, seed)
    for each, head in zip(features, fit_heads(features, labels, strength=10.0**power), strict=True):
        expected = optimum(each, labels, 10.0**power)
        np.testing.assert_allclose(differences(head, each), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("count", "width", "classes"), [(20, 32, 5), (320, 32, 5), (50, 30, 2)])
def test_weights_are_those_of_fit_head_but_nearer_to_the_optimum(count: int, width: int, classes: int) -> None:
    features, labels = problem(count, width, classes, 2)
    for each, head in zip(features, fit_heads(features, labels, strength=1.0), strict=True):
        usual, (_, _, spread) = fit_head(each, labels, strength=1.0), standardised(each)
        np.testing.assert_allclose(head.weight * spread, usual.weight * spread, atol=0.02)
        expected = optimum(each, labels, 1.0)
        errors = [np.abs(differences(one, each) - expected).max() for one in (head, usual)]
        assert errors[0] < 1e-6 < errors[1]


def test_a_head_does_not_depend_on_those_it_is_fitted_with() -> None:
    features, labels = problem(60, 32, 4, 5)
    together = fit_heads(features, labels, strength=1.0)
    for each, head in zip(features, together, strict=True):
        (alone,) = fit_heads([each], labels, strength=1.0)
        np.testing.assert_allclose(head.weight, alone.weight, atol=1e-9)
        np.testing.assert_allclose(head.bias, alone.bias, atol=1e-7)


def test_a_feature_that_never_varies_has_no_weight() -> None:
    (features,), labels = problem(40, 6, 3, 1)
    features[:, 2] = 7
    (head,) = fit_heads([features], labels, strength=1.0)
    assert np.abs(head.weight[:, 2]).max() < 1e-12


def test_large_heads_and_those_without_an_optimum_found_are_left_to_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = problem(40, 8, 3, 2)
    usual = [fit_head(each, labels, strength=1.0) for each in features]
    for name, value in (("_MOST_UNKNOWNS", 10), ("_NEWTON_STEPS", 1)):
        with monkeypatch.context() as changed:
            changed.setattr(batched, name, value)
            found = fit_heads(features, labels, strength=1.0)
        assert all(np.array_equal(one.weight, other.weight) for one, other in zip(found, usual, strict=True))


def test_features_that_are_not_finite_are_refused() -> None:
    features, labels = problem(40, 8, 3, 1)
    features[0][3, 1] = np.nan
    with pytest.raises(DataError, match="finite features"):
        fit_heads(features, labels, strength=1.0)
    with pytest.raises(DataError, match="finite features"):
        logits_of(features[0], labels, np.ones((1, 40)))


def test_nothing_to_fit_gives_nothing() -> None:
    assert fit_heads([], np.array([0, 1]), strength=1.0) == []


@pytest.mark.parametrize(("count", "width", "classes"), [(30, 6, 2), (60, 12, 4), (24, 40, 3)])
def test_heads_of_sample_weights_are_those_of_scikit_learn(count: int, width: int, classes: int) -> None:
    (features,), labels = problem(count, width, classes, 1)
    train = np.random.default_rng(0).random((4, count)) < 0.75
    found = logits_of(features, labels, train)
    for row, chosen in enumerate(train):
        expected = fit_head(features[chosen], labels[chosen], strength=1.0).logits(features)
        shares = [np.exp(one - np.logaddexp.reduce(one, axis=1, keepdims=True)) for one in (expected, found[row])]
        assert np.abs(shares[0] - shares[1]).max() < 0.02  # both stop at a tolerance


def test_more_features_than_samples_are_solved_as_fewer_are() -> None:
    (features,), labels = problem(30, 6, 3, 1)
    train = np.random.default_rng(0).random((4, 30)) < 0.75
    wide = np.concatenate([features, np.zeros((30, 40), np.float32)], axis=1)  # without spread they say nothing
    few, many = (logits_of(each, labels, train) for each in (features, wide))
    np.testing.assert_allclose(many, few, rtol=1e-3, atol=1e-2)  # both stop at a tolerance


def test_a_sample_of_weight_two_counts_as_two_samples() -> None:
    (features,), labels = problem(40, 6, 3, 1)
    weights = np.where(np.arange(40) < 10, 2.0, 1.0)[None]
    twice = np.concatenate([features, features[:10]])
    repeated = logits_of(twice, np.concatenate([labels, labels[:10]]), np.ones((1, 50)))
    np.testing.assert_allclose(logits_of(features, labels, weights), repeated[:, :40], atol=0.01)  # both stop at a tolerance


def test_samples_without_weight_change_nothing() -> None:
    (features,), labels = problem(40, 6, 3, 1)
    weights = (np.arange(40) < 30)[None]
    alone = logits_of(features[:30], labels[:30], np.ones((1, 30)))
    np.testing.assert_allclose(logits_of(features, labels, weights)[:, :30], alone, atol=0.01)


def logits_of(features: NDArray[np.float32], labels: NDArray[np.int64], weights: NDArray[Any]) -> NDArray[np.float64]:
    return weighted_logits(torch.from_numpy(features), torch.from_numpy(labels), torch.from_numpy(weights), 1.0).numpy()
