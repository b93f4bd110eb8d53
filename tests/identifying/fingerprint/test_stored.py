from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.ops import FrozenBatchNorm2d

from tare.errors import ModelError
from tare.identifying.fingerprint.stored import Fingerprint, fingerprint_divergence, fingerprints


def trained() -> Any:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    module.train()
    module(torch.randn(8, 3, 6, 6))
    return module.eval()


def test_the_moments_are_those_that_the_layer_stores() -> None:
    module = trained()
    stored = fingerprints(module)["1"]
    assert np.array_equal(stored.mean, module[1].running_mean.double().numpy())
    assert np.array_equal(stored.variance, module[1].running_var.double().numpy())
    assert stored.alive.all()


def test_a_channel_whose_filter_died_is_left_out() -> None:
    module = trained()
    module[1].running_var[2] = 1e-12
    assert fingerprints(module)["1"].alive.tolist() == [True, True, False, True]


def test_the_divergence_is_that_of_normal_distributions() -> None:
    rng = np.random.default_rng(0)
    stored = Fingerprint("bn", rng.normal(size=5), rng.uniform(0.1, 2, 5), np.array([True, True, False, True, True]))
    mean, variance = rng.normal(size=(3, 5)), rng.uniform(0.1, 2, (3, 5))
    normal = torch.distributions.Normal
    reference = torch.distributions.kl_divergence(
        normal(torch.from_numpy(mean), torch.from_numpy(variance).sqrt()),
        normal(torch.from_numpy(stored.mean), torch.from_numpy(stored.variance).sqrt()),
    )[:, [0, 1, 3, 4]].mean(dim=1)
    assert fingerprint_divergence(stored, mean, variance) == pytest.approx(reference.numpy(), rel=1e-12)


def test_a_network_without_batch_norm_has_no_fingerprint() -> None:
    assert fingerprints(nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(1, 4))) == {}


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), "mean 0 and variance 1 in all 1 layers: never trained, or reset"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), FrozenBatchNorm2d(4)), "frozen batch norm, whose moments are those of an earlier"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)), "track_running_stats=False"),
    ],
)
def test_moments_that_say_nothing_are_refused_with_the_reason(module: nn.Module, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        fingerprints(module)


@pytest.mark.parametrize("key", ["0.weight", "1.running_mean"])
def test_weights_that_are_not_finite_are_named(key: str) -> None:
    module = trained()
    module.state_dict()[key].view(-1)[0] = float("nan")
    with pytest.raises(ModelError, match=f"NaN or infinity in '{key}'"):
        fingerprints(module)


def test_layers_that_were_never_used_are_left_out() -> None:
    module = nn.Sequential(trained(), nn.BatchNorm2d(4))
    assert list(fingerprints(module)) == ["0.1"]
