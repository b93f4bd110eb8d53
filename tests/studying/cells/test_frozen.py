from __future__ import annotations

import numpy as np
import pytest
import torch

from tare.networks.heads.reference import features_of
from tare.normalisation.applied import Normalisation
from tare.normalisation.input_layer import InputLayer
from tare.normalisation.strategies import Constants, normalisation
from tare.studying.cells.frozen import Frozen
from tare.studying.tasks.small_networks import Norm, SmallNetwork


def network(norm: Norm, channels: int = 1) -> SmallNetwork:
    """A network whose batch norm has moments and weights of its own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = SmallNetwork(channels, 5, norm).train()
        for parameter in module.parameters():
            torch.nn.init.normal_(parameter, 0.1, 0.3)
        for _ in range(3):
            module(torch.randn(32, channels, 16, 16))
    return module.eval()


def images(dtype: torch.dtype = torch.uint8) -> torch.Tensor:
    drawn = torch.randint(0, 256, (300, 1, 16, 16), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    return drawn if dtype == torch.uint8 else drawn / 255


def applied(mean: float, std: float) -> Normalisation:
    return normalisation("source", 1, source=Constants((mean,), (std,), "stated"))


def frozen_of(module: torch.nn.Module, train: torch.Tensor, test: torch.Tensor) -> Frozen:
    frozen = Frozen.of(module, train, test)
    assert frozen is not None
    return frozen


@pytest.mark.parametrize("norm", ["batch", "none"])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (0.3, 0.2), (-0.7, 0.01)])
def test_features_are_those_of_the_network_itself(norm: Norm, dtype: torch.dtype, mean: float, std: float) -> None:
    module, samples = network(norm), images(dtype)
    train, test = samples[:87], samples[87:]  # an odd number of both
    found = frozen_of(module, train, test).features(70, applied(mean, std))
    for part, features in zip((train[:70], test), found, strict=True):
        expected = features_of(module, "head", [part], InputLayer(applied(mean, std)))
        assert features.shape == expected.shape == (len(part), 32)
        np.testing.assert_allclose(features, expected, rtol=1e-4, atol=2e-6 * np.abs(expected).max())


@pytest.mark.parametrize("size", [1, 2, 31, 100])
def test_a_sample_has_the_same_features_whatever_it_is_passed_with(size: int) -> None:
    samples, module = images(), network("batch")
    fitted, tested = frozen_of(module, samples[:100], samples[100:]).features(100, applied(0.3, 0.2))
    for train in (samples[:size], samples[:100]):
        some, same = frozen_of(module, train, samples[100:]).features(size, applied(0.3, 0.2))
        np.testing.assert_allclose(some, fitted[:size], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(same, tested, rtol=1e-5, atol=1e-5)


def test_the_network_is_left_as_it_is() -> None:
    module = network("batch")
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    frozen_of(module, images()[:20], images()[20:]).features(10, applied(0.5, 0.5))
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


@pytest.mark.parametrize("norm", ["layer", "group"])
def test_norm_layers_that_depend_on_the_sample_are_not_folded(norm: Norm) -> None:
    assert Frozen.of(network(norm), images(), images()) is None


def test_other_networks_and_samples_are_passed_as_usual() -> None:
    assert Frozen.of(torch.nn.Flatten(), images(), images()) is None
    three, rows = torch.zeros(4, 3, 16, 16), torch.zeros(4, 16)
    assert Frozen.of(network("batch", 3), three, three) is None
    assert Frozen.of(network("batch"), rows, rows) is None
