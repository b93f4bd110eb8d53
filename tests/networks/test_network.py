from __future__ import annotations

import pytest

from tare.networks.loading import load_network
from tare.networks.network import with_head
from tests.networks.factories import same


@pytest.mark.parametrize("kind", ["timm", "factory"])
def test_the_head_is_replaced_from_a_seed(factory: str, kind: str) -> None:
    reference = "timm:test_resnet" if kind == "timm" else factory
    networks = [with_head(load_network(reference, "none"), 7, seed=seed) for seed in (0, 0, 1)]
    assert networks[0].classifier.out_features == 7
    assert same(networks[0].module, networks[1].module)
    assert not same(networks[0].module, networks[2].module)


@pytest.mark.parametrize(
    ("reference", "kind"), [("tare:cnn1d", "signal"), ("tare:mlp-none", "vector"), ("timm:test_resnet", "image")]
)
def test_what_a_network_takes_follows_from_its_first_layer(reference: str, kind: str) -> None:
    network = load_network(reference, "none", channels=3)
    assert (network.kind, network.channels) == (kind, 3)
