from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import nn

from tare.errors import DataError
from tare.networks.heads.reference import features_of, fit_head


@pytest.fixture
def blobs() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, 150)
    centres = generator.normal(0, 2, (3, 6))
    return (centres[labels] + generator.normal(0, 1, (150, 6))).astype(np.float32), labels


def test_features_are_what_reaches_the_classifier_and_the_network_stays_as_it_was() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.Dropout(0.5), nn.Linear(5, 2))
    module.train()
    batch = torch.randn(7, 3, 2, 2)
    caught = features_of(module, "3", [batch[:4], batch[4:]], lambda x: 2 * x)
    with torch.no_grad():
        expected = module[1](2 * batch.flatten(1))
    assert np.allclose(caught, expected.numpy(), atol=1e-6)
    assert module.training
    assert not module[3]._forward_pre_hooks


@pytest.mark.parametrize("classes", [2, 3])
def test_the_head_is_scikit_learns_on_standardised_features(blobs: tuple[np.ndarray, np.ndarray], classes: int) -> None:
    features, labels = (part[blobs[1] < classes] for part in blobs)
    head = fit_head(features, labels, strength=0.3)
    standard = StandardScaler().fit(features)
    reference = LogisticRegression(C=0.3, max_iter=2000).fit(standard.transform(features), labels)
    assert np.array_equal(head.predict(features), reference.predict(standard.transform(features)))
    logits = features @ head.weight.T + head.bias
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.allclose(shares, reference.predict_proba(standard.transform(features)), atol=1e-4)


def test_the_penalty_is_chosen_from_the_data_given_and_the_same_twice(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    first, second = (fit_head(*blobs, seed=4) for _ in range(2))
    assert first.strength == second.strength
    noise = fit_head(np.random.default_rng(1).normal(size=(60, 6)).astype(np.float32), np.arange(60) % 2)
    assert noise.strength < first.strength  # nothing to learn: the strongest penalties validate best


def test_a_class_of_one_sample_still_gets_a_head() -> None:
    features = np.array([[0.0], [0.1], [5.0]], dtype=np.float32)
    assert fit_head(features, np.array([0, 0, 1])).predict(features).tolist() == [0, 0, 1]


def test_features_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(DataError, match="finite features, found NaN or infinity"):
        fit_head(np.array([[np.nan], [1.0]], dtype=np.float32), np.array([0, 1]))


def test_a_constant_feature_carries_nothing(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    features, labels = blobs
    padded = np.hstack([features, np.full((len(features), 1), 3.0, dtype=np.float32)])
    assert np.array_equal(
        fit_head(padded, labels, strength=1.0).predict(padded), fit_head(features, labels, strength=1.0).predict(features)
    )
