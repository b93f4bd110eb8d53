"""Axes of Keras models: which operation moves places, which one channels, and along which axis constants lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.readers.keras.file import spec_of_model_config
from tare.readers.table import read_spec
from tests.readers.keras.test_file import archive, keras_of_test, layer


def read(model: Any) -> InputSpec:
    return spec_of_model_config(json.loads(model.to_json()), "m.keras", lambda _: None)


def spec_behind(keras: Any, front: Callable[[Any], Any], shape: tuple[int, ...] = (8, 6, 3)) -> InputSpec:
    """What is read of a network that learns behind ``front``."""
    start = keras.Input(shape)
    return read(keras.Model(start, keras.layers.Dense(2)(front(keras.layers.Rescaling(1 / 255)(start)))))


def reason(field: Any) -> str:
    assert isinstance(field, Unknown)
    return field.reason


def sample(*shape: int) -> dict[str, Any]:
    return {"class_name": "InputLayer", "config": {"batch_shape": [None, *shape], "name": "in"}}


#: Operations that turn an image over, by whether its channels are reversed.
TURNED: dict[str, tuple[Callable[[Any, Any], Any], bool]] = {
    "upside down": (lambda _, x: x[:, ::-1], False),
    "mirrored": (lambda _, x: x[:, :, ::-1], False),
    "mirrored from the end": (lambda _, x: x[..., ::-1, :], False),
    "flipped": (lambda keras, x: keras.ops.flip(x, axis=(1, 2)), False),
    "reversed": (lambda _, x: x[..., ::-1], True),
    "reversed from the front": (lambda _, x: x[:, :, :, ::-1], True),
    "all": (lambda _, x: x[:, ::-1, ::-1, ::-1], True),
    "flipped channels": (lambda keras, x: keras.ops.flip(x, axis=[1, 3]), True),
    "reversed and back": (lambda keras, x: keras.ops.flip(x[..., ::-1], axis=-1), False),
}


@pytest.mark.parametrize("name", TURNED)
def test_only_the_last_axis_holds_the_channels_that_are_reversed(name: str) -> None:
    keras = keras_of_test()
    turn, is_reversed = TURNED[name]
    spec = spec_behind(keras, lambda x: turn(keras, x) - np.array([0.1, 0.2, 0.3], "float32"))
    assert spec.require("channels") == ("BGR" if is_reversed else "RGB")
    assert spec.require("mean") == pytest.approx((0.1, 0.2, 0.3))


@pytest.mark.parametrize(
    ("front", "said"),
    [
        (lambda _, x: x[:, 0], "takes a part of its input"),
        (lambda _, x: x[:, :, 0:1], "takes a part of its input"),
        (lambda keras, x: keras.ops.flip(x, axis=0), "reverses the batch"),
        (lambda _, x: x[..., 0][..., 0], "takes a part of its input"),
        (lambda keras, x: keras.layers.Concatenate()([x[..., 2], x[..., 1], x[..., 0]]), "joins two tensors"),
        (lambda keras, x: keras.ops.flip(x), "reverses all axes"),
        (lambda keras, x: keras.layers.Permute((3, 1, 2))(x)[..., ::-1] - np.ones(6, "float32"), "constants along axis -1"),
        (lambda keras, x: keras.layers.Flatten()(x)[..., ::-1], "gives its input other axes"),
        (lambda keras, x: keras.ops.stack([x, x], axis=0), "joins tensors along the batch"),
        (
            lambda keras, x: keras.layers.MaxPooling2D(2, data_format="channels_first")(x),
            "takes axis -3 for that of the channels",
        ),
        (lambda keras, x: keras.ops.cast(x, "uint8"), "rounds values to uint8"),
        (lambda _, x: x[..., :1], "takes 1 of the input's 3 channels"),
        (lambda keras, x: keras.layers.Concatenate()([x[..., 1:2], x[..., :1]]), "takes 2 of the input's 3 channels"),
    ],
)
def test_what_is_neither_of_places_nor_of_all_channels_is_unknown(front: Callable[[Any, Any], Any], said: str) -> None:
    keras = keras_of_test()
    assert said in reason(spec_behind(keras, lambda x: front(keras, x)).mean)


@pytest.mark.parametrize("shape", [(3, 3), (50, 2), (5, 3), (3, 3, 3)])
def test_constants_along_another_axis_are_none_of_channels(shape: tuple[int, ...], tmp_path: Path) -> None:
    steps = layer("Normalization", mean=[1.0 + n for n in range(shape[0])], variance=[1.0] * shape[0], axis=[1])
    spec = read_spec(archive(tmp_path / "m.keras", sample(*shape), steps, layer("Dense")))
    for each in (spec.scale, spec.mean, spec.std):
        assert "has constants along axis 1, and the channels lie along axis -1" in reason(each)


def test_an_axis_counted_from_the_front_needs_the_number_of_axes(tmp_path: Path) -> None:
    each = layer("Normalization", mean=[0.1, 0.2, 0.3], variance=[1.0] * 3, axis=[3])
    known = read_spec(archive(tmp_path / "m.keras", sample(8, 6, 3), each, layer("Dense")))
    assert known.require("mean") == pytest.approx((0.1, 0.2, 0.3))
    unknown = read_spec(archive(tmp_path / "m.keras", each, layer("Dense")))
    assert "constants along axis 3, and the model does not say how many axes its input has" in reason(unknown.mean)
    one = layer("Normalization", mean=0.5, variance=1.0, axis=[1, 2])
    assert read_spec(archive(tmp_path / "m.keras", sample(8, 6, 3), one, layer("Dense"))).require("mean") == (0.5, 0.5, 0.5)


def test_channels_that_permute_moves_keep_their_constants(tmp_path: Path) -> None:
    moves, each = layer("Permute", dims=[3, 1, 2]), layer("Normalization", mean=[0.1, 0.2, 0.3], variance=[1.0] * 3, axis=1)
    spec = read_spec(archive(tmp_path / "m.keras", sample(8, 6, 3), moves, each, layer("Dense")))
    assert spec.require("mean") == pytest.approx((0.1, 0.2, 0.3))


def test_channels_in_front_have_constants_and_no_size_is_taken_from_them(tmp_path: Path) -> None:
    each = layer("Normalization", mean=[0.1, 0.2, 0.3], variance=[1.0] * 3, axis=1)
    spec = read_spec(archive(tmp_path / "m.keras", sample(3, 8, 6), each, layer("Dense")))
    assert spec.require("mean") == pytest.approx((0.1, 0.2, 0.3))
    for field in (spec.size, spec.layout):
        assert "does not say which axis holds the channels" in reason(field)


@pytest.mark.parametrize("shape", [(50, 3), (3,), (1,), (8, 8, 8, 1)])
def test_rows_signals_and_volumes_are_no_images(shape: tuple[int, ...], tmp_path: Path) -> None:
    spec = read_spec(archive(tmp_path / "m.keras", sample(*shape), layer("Rescaling", scale=0.5), layer("Dense")))
    assert spec.require("scale") == 0.5
    assert isinstance(spec.layout, Unknown)
    assert isinstance(spec.channels, Unknown)


@pytest.mark.parametrize("kind", ["Average", "Maximum", "Minimum", "Concatenate", "Concatenate of rows"])
def test_a_tensor_joined_with_itself_is_followed(kind: str) -> None:
    keras = keras_of_test()
    joins = keras.layers.Concatenate(axis=1) if " " in kind else getattr(keras.layers, kind)()
    spec = spec_behind(keras, lambda x: keras.layers.Rescaling(2.0, offset=-1.0)(joins([x, x])))
    assert (spec.require("mean"), spec.require("std")) == (pytest.approx((0.5,) * 3), pytest.approx((0.5,) * 3))
    doubled = spec_behind(keras, lambda x: joins([x, x]) * np.linspace(1.0, 2.0, 6, dtype="float32")[: joins([x, x]).shape[-1]])
    assert isinstance(doubled.mean, Known) == (kind != "Concatenate")


def test_constants_of_channels_in_an_order_without_a_name_are_unknown() -> None:
    keras = keras_of_test()
    alike = spec_behind(keras, lambda x: x[..., ::-1] - 0.5, (4,))
    assert "puts channels in the order (3, 2, 1, 0)" in reason(alike.channels)
    assert alike.require("mean") == pytest.approx((0.5,) * 4)
    each = spec_behind(keras, lambda x: x[..., ::-1] - np.array([0.1, 0.2, 0.3, 0.4], "float32"), (4,))
    assert "puts channels in the order (3, 2, 1, 0)" in reason(each.mean)


@pytest.mark.parametrize("value", [[1.0, 2.0, 4.0], [[[[1.0, 2.0, 4.0]]]]])
def test_arrays_of_numpy_are_read_as_keras_saves_them(value: Any, tmp_path: Path) -> None:
    stored = {"class_name": "__numpy__", "config": {"value": value, "dtype": "float64"}}
    spec = read_spec(archive(tmp_path / "m.keras", sample(8, 6, 3), layer("Rescaling", scale=stored), layer("Dense")))
    assert spec.require("std") == (1.0, 0.5, 0.25)


def test_an_array_of_places_is_unknown_and_no_error(tmp_path: Path) -> None:
    stored = {"class_name": "__numpy__", "config": {"value": [[1.0], [2.0], [4.0]], "dtype": "float64"}}
    spec = read_spec(archive(tmp_path / "m.keras", sample(8, 3, 3), layer("Rescaling", scale=stored), layer("Dense")))
    assert "constants along several axes, or along another than the last" in reason(spec.mean)
