from __future__ import annotations

import pytest
from torch import nn

from tare.errors import ModelError
from tare.input_spec.geometry import VolumeGeometry
from tare.input_spec.spec import InputSpec
from tare.networks.loading import load_network
from tare.networks.network import Network, with_head
from tare.networks.stated_images import check_accepts
from tare.networks.stated_spec import with_frames
from tare.samples.clip_frames import ClipFrames
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


@pytest.mark.parametrize(("channels", "kind"), [(1, "volume"), (3, "clip"), (4, "volume")])
def test_a_first_layer_in_three_dimensions_takes_volumes_or_clips(channels: int, kind: str) -> None:
    layers = nn.Conv3d(channels, 2, 3), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(2, 2)
    network = Network(nn.Sequential(*layers), "net.py:net", "none", InputSpec(), "3", is_timm=False)
    assert network.kind == kind
    assert network.clip == (ClipFrames(16) if kind == "clip" else None)
    check_accepts(network, VolumeGeometry((8, 8, 8), None))
    with pytest.raises(ModelError, match="a network that takes volumes of 2 x 2 x 2"):
        check_accepts(network, VolumeGeometry((2, 2, 2), None))


def test_the_frames_of_a_clip_are_those_that_a_specification_states() -> None:
    layers = nn.Conv3d(3, 2, 3), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(2, 2)
    network = Network(
        nn.Sequential(*layers), "net.py:net", "none", InputSpec(extra={"frames": 8, "stride": 4}), "3", is_timm=False
    )
    assert network.clip == ClipFrames(8, 4)
    assert with_frames(network, 12, None).clip == ClipFrames(12, 4)


def test_samples_that_fit_no_memory_are_refused_before_they_are_tried() -> None:
    layers = nn.Conv2d(65536, 1, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 2)
    network = Network(nn.Sequential(*layers), "net.py:net", "none", InputSpec(), "3", is_timm=False)
    with pytest.raises(ModelError, match="found 65,536 channels of 9 x 99 x 99; choose a smaller --size"):
        check_accepts(network, VolumeGeometry((9, 99, 99), None))
