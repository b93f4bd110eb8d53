from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

from tare.advising.evidence.foreignness import foreignness, gaussian_divergence
from tare.advising.evidence.passes import INPUT, passed
from tare.networks.heads.reference import features_of
from tare.normalisation.applied import Normalisation
from tare.normalisation.input_layer import InputLayer
from tare.studying.tasks.small_networks import SmallNetwork

PLAIN = Normalisation("source", (0.5,), (0.25,))
OTHER = Normalisation("target", (0.2,), (0.1,))
STANDARD = ((0.0,), (1.0,))


def batch(count: int = 48) -> torch.Tensor:
    return torch.rand(count, 1, 10, 10, generator=torch.Generator().manual_seed(1))


def trained() -> nn.Module:
    """A network whose batch norms have seen the batch under ``PLAIN``."""
    torch.manual_seed(0)
    model = SmallNetwork(1, 4, "batch")
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None
    with torch.no_grad():
        for _ in range(5):
            model.train()(InputLayer(PLAIN)(batch()))
    return model.eval()


def test_the_divergence_is_that_of_two_gaussians() -> None:
    mean, variance, expected, spread = (np.array(v) for v in ([0.3, -1.0], [0.5, 2.0], [0.0, 0.2], [1.0, 0.7]))
    wanted = kl_divergence(
        Normal(torch.tensor(mean), torch.tensor(variance).sqrt()), Normal(torch.tensor(expected), torch.tensor(spread).sqrt())
    )
    assert float(gaussian_divergence(mean, variance, expected, spread)) == pytest.approx(float(wanted.mean()))


def test_one_pass_gives_the_probes_features_and_the_moments_of_what_was_fed() -> None:
    model = trained()
    found = passed(model, "head", batch(), OTHER, STANDARD)
    expected = features_of(model, "head", [batch()], InputLayer(OTHER))
    assert np.allclose(found.features, expected, atol=1e-6)
    fed = InputLayer(OTHER)(batch()).double()
    assert found.places[INPUT].mean.mean() == pytest.approx(float(fed.mean()))
    assert found.places[INPUT].square.mean() == pytest.approx(float((fed**2).mean()))
    assert len(found.places) == 5


def test_what_the_batch_norms_were_trained_on_is_least_foreign() -> None:
    model = trained()
    passes = {
        "source": passed(model, "head", batch(), PLAIN, STANDARD),
        "target": passed(model, "head", batch(), OTHER, STANDARD),
    }
    scores = foreignness(passes, seed=0)
    source, target = scores["source"], scores["target"]
    assert source.activations is not None
    assert target.activations is not None
    assert source.activations.estimate < 0.05 < target.activations.estimate
    assert target.against_source.low > 0
    assert source.against_source.estimate == 0.0
    assert foreignness(passes, seed=0) == scores


def test_a_network_without_batch_norm_is_judged_by_its_input() -> None:
    model = SmallNetwork(1, 4, "layer").eval()
    scores = foreignness({"source": passed(model, "head", batch(), OTHER, STANDARD)}, seed=0)
    assert scores["source"].activations is None
    assert scores["source"].counted == scores["source"].at_input
    fed = InputLayer(OTHER)(batch()).double()
    wanted = gaussian_divergence(np.array([float(fed.mean())]), np.array([float(fed.var(correction=0))]), np.zeros(1), np.ones(1))
    assert scores["source"].at_input.estimate == pytest.approx(float(wanted))
