"""Keras archives, made by hand (no keras needed) and by keras itself."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tare.errors import SpecError
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.readers.table import read_spec
from tests.readers.extra import needs_keras

INPUT = {"class_name": "InputLayer", "config": {"batch_shape": [None, 8, 6, 3], "name": "in"}}
CONV = {"class_name": "Conv2D", "config": {"name": "conv"}}


def layer(kind: str, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": kind.lower(), **config}}


def archive(path: Path, *layers: dict[str, Any]) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", json.dumps({"class_name": "Sequential", "config": {"layers": list(layers)}}))
    return path


def inputs(spec: InputSpec) -> list[tuple[float, float]]:
    affine = spec.affine()
    return [(b, 255 * a + b) for a, b in zip(affine.scale, affine.shift, strict=True)]


def test_rescaling_and_normalization_at_the_front_are_composed(tmp_path: Path) -> None:
    normalise = layer("Normalization", mean=[0.1, 0.2, 0.3], variance=[0.25, 0.04, 0.01], axis=[-1])
    spec = read_spec(archive(tmp_path / "m.keras", INPUT, layer("Rescaling", scale=1 / 127.5, offset=-1), normalise, CONV))
    assert inputs(spec) == [
        pytest.approx(((-1 - m) / s, (1 - m) / s)) for m, s in zip((0.1, 0.2, 0.3), (0.5, 0.2, 0.1), strict=True)
    ]
    assert (spec.require("size"), spec.require("layout"), spec.require("channels")) == ((8, 6), "NHWC", "RGB")
    assert "inside" in spec.extra
    assert isinstance(spec.mean, Known)
    assert "Rescaling, Normalization inside the model" in spec.mean.origin


def test_layers_behind_the_first_other_one_prepare_nothing(tmp_path: Path) -> None:
    spec = read_spec(archive(tmp_path / "m.keras", INPUT, CONV, layer("Rescaling", scale=1 / 255)))
    assert isinstance(spec.mean, Unknown)
    assert "no Rescaling or Normalization at its front" in spec.mean.reason
    assert "inside" not in spec.extra


def test_one_scale_a_channel_is_read(tmp_path: Path) -> None:
    spec = read_spec(archive(tmp_path / "m.keras", INPUT, layer("Rescaling", scale=[1.0, 2.0, 3.0], offset=0.5), CONV))
    assert inputs(spec) == [pytest.approx((0.5, 255.5)), pytest.approx((0.5, 510.5)), pytest.approx((0.5, 765.5))]


def test_adapted_layers_without_weights_are_unknown(tmp_path: Path) -> None:
    spec = read_spec(archive(tmp_path / "m.keras", INPUT, layer("Normalization", mean=None, variance=None), CONV))
    assert isinstance(spec.std, Unknown)
    assert "its mean and variance are weights, which cannot be read here" in spec.std.reason


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (layer("Rescaling", scale="big"), "expected numbers .*scale"),
        (layer("Rescaling", scale=0), "a scale other than 0"),
        (layer("Rescaling", scale=float("nan")), "not a finite number"),
        (layer("Normalization", mean=[0.0], variance=[0.0]), "a positive variance"),
        (layer("Normalization", mean=[0.0, 0.1], variance=[1.0, 1.0]), "one number, or 3"),
        ({"class_name": 3, "config": {}}, "a class and a configuration for each Keras layer"),
        ("layer", "a class and a configuration for each Keras layer"),
    ],
)
def test_a_malformed_layer_is_one_line(tmp_path: Path, bad: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        read_spec(archive(tmp_path / "m.keras", INPUT, bad, CONV))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "expected a readable .keras archive"),
        ("[" * 200_000, "expected a readable .keras archive"),
        ("3", "expected a Keras model with a list of layers"),
        ('{"config": {"layers": 3}}', "expected a Keras model with a list of layers"),
    ],
)
def test_a_hostile_configuration_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", text)
    with pytest.raises(SpecError, match=message) as caught:
        read_spec(path)
    assert "\n" not in str(caught.value)


def test_an_archive_that_would_swell_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", b" " * ((1 << 26) + 1))
    with pytest.raises(SpecError, match=r"expected a config\.json of at most"):
        read_spec(path)


def test_a_file_that_is_no_archive_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "m.keras").write_bytes(b"\x89HDF")
    with pytest.raises(SpecError, match=r"expected a readable \.keras archive"):
        read_spec(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "n.keras", "w") as file:
        file.writestr("other", "")
    with pytest.raises(SpecError, match=r"expected a \.keras archive with a config\.json"):
        read_spec(tmp_path / "n.keras")


def test_what_keras_saves_is_what_keras_computes(tmp_path: Path) -> None:
    needs_keras()
    from tare.readers.keras.applications import keras_library

    keras = keras_library()
    rng = np.random.default_rng(0)
    adapted = keras.layers.Normalization(name="mine")
    adapted.adapt(rng.uniform(0, 1, (5, 8, 6, 3)).astype("float32"))
    front = [keras.layers.Rescaling(1 / 255), keras.layers.Normalization(mean=[0.1] * 3, variance=[4.0] * 3), adapted]
    start = keras.Input((8, 6, 3))
    values = start
    for part in front:
        values = part(values)
    keras.Model(start, keras.layers.Conv2D(2, 3)(values)).save(tmp_path / "m.keras")
    image = rng.integers(0, 256, (1, 8, 6, 3)).astype("float32")
    theirs = keras.ops.convert_to_numpy(keras.Model(start, values)(image))
    ours = read_spec(tmp_path / "m.keras").affine().apply(image.astype(np.float64))
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_a_branch_at_the_input_prepares_no_single_input(tmp_path: Path) -> None:
    needs_keras()
    from tare.readers.keras.applications import keras_library

    keras = keras_library()
    start = keras.Input((8, 6, 3))
    branches = [keras.layers.Rescaling(1 / 255)(start), keras.layers.Rescaling(1 / 127.5, -1)(start)]
    keras.Model(start, keras.layers.Concatenate()(branches)).save(tmp_path / "m.keras")
    spec = read_spec(tmp_path / "m.keras")
    assert not isinstance(spec.scale, Known) or spec.scale.value == 1 / 255
