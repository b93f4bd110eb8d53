from __future__ import annotations

from pathlib import Path

import pytest
import torch
from timm.models._manipulate import adapt_input_conv

from tare.errors import ModelError
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.networks.building.input_channels import adapted_weight, with_channels
from tare.networks.loading import load_network
from tare.networks.network import Network, head_name

_FACTORY = """
from torch import nn


def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))


def grouped():
    return nn.Sequential(nn.Conv2d(3, 3, 3, groups=3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 5))
"""


def _network(module: torch.nn.Module, spec: InputSpec | None = None, weights: str = "pretrained") -> Network:
    return Network(module, "net.py:net", weights, spec or InputSpec(), head_name(module, "net"), is_timm=False)


def _small(channels: int = 3) -> torch.nn.Module:
    torch.manual_seed(0)
    body = torch.nn.Conv2d(channels, 4, 3, padding=1), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
    return torch.nn.Sequential(*body, torch.nn.Linear(4, 5))


@pytest.mark.parametrize("channels", [1, 2, 4, 5, 12, 13])
def test_weights_are_adapted_as_timm_adapts_them(channels: int) -> None:
    weight = torch.randn(8, 3, 5, 5)
    assert torch.equal(adapted_weight(weight, channels), adapt_input_conv(channels, weight.clone()))


@pytest.mark.parametrize("channels", [1, 6, 12])
def test_equal_channels_give_what_equal_colours_gave(channels: int) -> None:
    plane = torch.rand(2, 1, 9, 9)
    before = _small()
    expected = before(plane.expand(-1, 3, -1, -1))
    made = with_channels(_network(before), channels)
    assert made.channels == channels
    assert torch.allclose(made.module(plane.expand(-1, channels, -1, -1)), expected, atol=1e-6)


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "test_convnext"])
def test_a_network_of_timm_states_its_channels_in_its_configuration(name: str) -> None:
    made = load_network(f"timm:{name}", "none", channels=13)
    assert made.channels == 13
    assert made.module(torch.zeros(1, 13, 160, 160)).shape == (1, 1000)
    assert made.notes == (f"timm:{name} takes 3 channels and was built for 13: its weights are drawn",)


def test_weights_of_a_file_are_adapted_in_a_network_of_timm(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    plain = load_network("timm:test_resnet", "none", seed=1)
    save_file(plain.module.state_dict(), tmp_path / "w.safetensors")
    made = load_network("timm:test_resnet", str(tmp_path / "w.safetensors"), channels=1)
    grey = torch.rand(2, 1, 64, 64)
    with torch.no_grad():
        expected = plain.module.eval()(grey.expand(-1, 3, -1, -1))
        assert torch.allclose(made.module.eval()(grey), expected, atol=1e-4)
    assert "the weights of its 3 channels are summed" in made.notes[-1]


@pytest.mark.parametrize("name", ["test_resnet", "test_vit"])
def test_a_network_is_built_for_the_channels_of_its_weights_file(tmp_path: Path, name: str) -> None:
    from safetensors.torch import save_file

    of_five = load_network(f"timm:{name}", "none", channels=5)
    save_file(of_five.module.state_dict(), tmp_path / "w.safetensors")
    made = load_network(f"timm:{name}", str(tmp_path / "w.safetensors"))
    values = torch.rand(1, 5, 160, 160)
    with torch.no_grad():
        assert torch.equal(made.module.eval()(values), of_five.module.eval()(values))
    assert f"w.safetensors holds a first layer of 5 channels, which timm:{name} was built for" in made.notes


def test_constants_of_colours_do_not_describe_other_channels() -> None:
    spec = InputSpec.of((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), raw_dtype="uint8")
    made = with_channels(_network(_small(), spec), 4)
    for field in (made.spec.mean, made.spec.std, made.spec.channels):
        assert isinstance(field, Unknown)
        assert field.reason == "net.py:net states it for 3 channels and was built for 4"


def test_one_constant_for_all_channels_holds_for_any_number() -> None:
    made = with_channels(_network(_small(), InputSpec.of((0.5,) * 3, (0.5,) * 3, raw_dtype="uint8")), 2)
    assert isinstance(made.spec.mean, Known)
    assert made.spec.mean.value == (0.5, 0.5)


def test_the_same_number_changes_nothing() -> None:
    network = _network(_small())
    assert with_channels(network, 3) is network
    assert with_channels(network, None) is network


def test_a_first_convolution_in_groups_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(_FACTORY)
    assert load_network(f"{tmp_path / 'net.py'}:net", "none", channels=6).channels == 6
    with pytest.raises(ModelError, match="its first convolution '0' has 3 groups"):
        load_network(f"{tmp_path / 'net.py'}:grouped", "none", channels=6)
