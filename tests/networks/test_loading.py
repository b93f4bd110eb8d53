from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tare.errors import ModelError
from tare.input_spec.spec import Known, Unknown
from tare.networks.loading import built_for, load_network
from tests.networks.factories import same


def test_a_timm_network_states_its_constants_and_says_where_from() -> None:
    network = load_network("timm:test_resnet", "none")
    assert network.is_timm
    assert network.channels == 3
    assert network.spec.mean == Known((0.5, 0.5, 0.5), network.spec.mean.origin)  # type: ignore[union-attr]
    assert "pretrained_cfg of test_resnet" in network.spec.mean.origin


def test_weights_drawn_from_a_seed_are_the_same_twice_and_leave_the_callers_generator_alone() -> None:
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    first, second = (load_network("timm:test_resnet", "none", seed=3).module for _ in range(2))
    assert same(first, second)
    assert not same(first, load_network("timm:test_resnet", "none", seed=4).module)
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_factory_states_nothing_and_nothing_is_made_up(factory: str) -> None:
    spec = load_network(factory, "none").spec
    assert isinstance(spec.mean, Unknown)
    assert "has no pretrained_cfg" in spec.mean.reason
    assert isinstance(spec.size, Unknown)


def test_mean_and_std_of_timm_are_said_to_be_assumed_for_a_users_file(tmp_path: Path) -> None:
    save_file(load_network("timm:test_resnet", "none").module.state_dict(), tmp_path / "mine.safetensors")
    notes = load_network("timm:test_resnet", str(tmp_path / "mine.safetensors")).notes
    assert notes == ("mean and std are those that timm states for its own weights, assumed for mine.safetensors too",)


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("module[0].weight.data[0] = float('nan')", "27 of 108 values of '0.weight' are NaN or infinite"),
        ("module[1].running_var[:] = float('inf')", "4 of 4 values of '1.running_var' are NaN, infinite or negative"),
        ("module[1].running_var[1] = -1", "1 of 4 values of '1.running_var' are NaN, infinite or negative"),
    ],
)
def test_what_a_factory_loads_is_looked_at_as_what_a_file_holds(tmp_path: Path, damage: str, found: str) -> None:
    built = "module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))"
    (tmp_path / "net.py").write_text(f"from torch import nn\n\n\ndef net():\n    {built}\n    {damage}\n    return module\n")
    with pytest.raises(ModelError, match=found):
        load_network(f"{tmp_path / 'net.py'}:net", "none")


@pytest.mark.parametrize(
    ("reference", "weights", "message"),
    [
        ("timm:resnt18", "none", r"found 'resnt18'; did you mean timm:resnet18"),
        ("timm:zzzzzzzzzz", "none", r"see timm.list_models\(\)"),
        ("timm:resnet18.nonsense", "none", "Invalid pretrained tag"),
        (
            "resnet18",
            "none",
            "timm:NAME, torchvision:NAME, hf:DIR_OR_ID, tare:NAME, FILE.py:FACTORY or an earlier run's directory",
        ),
        ("absent.py:net", "none", "does not exist"),
        ("timm:test_resnet", "absent.safetensors", "does not exist; check the path"),
    ],
)
def test_what_cannot_be_built_is_said_in_one_line(reference: str, weights: str, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        load_network(reference, weights)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nets", "did you mean net"),
        ("headless", "no nn.Linear"),
        ("needs", "without required arguments, found width"),
        ("breaks", "RuntimeError: no such layer"),
        ("leaves", "to build a network, found SystemExit: 0"),
        ("number", "found int"),
    ],
)
def test_a_factory_that_is_none_is_said_to_be_none(factory: str, name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        load_network(factory.replace(":net", f":{name}"), "none")


def test_a_factory_that_changes_the_directory_moves_nothing_else(factory: str) -> None:
    before = Path.cwd()
    load_network(factory.replace(":net", ":elsewhere"), "none")
    assert Path.cwd() == before


def test_a_factory_has_no_pretrained_weights(factory: str) -> None:
    with pytest.raises(ModelError, match="'pretrained', which only a library's networks have"):
        load_network(factory)


def test_pretrained_weights_without_a_connection_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    with pytest.raises(ModelError, match="not cached, and the hub cannot be reached"):
        load_network("timm:resnet18")


def test_a_network_of_ones_own_needs_the_channels_of_the_data_and_weights() -> None:
    assert [built_for(name) for name in ("tare:cnn1d-layer", "tare:mlp", "timm:x")] == ["signal", "vector", None]
    with pytest.raises(ModelError, match="data for tare:cnn1d, which is built for their channels, found none"):
        load_network("tare:cnn1d", "none")
    with pytest.raises(ModelError, match="weights for tare:mlp, found 'pretrained'"):
        load_network("tare:mlp", channels=4)
    first, second = (load_network("tare:mlp", "none", seed, channels=4).module.state_dict() for seed in (0, 0))
    assert all(torch.equal(first[key], second[key]) for key in first)
