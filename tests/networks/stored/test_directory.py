from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from packaging.version import Version
from safetensors import SafetensorError
from timm.data import resolve_model_data_config

from tare.errors import ModelError, OutputError
from tare.input_spec.geometry import Geometry, RowGeometry, SignalGeometry
from tare.input_spec.spec import InputSpec
from tare.networks.loading import load_network
from tare.networks.network import Network, with_head
from tare.networks.stored.directory import TransferredModel, load_model, save_model
from tare.normalisation.applied import EACH, Normalisation
from tare.normalisation.input_layer import InputLayer
from tare.parts.normaliser import Normaliser
from tare.readers.table import read_spec
from tests.made_stats import stated_stats
from tests.networks.factories import FACTORY
from tests.tiny_run import tiny_number_run, tiny_run

MEAN, STD = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)


def model_of(network: Network) -> TransferredModel:
    geometry = Geometry((32, 48), "bicubic", 0.9)
    return TransferredModel(with_head(network, 3, 0), Normalisation("target", MEAN, STD), geometry, ("ä", "b", "</c>"))


def save(folder: Path, network: Network) -> TransferredModel:
    model = model_of(network)
    stats = stated_stats(MEAN, STD)
    save_model(folder, model, source_spec=network.spec, target_stats=stats, evidence={"val_accuracy": 0.5})
    return model


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randint(0, 256, (2, 3, 32, 48), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.skipif(Version(timm.__version__) < Version("1.0.27"), reason="an older timm does not read safetensors there")
def test_plain_timm_loads_it_with_the_mean_and_std_in_use(tmp_path: Path, images: torch.Tensor) -> None:
    model = save(tmp_path / "model", load_network("timm:test_resnet", "none"))
    loaded = timm.create_model(f"local-dir:{tmp_path / 'model'}", pretrained=True).eval()
    config = resolve_model_data_config(loaded)
    assert tuple(config["mean"]) == MEAN
    assert tuple(config["std"]) == STD
    assert config["input_size"] == (3, 32, 48)
    assert config["interpolation"] == "bicubic"
    mean, std = (torch.tensor(values).reshape(1, 3, 1, 1) for values in (config["mean"], config["std"]))
    with torch.no_grad():
        assert torch.allclose(loaded((images / 255 - mean) / std), model.logits(images), atol=1e-5)


@pytest.mark.parametrize("case", ["sample", "percentile", "log1p", "uint16", "rounded down", "edges"])
def test_timm_makes_no_transform_of_an_input_that_its_keys_cannot_state(tmp_path: Path, case: str) -> None:
    """It would feed other values without a word; the network is loaded all the same."""
    geometry = Geometry((32, 32), "bilinear", 0.9)
    changed: dict[str, dict[str, Any]] = {
        "uint16": {"raw_dtype": "uint16"},
        "rounded down": {"offset": "down"},
        "edges": {"resize": (51, 47)},
    }
    strategy = case if case not in changed else "source"
    folder = tiny_run(tmp_path, strategy, geometry=replace(geometry, **changed.get(case, {})), with_data=False) / "model"
    loaded = timm.create_model(f"local-dir:{folder}", pretrained=Version(timm.__version__) >= Version("1.0.27"))
    for training in (False, True):
        with pytest.raises(KeyError, match=r"more than timm's keys can state, see tare\.json"):
            timm.data.create_transform(**resolve_model_data_config(loaded), is_training=training)
    assert read_spec(f"timm:local-dir:{folder}").require("interpolation") == "bilinear"


def test_it_comes_back_with_the_same_outputs_classes_and_normalisation(tmp_path: Path, images: torch.Tensor) -> None:
    model = save(tmp_path / "model", load_network("timm:test_resnet", "none"))
    loaded = load_model(tmp_path / "model")
    assert torch.equal(loaded.logits(images), model.logits(images))
    assert (loaded.classes, loaded.normalisation, loaded.geometry) == (model.classes, model.normalisation, model.geometry)


def test_a_network_of_a_python_file_is_built_by_the_file_that_the_user_names(tmp_path: Path, images: torch.Tensor) -> None:
    (tmp_path / "nets.py").write_text(FACTORY)
    factory = f"{tmp_path / 'nets.py'}:net"
    model = save(tmp_path / "model", load_network(factory, "none"))
    assert torch.equal(load_model(tmp_path / "model", factory).logits(images), model.logits(images))
    with pytest.raises(
        ModelError,
        match="run only if you name it, found no --model; name the file with --model",
    ):
        load_model(tmp_path / "model")


TIED = """
from torch import nn

def net(classes=10):
    one, two = nn.Conv2d(3, 3, 3), nn.Conv2d(3, 3, 3)
    two.weight = one.weight
    return nn.Sequential(one, two, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, classes))
"""


def test_tied_weights_come_back(tmp_path: Path, images: torch.Tensor) -> None:
    (tmp_path / "nets.py").write_text(TIED)
    factory = f"{tmp_path / 'nets.py'}:net"
    model = save(tmp_path / "model", load_network(factory, "none"))
    assert torch.equal(load_model(tmp_path / "model", factory).logits(images), model.logits(images))


def test_samples_are_normalised_where_they_are() -> None:
    """Another device than the processor's, which every machine has: it keeps shapes and no values."""
    model = model_of(load_network("timm:test_resnet", "none"))
    model.network.module.to("meta")
    logits = model.logits(torch.zeros(2, 3, 32, 48, dtype=torch.uint8, device="meta"))
    assert (logits.device.type, tuple(logits.shape)) == ("meta", (2, 3))


def test_tare_json_holds_spec_statistics_strategy_and_versions(tmp_path: Path) -> None:
    save(tmp_path / "model", load_network("timm:test_resnet", "none"))
    document = json.loads((tmp_path / "model" / "tare.json").read_text())
    assert document["schema"] == "tare.model/1"
    assert document["strategy"] == "target"
    assert document["spec"]["mean"] == list(MEAN)
    assert document["source_spec"]["mean"] == [0.5, 0.5, 0.5]
    assert document["target_stats"]["channels"][0]["mean_se"] > 0
    assert {"tare", "python", "torch", "timm"} <= set(document["versions"])


def test_an_existing_model_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "stale").write_text("")
    save(tmp_path / "model", load_network("timm:test_resnet", "none"))
    assert not (tmp_path / "model" / "stale").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="a place that can be written"):
        save(tmp_path / "file" / "model", load_network("timm:test_resnet", "none"))


def test_its_spec_maps_a_sample_that_is_normalised_by_its_own_values_as_the_model_does() -> None:
    chosen = Normalisation("sample", (0.0,) * 3, (1.0,) * 3, per_sample=EACH)
    spec = TransferredModel(load_network("timm:test_resnet", "none"), chosen, Geometry((24, 24)), ("a", "b")).spec()
    images = torch.randint(0, 256, (2, 3, 24, 24), dtype=torch.uint8)
    torch.testing.assert_close(spec.apply(images), InputLayer(chosen)(images), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "a model directory with a tare.json"), ("{}", "schema 'tare.model/1'"), ('{"schema": "tare.model/1"}', "KeyError")],
)
def test_what_is_no_model_directory_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "tare.json").write_text(content)
    with pytest.raises(ModelError, match=message):
        load_model(tmp_path)


def test_its_spec_says_what_images_are_fed_down_to_the_layout_of_the_tensor() -> None:
    spec = model_of(load_network("timm:test_resnet", "none")).spec()
    assert [spec.require(name) for name in ("raw_dtype", "dtype", "layout")] == ["uint8", "float32", "NCHW"]
    raw = torch.full((1, 3, 2, 2), 255, dtype=torch.uint8)
    torch.testing.assert_close(spec.apply(raw)[0, :, 0, 0], (1 - torch.tensor(MEAN)) / torch.tensor(STD))


@pytest.mark.parametrize(
    ("reference", "takes", "shape"),
    [
        ("tare:cnn1d-layer", SignalGeometry(50, (0.1, 0.2), "float64"), (4, 2, 50)),
        ("tare:mlp", RowGeometry(("a", "b,c"), "float64"), (4, 2)),
    ],
)
def test_a_network_for_signals_or_rows_comes_back_and_states_what_it_takes(
    tmp_path: Path, reference: str, takes: SignalGeometry | RowGeometry, shape: tuple[int, ...]
) -> None:
    network = with_head(load_network(reference, "none", channels=2), 3, 0)
    model = TransferredModel(network, Normalisation("target", (5.0, -1.0), (2.0, 0.5)), takes, ("a", "b", "c"))
    save_model(tmp_path / "model", model, source_spec=network.spec, target_stats=None, evidence={})
    loaded = load_model(tmp_path / "model")
    raw = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert loaded.takes == takes
    assert torch.equal(loaded.logits(raw), model.logits(raw))
    spec = loaded.spec()
    assert spec.require("raw_dtype") == "float64"
    assert spec.require("layout") == ("NCT" if len(shape) == 3 else "NC")
    assert spec.extra == ({"length": 50} if len(shape) == 3 else {})
    assert spec.affine().scale == pytest.approx((0.5, 2.0))
    with pytest.raises(ModelError, match=r"a network for images, found tare:.*, which takes (signals|rows)"):
        _ = loaded.geometry


def test_a_disk_that_is_full_for_weights_is_one_line_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    (tmp_path / "nets.py").write_text(FACTORY)
    network = load_network(f"{tmp_path / 'nets.py'}:net", "none")
    with pytest.raises(OutputError, match="a place that can be written, found Error while serializing"):
        save(tmp_path / "model", network)
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".py" and path.name != "__pycache__"] == []


@pytest.mark.parametrize("columns", [("a,b",), ("a,b", "c")])
def test_a_column_whose_name_has_a_comma_is_one_column(tmp_path: Path, columns: tuple[str, ...]) -> None:
    spec = load_model(tiny_number_run(tmp_path, RowGeometry(columns)) / "model").spec()
    assert InputSpec.from_json(spec.to_json()) == spec
    assert len(spec.require("mean")) == len(columns)


@pytest.mark.parametrize("contrast", [0, 2, 8, 40])
def test_the_specification_of_each_sample_by_itself_has_the_least_std_of_training(tmp_path: Path, contrast: int) -> None:
    model = load_model(tiny_run(tmp_path, "sample", with_data=False) / "model")
    stated = InputSpec.from_json(model.spec().to_json())
    noise = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    images = (100 + contrast * noise).round().clamp(0, 255).to(torch.uint8)
    fed = InputLayer(model.normalisation)(images)
    torch.testing.assert_close(stated.apply(images), fed, atol=1e-5, rtol=0)
    torch.testing.assert_close(Normaliser.from_spec(stated)(images), fed, atol=1e-5, rtol=0)
