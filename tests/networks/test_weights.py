from __future__ import annotations

import math
import pickle
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from tare.errors import ModelError
from tare.networks.loading import load_network
from tare.networks.network import with_head
from tare.networks.weights import load_weights, network_digest, read_state_dict
from tests.networks.factories import same


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
    drawn = "drawn at random, because they are not in head.safetensors: 3.weight, 3.bias"
    assert notes == ("not used from head.safetensors: 3.bias, 3.weight", drawn)
    save_file({**tensors, "0.weight": torch.zeros(5, 3, 3, 3)}, tmp_path / "body.safetensors")
    with pytest.raises(ModelError, match=r"leaves 1 unmatched, first '0.weight' \(shape \(4, 3, 3, 3\), the file has"):
        load_network(factory, str(tmp_path / "body.safetensors"))


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (lambda each: (100 * each).to(torch.int8), "as int8"),
        (lambda each: each.to(torch.float8_e4m3fn), "as float8_e4m3fn"),
        (lambda each: each.to(torch.complex64), "as complex64"),
        (lambda each: each.to_sparse(), "sparse_coo"),
        (lambda each: each.to("meta"), "without values"),
        (lambda each: each * math.nan, "are NaN in"),
    ],
)
def test_bytes_whose_scale_stands_elsewhere_are_no_weights(factory: str, tmp_path: Path, made: Any, found: str) -> None:
    tensors = load_network(factory, "none").module.state_dict()
    torch.save({key: made(each) if each.is_floating_point() else each for key, each in tensors.items()}, tmp_path / "w.pth")
    with pytest.raises(ModelError, match=f"weights .*{found}"):
        load_network(factory, str(tmp_path / "w.pth"))


def normed() -> nn.Sequential:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten())
    module.register_buffer("mask", torch.tensor([0.0, -math.inf]))
    return module


@pytest.mark.parametrize(
    ("name", "made", "found"),
    [
        ("0.weight", lambda each: each / 0.0, "108 of 108 are infinite in '0.weight'"),
        ("0.bias", lambda each: each.double() * 1e39 + 1e39, "4 of 4 are infinite as float32 in '0.bias'"),
        ("0.bias", lambda each: each * math.nan, "4 of 4 are NaN in '0.bias'"),
        ("1.running_var", lambda each: (each * 70_000).half(), "4 of 4 are infinite in '1.running_var'"),
        ("1.running_mean", lambda each: each + torch.tensor([0.0, 0.0, math.nan, math.inf]), "2 of 4 are NaN or infinite in '1."),
        ("1.running_var", lambda each: each - 2, "4 of 4 are negative in '1.running_var', a variance"),
        ("mask", lambda each: -each, "1 of 2 are infinite in 'mask'"),
    ],
)
def test_a_checkpoint_with_values_that_no_network_learns_is_refused(tmp_path: Path, name: str, made: Any, found: str) -> None:
    tensors, path = normed().state_dict(), tmp_path / "w.pth"
    torch.save(tensors, path)
    assert load_weights(normed(), path).notes == ()  # the mask's infinity is the network's own
    torch.save({**tensors, name: made(tensors[name])}, path)
    with pytest.raises(ModelError, match=f"weights that are (finite )?numbers, found {found}.*w.pth"):
        load_weights(normed(), path)


@pytest.mark.parametrize(("taken", "other"), [("state_dict", "state_dict_ema"), ("model", "model_ema"), ("state_dict", "model")])
def test_averaged_weights_beside_those_that_are_read_are_noted(factory: str, tmp_path: Path, taken: str, other: str) -> None:
    trained = load_network(factory, "none", seed=1).module
    averaged = {key: torch.zeros_like(each) for key, each in trained.state_dict().items()}
    torch.save({other: averaged, taken: trained.state_dict(), "epoch": 3, "optimizer": {"state": {}}}, tmp_path / "w.pth")
    loaded = load_network(factory, str(tmp_path / "w.pth"))
    assert same(loaded.module, trained)
    assert loaded.notes == (f"w.pth holds other weights too, which are not used: {other}; save those alone to use them",)


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
        patch.setattr("tare.networks.weights._read", lambda _: (tensors, ()))
        assert load_weights(module, path).notes == ()


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


def test_weights_that_only_have_other_names_say_so(factory: str, tmp_path: Path) -> None:
    tensors = load_network(factory, "none").module.state_dict()
    torch.save({f"net/{index}": value for index, value in enumerate(tensors.values())}, tmp_path / "named.pth")
    with pytest.raises(ModelError, match=r"only the names differ: save dict\(zip\(network.state_dict\(\), "):
        load_network(factory, str(tmp_path / "named.pth"))


def test_a_network_is_known_by_its_layers_and_all_its_tensors_and_not_by_where_it_lies() -> None:
    printed = cycle(["{'a', 'b'}", "{'b', 'a'}"])  # a set, in the orders of two processes

    class Printed(nn.Module):
        def extra_repr(self) -> str:
            return f"{object()}, {next(printed)}"

    def made(slope: float = 0.0, kept: float = 1.0, weight: float = 1.0) -> str:
        linear = nn.Linear(1, 1, bias=False)
        nn.init.constant_(linear.weight, weight)
        module = nn.Sequential(linear, nn.LeakyReLU(slope), Printed())
        module.register_buffer("kept", torch.tensor(kept), persistent=False)
        return network_digest(module)

    assert made() == made()
    assert len({made(), made(slope=0.5), made(kept=2.0), made(weight=2.0)}) == 4
