from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tare.errors import ModelError, TareError
from tare.networks.stored.trained import open_trained
from tests.tiny_run import CLASSES, FACTORY, tiny_run


def test_a_run_and_its_model_directory_are_the_same(tmp_path: Path) -> None:
    run = tiny_run(tmp_path)
    for path in (run, run / "model", run / "model" / "tare.json"):
        trained = open_trained(path)
        assert trained.folder == run / "model"
        assert trained.model.classes == CLASSES
        assert trained.settings["seed"] == 0


def test_the_number_of_validation_images_is_the_evaluations(tmp_path: Path) -> None:
    run = tiny_run(tmp_path)
    assert open_trained(run).validated is None
    (run / "evaluation.json").write_text(json.dumps({"samples": 153}))
    assert open_trained(run).validated == 153


def test_a_network_of_a_python_file_needs_that_file(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(FACTORY)
    factory = f"{tmp_path / 'nets.py'}:net"
    run = tiny_run(tmp_path, reference=factory)
    assert open_trained(run, factory).reference == factory
    with pytest.raises(ModelError, match="run only if you name it, found no --model"):
        open_trained(run)


@pytest.mark.parametrize("name", ["absent", "data", "run/checkpoints"])
def test_another_directory_is_refused(tmp_path: Path, name: str) -> None:
    tiny_run(tmp_path)
    with pytest.raises(ModelError, match=r"a run or model directory with a tare\.json, found no"):
        open_trained(tmp_path / name)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused_by_name(tmp_path: Path, value: float) -> None:
    path = tiny_run(tmp_path) / "model" / "model.safetensors"
    weights = load_file(path)
    weights["fc.bias"][1] = value
    save_file(weights, path)
    with pytest.raises(ModelError, match=r"weights are all finite, found 1 of 3 values of 'fc\.bias' are NaN or infinite"):
        open_trained(tmp_path / "run")


class _Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_a_pickle_in_place_of_the_weights_is_not_executed(tmp_path: Path, name: str) -> None:
    folder = tiny_run(tmp_path) / "model"
    (folder / "model.safetensors").unlink()
    mark = tmp_path / "executed"
    (folder / name).write_bytes(pickle.dumps(_Bomb(mark)))
    with pytest.raises(TareError, match=r"a model directory that timm can load|the weights as model\.safetensors, found none"):
        open_trained(tmp_path / "run")
    assert not mark.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"normalisation": {"strategy": "source", "mean": ["a"] * 3, "std": [1] * 3, "per_sample": False}},
            "not a finite number",
        ),
        ({"normalisation": {"strategy": "source", "mean": [0.5] * 3, "std": [0] * 3, "per_sample": False}}, "a std is positive"),
        ({"normalisation": {"strategy": "source", "mean": [0.5], "std": [1], "per_sample": False}}, "1 means and 1 stds for 3"),
        (
            {"normalisation": {"strategy": {"a": 1}, "mean": [0.5] * 3, "std": [1] * 3, "per_sample": False}},
            "complete tare.json, found ValueError: the strategy",
        ),
        ({"geometry": {"size": [10**6, 10**6]}}, "a size of 1000000 x 1000000"),
        ({"geometry": {"size": [0, 32]}}, "positive integers"),
        ({"geometry": {"size": [32, 32], "interpolation": "magic"}}, "not one of nearest"),
        ({"geometry": {"size": [32, 32], "speed": 1}}, "complete tare.json"),
        ({"classes": ["only", "two"]}, r"output of shape \(1, 3\) for 2 classes"),
        ({"classes": None}, "complete tare.json"),
        ({"schema": "tare.model/9"}, "a tare.json with schema"),
    ],
)
def test_a_damaged_statement_is_refused_with_the_reason(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = tiny_run(tmp_path) / "model" / "tare.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(TareError, match=message):
        open_trained(tmp_path / "run")


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    run = tiny_run(tmp_path)
    (run / "run.json").write_text("{")
    with pytest.raises(ModelError, match="a readable JSON file"):
        open_trained(run)
    (run / "run.json").write_text("[]")
    assert open_trained(run).settings == {}
    weights = run / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelError, match="a model directory that timm can load"):
        open_trained(run)


def test_opening_draws_no_random_numbers(tmp_path: Path) -> None:
    run = tiny_run(tmp_path)
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    open_trained(run)
    assert torch.equal(torch.rand(1), expected)
