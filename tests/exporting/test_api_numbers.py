"""Exports of networks that take signals or rows of numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import tare
from tare.errors import ModelError, SpecError
from tare.exporting.api import export
from tare.exporting.inputs import ExportFormat
from tare.input_spec.geometry import RowGeometry, SignalGeometry
from tare.input_spec.spec import InputSpec
from tare.networks.stored.trained import open_trained
from tare.predicting.api import predict
from tests.exporting.test_api import answers, metadata_of
from tests.signals import save_table, save_wav, tone, tones
from tests.tiny_run import tiny_number_run

LENGTH = 40
COLUMNS = ("size", "weight", "colour")
FACTORY = """
from torch import nn


def net():
    return nn.Sequential(nn.Conv1d(2, 4, 5), nn.GELU(), nn.AdaptiveAvgPool1d(3), nn.Flatten(), nn.Linear(12, 7))
"""


def signals(count: int, steps: int, raw: str = "float32") -> NDArray[Any]:
    values = np.random.default_rng(steps).normal(0.2, 0.7, (count, steps, 2))
    return (values * 50 if raw.startswith("int") else values).astype(raw)


def expected(run: Path, values: NDArray[Any], tmp_path: Path, factory: str | None = None) -> NDArray[Any]:
    """Probabilities of ``tare predict``, from a file of the same raw values."""
    np.save(tmp_path / "samples.npy", values)
    given = predict(run, tmp_path / "samples.npy", top=2, factory=factory)
    return np.array([[dict(each.ranks)[name] for name in ("high", "low")] for each in given])


@pytest.mark.parametrize(
    ("form", "strategy", "raw"),
    [
        ("onnx", "target", "float32"),
        ("torchscript", "sample", "float64"),
        pytest.param("onnx", "sample", "float64", marks=pytest.mark.long),
        pytest.param("pt2", "target", "float64", marks=pytest.mark.long),
        pytest.param("pt2", "sample", "float32", marks=pytest.mark.long),
        ("torchscript", "target", "int16"),
    ],
)
def test_a_graph_takes_raw_signals_of_any_length_and_answers_as_predict_does(
    tmp_path: Path, form: ExportFormat, strategy: str, raw: str
) -> None:
    if form == "onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")
    pad = None if strategy == "sample" else (0.0, 0.3)
    run = tiny_number_run(tmp_path, SignalGeometry(LENGTH, pad, raw), strategy)
    made = export(run, form, tmp_path / "out", with_resize=True)
    assert (made.takes, made.dtype, made.shape) == ("signals", raw, ("N", "T", 2))
    assert made.parity is not None
    assert made.parity.logits is not None
    assert made.parity.logits <= 1e-4
    for count, steps in ((1, 17), (2, LENGTH), (5, 93)):
        values = signals(count, steps, raw)
        probabilities, _ = answers(tmp_path / "out", form, torch.from_numpy(values))
        assert np.allclose(probabilities, expected(run, values, tmp_path), atol=1e-5)


@pytest.mark.parametrize("form", ["onnx", "torchscript", "pt2"])
def test_a_graph_takes_raw_rows_and_says_which_columns(tmp_path: Path, form: ExportFormat) -> None:
    if form == "onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")
    run = tiny_number_run(tmp_path, RowGeometry(COLUMNS))
    made = export(run, form, tmp_path / "out")
    assert (made.takes, made.dtype, made.shape, made.layout) == ("rows", "float64", ("N", 3), "NC")
    values = np.random.default_rng(0).normal(0.2, 0.7, (7, 3))
    probabilities, logits = answers(tmp_path / "out", form, torch.from_numpy(values))
    assert np.allclose(probabilities, expected(run, values, tmp_path), atol=1e-5)
    model = open_trained(run).model
    assert np.allclose(logits, model.logits(torch.from_numpy(values)).numpy(), atol=1e-4)
    stated = metadata_of(tmp_path / "out", form)
    spec = InputSpec.from_json(json.loads(stated["tare.spec"]))
    assert (spec.affine().scale, spec.affine().shift) == ((1.0,) * 3, (0.0,) * 3)
    assert (spec.require("layout"), spec.require("raw_dtype"), spec.require("dtype")) == ("NC", "float64", "float64")
    assert InputSpec.from_json(json.loads(stated["tare.model_spec"])).require("mean") == (0.0, 0.3, 0.0)
    if form == "onnx":
        assert json.loads(stated["tare.columns"]) == list(COLUMNS)
        assert tare.read_spec(f"onnx:{tmp_path / 'out'}").require("channels") == "size,weight,colour"


def test_integers_go_in_as_they_are_stored(tmp_path: Path) -> None:
    run = tiny_number_run(tmp_path, SignalGeometry(LENGTH, (0.0, 0.3), "int16"))
    export(run, "torchscript", tmp_path / "out")
    values = signals(3, LENGTH, "int16")
    probabilities, _ = answers(tmp_path / "out", "torchscript", torch.from_numpy(values))
    assert np.allclose(probabilities, expected(run, values, tmp_path), atol=1e-5)


def test_a_network_of_ones_own_is_exported_with_its_factory(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(FACTORY)
    factory = f"{tmp_path / 'nets.py'}:net"
    run = tiny_number_run(tmp_path, SignalGeometry(LENGTH, (0.0, 0.3)), reference=factory)
    export(run, "torchscript", tmp_path / "out", factory=factory)
    values = signals(2, LENGTH)
    probabilities, _ = answers(tmp_path / "out", "torchscript", torch.from_numpy(values))
    assert np.allclose(probabilities, expected(run, values, tmp_path, factory), atol=1e-5)


def test_a_folder_of_weights_has_a_card_and_loads_again(tmp_path: Path) -> None:
    run = tiny_number_run(tmp_path, RowGeometry(COLUMNS))
    made = export(run, "safetensors", tmp_path / "out")
    assert (made.takes, made.dtype) == ("rows", "float64")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| weight | 0.3 | 0.5 |" in card
    assert "A raw value v (float64) reaches the network as (v - mean) / std." in card
    assert "pipeline_tag: tabular-classification" in card
    assert 'tare.load_model("DIR")' in card
    assert tare.load_model(tmp_path / "out").takes == RowGeometry(COLUMNS)
    assert tare.read_spec(tmp_path / "out" / "model.safetensors").require("layout") == "NC"


def test_a_card_of_signals_says_how_long_they_are_and_at_which_rate(tmp_path: Path) -> None:
    run = tiny_number_run(tmp_path, SignalGeometry(LENGTH, (0.0, 0.3), "uint8", rate=8000))
    export(run, "safetensors", tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "A raw value v (uint8) reaches the network as (v / 255 - mean) / std." in card
    assert "Signals of 40 steps" in card
    assert "They have 8000 Hz, as in training" in card
    assert "pipeline_tag" not in card


@pytest.mark.parametrize("form", ["hf", "timm"])
def test_what_libraries_of_images_cannot_describe_is_refused(tmp_path: Path, form: ExportFormat) -> None:
    run = tiny_number_run(tmp_path, RowGeometry(COLUMNS))
    with pytest.raises(
        ModelError, match=f"since {form} describes only images, found tare:mlp, which takes rows; use --format onnx"
    ):
        export(run, form, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_options_of_images_are_refused(tmp_path: Path) -> None:
    run = tiny_number_run(tmp_path, RowGeometry(COLUMNS))
    with pytest.raises(SpecError, match="--layout for images, found 'NCHW' with rows"):
        export(run, "pt2", tmp_path / "out", layout="NCHW")
    with pytest.raises(SpecError, match="--with-resize for images or signals, found it with rows"):
        export(run, "pt2", tmp_path / "out", with_resize=True)


def test_the_runs_own_recordings_are_compared_wherever_their_labels_are(tmp_path: Path) -> None:
    folder = tmp_path / "tones"
    for label, rate in (("high", 0.9), ("low", 0.2)):
        for index in range(6):
            mono = tone(rate, 30 + 5 * index, index)
            save_wav(folder / f"{label}_{index}.wav", np.stack([mono, mono[::-1]], axis=1))
    settings = {"data": str(folder), "label_pattern": "(high|low)_", "seed": 0}
    run = tiny_number_run(tmp_path, SignalGeometry(LENGTH, (0.0, 0.3)), settings=settings)
    made = export(run, "torchscript", tmp_path / "out", with_resize=True)
    assert made.parity is not None
    assert (made.parity.images, made.parity.real) == ("2 validation signals of the run", True)
    assert made.parity.batches == (1, 2, 5)


def test_named_samples_are_compared_and_those_that_do_not_fit_are_not(tmp_path: Path) -> None:
    run = tiny_number_run(tmp_path, SignalGeometry(LENGTH, (0.0, 0.3)))
    np.save(tmp_path / "mine.npy", signals(4, 60))
    made = export(run, "torchscript", tmp_path / "out", images=[tmp_path / "mine.npy"])
    assert made.parity is not None
    assert made.parity.images == "4 signals that were named"
    other = tones(tmp_path / "mono", train=1, val=1)
    with pytest.raises(
        tare.TareError, match="readable signals among --images, with the channels and dtype of the training data, found none"
    ):
        export(run, "torchscript", tmp_path / "again", images=[other])
    table = save_table(tmp_path / "table.csv")
    with pytest.raises(tare.TareError, match="readable signals among --images, with the channels and dtype of the training data"):
        export(run, "torchscript", tmp_path / "again", images=[table])
