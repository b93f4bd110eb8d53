from __future__ import annotations

import numpy as np
import pytest
import torch

from tare.normaliser import Normaliser
from tare.probe import features_of
from tare.strategies import Constants, Normalisation, normalisation
from tare.studies.frozen import Frozen
from tare.studies.small_networks import Norm, SmallNetwork


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


@pytest.mark.parametrize("norm", ["batch", "none"])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (0.3, 0.2), (-0.7, 0.01)])
def test_features_are_those_of_the_network_itself(norm: Norm, dtype: torch.dtype, mean: float, std: float) -> None:
    module, samples = network(norm), images(dtype)
    frozen = Frozen.of(module, samples)
    assert frozen is not None
    chosen = np.random.default_rng(0).permutation(len(samples))[:270]
    found = frozen.features(chosen, applied(mean, std))
    expected = features_of(module, "head", [samples[torch.from_numpy(chosen)]], Normaliser(applied(mean, std)))
    assert found.shape == expected.shape == (270, 32)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-6 * np.abs(expected).max())


def test_a_sample_has_the_same_features_whatever_it_is_passed_with() -> None:
    samples = images()
    frozen = Frozen.of(network("batch"), samples)
    assert frozen is not None
    everything = frozen.features(np.arange(len(samples)), applied(0.3, 0.2))
    for chosen in (np.array([5]), np.array([299, 5, 17]), np.arange(100)):
        np.testing.assert_allclose(frozen.features(chosen, applied(0.3, 0.2)), everything[chosen], rtol=1e-5, atol=1e-5)


def test_the_network_is_left_as_it_is() -> None:
    module = network("batch")
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    frozen = Frozen.of(module, images())
    assert frozen is not None
    frozen.features(np.arange(10), applied(0.5, 0.5))
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


@pytest.mark.parametrize("norm", ["layer", "group"])
def test_norm_layers_that_depend_on_the_sample_are_not_folded(norm: Norm) -> None:
    assert Frozen.of(network(norm), images()) is None


def test_other_networks_and_samples_are_passed_as_usual() -> None:
    assert Frozen.of(torch.nn.Flatten(), images()) is None
    assert Frozen.of(network("batch", 3), torch.zeros(4, 3, 16, 16)) is None
    assert Frozen.of(network("batch"), torch.zeros(4, 16)) is None
