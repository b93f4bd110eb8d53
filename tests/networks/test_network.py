from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from tare.errors import ModelError
from tare.input_spec.spec import Known, Unknown
from tare.networks.network import built_for, load_network, load_weights, read_state_dict, with_head

FACTORY = """
from torch import nn

def net(classes=10):
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, classes))

def headless():
    return nn.Conv2d(3, 4, 3)

def needs(width):
    return net()

def breaks():
    raise RuntimeError("no such layer")

def number():
    return 3
"""


@pytest.fixture
def factory(tmp_path: Path) -> str:
    path = tmp_path / "nets.py"
    path.write_text(FACTORY)
    return f"{path}:net"


def same(left: nn.Module, right: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(left.state_dict().values(), right.state_dict().values(), strict=True))


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


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_come_back_from_a_file(factory: str, tmp_path: Path, suffix: str) -> None:
    trained = load_network(factory, "none", seed=1).module
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save({"state_dict": {f"module.{key}": value for key, value in trained.state_dict().items()}}, path)
    else:
        save_file(trained.state_dict(), path)
    assert same(load_network(factory, str(path), seed=2).module, trained)


def test_only_the_classifier_may_differ(factory: str, tmp_path: Path) -> None:
    tensors = load_network(factory, "none").module.state_dict()
    other_head = {**tensors, "3.weight": torch.zeros(5, 4), "3.bias": torch.zeros(5)}
    save_file(other_head, tmp_path / "head.safetensors")
    other = load_network(factory, str(tmp_path / "head.safetensors"))
    notes = other.notes
    assert not other.head_trained
    drawn = "drawn anew, as they are not in head.safetensors: 3.weight, 3.bias"
    assert notes == ("left out of head.safetensors: 3.bias, 3.weight", drawn)
    save_file({**tensors, "0.weight": torch.zeros(4, 1, 3, 3)}, tmp_path / "body.safetensors")
    with pytest.raises(ModelError, match=r"leaves 1 unmatched, first '0.weight' \(shape \(4, 3, 3, 3\), the file has"):
        load_network(factory, str(tmp_path / "body.safetensors"))


def test_a_classifier_is_trained_if_it_came_with_the_weights(factory: str, tmp_path: Path) -> None:
    fresh = load_network(factory, "none")
    assert not fresh.head_trained
    save_file(fresh.module.state_dict(), tmp_path / "all.safetensors")
    whole = load_network(factory, str(tmp_path / "all.safetensors"))
    assert whole.head_trained
    assert not with_head(whole, 7, seed=0).head_trained


def test_batch_norms_step_counter_may_be_absent() -> None:
    module = nn.Sequential(nn.BatchNorm2d(2))
    path = Path("unused")
    tensors = {key: value for key, value in module.state_dict().items() if "tracked" not in key}
    assert "0.num_batches_tracked" in module.state_dict()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tare.networks.network.read_state_dict", lambda _: tensors)
        assert load_weights(module, path).notes == ()


def test_mean_and_std_of_timm_are_said_to_be_assumed_for_a_users_file(tmp_path: Path) -> None:
    save_file(load_network("timm:test_resnet", "none").module.state_dict(), tmp_path / "mine.safetensors")
    notes = load_network("timm:test_resnet", str(tmp_path / "mine.safetensors")).notes
    assert notes == ("mean and std are those timm states for its own weights, taken to hold for mine.safetensors too",)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("exploded"),))


def test_a_pickle_is_refused_and_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bomb.pth").write_bytes(pickle.dumps({"weight": Bomb()}))
    torch.save({"weight": Bomb()}, tmp_path / "bomb.pt")
    for name in ("bomb.pth", "bomb.pt"):
        with pytest.raises(ModelError, match="file that holds tensors only"):
            read_state_dict(tmp_path / name)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    ("reference", "weights", "message"),
    [
        ("timm:resnt18", "none", r"found 'resnt18'; did you mean timm:resnet18"),
        ("timm:zzzzzzzzzz", "none", r"see timm.list_models\(\)"),
        ("timm:resnet18.nonsense", "none", "Invalid pretrained tag"),
        ("resnet18", "none", "timm:NAME, torchvision:NAME, tare:NAME, FILE.py:FACTORY or a transferred"),
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
        ("number", "found int"),
    ],
)
def test_a_factory_that_is_none_is_said_to_be_none(factory: str, name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        load_network(factory.replace(":net", f":{name}"), "none")


def test_a_factory_has_no_pretrained_weights(factory: str) -> None:
    with pytest.raises(ModelError, match="'pretrained', which only timm networks have"):
        load_network(factory)


def test_pretrained_weights_without_a_connection_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    with pytest.raises(ModelError, match="not cached, and the hub cannot be reached"):
        load_network("timm:resnet18")


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


def test_a_network_of_ones_own_needs_the_channels_of_the_data_and_weights() -> None:
    assert [built_for(name) for name in ("tare:cnn1d-layer", "tare:mlp", "timm:x")] == ["signal", "vector", None]
    with pytest.raises(ModelError, match="data for tare:cnn1d, which is built for their channels, found none"):
        load_network("tare:cnn1d", "none")
    with pytest.raises(ModelError, match="weights for tare:mlp, found 'pretrained'"):
        load_network("tare:mlp", channels=4)
    first, second = (load_network("tare:mlp", "none", seed, channels=4).module.state_dict() for seed in (0, 0))
    assert all(torch.equal(first[key], second[key]) for key in first)
