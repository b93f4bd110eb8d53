from __future__ import annotations

import pytest
from torch import nn

from tare.errors import ModelError
from tare.input_spec.geometry import Geometry
from tare.input_spec.spec import InputSpec
from tare.networks.loading import load_network
from tare.networks.network import Network, with_head
from tare.networks.stated_images import check_accepts
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


def test_a_network_for_volumes_is_told_as_one() -> None:
    layers = nn.Conv3d(1, 2, 3), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(2, 2)
    network = Network(nn.Sequential(*layers), "net.py:net", "none", InputSpec(), "3", is_timm=False)
    assert network.takes_volumes
    with pytest.raises(
        ModelError, match=r"images, signals or rows, found net.py:net, a network for volumes or video; fold, respec"
    ):
        check_accepts(network, Geometry((24, 24)))
