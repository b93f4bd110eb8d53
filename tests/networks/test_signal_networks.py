from __future__ import annotations

import pytest
import torch
from torch import nn

from tare.networks.signal_networks import NETWORKS


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_network_classifies_and_ends_in_a_linear_head(name: str) -> None:
    network = NETWORKS[name](3, 5)
    batches = [torch.randn(4, 3)] if name.startswith("mlp") else [torch.randn(4, 3, length) for length in (16, 150, 1001)]
    for batch in batches:
        assert network(batch).shape == (4, 5)
    assert isinstance(network.get_submodule("head"), nn.Linear)


@pytest.mark.parametrize(
    ("name", "kind"), [("cnn1d", nn.BatchNorm1d), ("cnn1d-layer", nn.GroupNorm), ("mlp-layer", nn.LayerNorm)]
)
def test_the_suffix_says_which_normalisation_layers_there_are(name: str, kind: type[nn.Module]) -> None:
    assert any(isinstance(layer, kind) for layer in NETWORKS[name](1, 2).modules())
    norms = (nn.BatchNorm1d, nn.GroupNorm, nn.LayerNorm)
    assert not any(isinstance(layer, norms) for layer in NETWORKS[f"{name.partition('-')[0]}-none"](1, 2).modules())


@pytest.mark.parametrize("name", ["cnn1d-layer", "cnn1d-none", "mlp-layer", "mlp-none"])
def test_without_batch_norm_one_sample_does_not_depend_on_the_others(name: str) -> None:
    network = NETWORKS[name](2, 3).train()
    batch = torch.randn(4, 2) if name.startswith("mlp") else torch.randn(4, 2, 64)
    torch.testing.assert_close(network(batch)[:1], network(batch[:1]))
