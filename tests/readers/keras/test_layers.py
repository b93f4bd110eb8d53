"""Layers between a Rescaling and a Normalization, against what Keras itself makes of images of one colour."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tare.input_spec.spec import Unknown
from tare.readers.table import read_spec
from tests.readers.keras.test_file import archive, keras_of_test, layer

COLOUR = np.array([200.0, 100.0, 10.0])

#: Layers without weights that move or average places, as functions of Keras's layers.
ALIKE: dict[str, Callable[[Any], Any]] = {
    "AveragePooling2D": lambda layers: layers.AveragePooling2D(2),
    "MaxPooling2D": lambda layers: layers.MaxPooling2D(2),
    "GlobalAveragePooling2D": lambda layers: layers.GlobalAveragePooling2D(),
    "UpSampling2D": lambda layers: layers.UpSampling2D(2, interpolation="bilinear"),
    "Reshape": lambda layers: layers.Reshape((6, 8, 3)),
    "Permute": lambda layers: layers.Permute((2, 1, 3)),
    "Activation": lambda layers: layers.Activation("linear"),
    "TimeDistributed": lambda layers: layers.TimeDistributed(layers.AveragePooling1D(2)),
}


def normalisation(layers: Any) -> Any:
    return layers.Normalization(mean=[0.485, 0.456, 0.406], variance=[0.05, 0.04, 0.06])


def saved(keras: Any, front: Callable[[Any], Any], path: Path) -> Any:
    """Save a network that learns behind ``front``, and return what the front makes of the colour."""
    start = keras.Input((8, 6, 3))
    prepared = front(start)
    flat = keras.layers.Flatten()(prepared) if len(prepared.shape) > 2 else prepared
    keras.Model(start, keras.layers.Dense(2)(flat)).save(path)
    fed = np.broadcast_to(COLOUR, (1, 8, 6, 3)).astype("float32")
    return keras.ops.convert_to_numpy(keras.Model(start, prepared)(fed, training=False))


@pytest.mark.parametrize("name", ALIKE)
def test_a_normalization_behind_layers_that_do_not_learn_is_read(name: str, tmp_path: Path) -> None:
    keras = keras_of_test()
    layers = keras.layers
    made = saved(keras, lambda x: normalisation(layers)(ALIKE[name](layers)(layers.Rescaling(1 / 255)(x))), tmp_path / "m.keras")
    expected = made.reshape(-1, 3)[0]
    np.testing.assert_allclose(read_spec(tmp_path / "m.keras").affine().apply(COLOUR[None, None])[0, 0], expected, rtol=1e-4)


def test_a_flat_image_is_rescaled_and_normalised_by_single_numbers(tmp_path: Path) -> None:
    keras = keras_of_test()
    layers = keras.layers
    made = saved(
        keras,
        lambda x: layers.Normalization(mean=0.5, variance=0.04)(layers.Flatten()(layers.Rescaling(1 / 255)(x))),
        tmp_path / "m.keras",
    )
    np.testing.assert_allclose(read_spec(tmp_path / "m.keras").affine().apply(COLOUR[None, None])[0, 0], made[0, :3], rtol=1e-4)


BENDING: dict[str, Callable[[Any, Any], Any]] = {
    "ReLU": lambda layers, x: layers.ReLU(max_value=0.3)(x),
    "UnitNormalization": lambda layers, x: layers.UnitNormalization()(x),
    "Activation": lambda layers, x: layers.Activation("tanh")(x),
    "Average": lambda layers, x: layers.Average()([x, layers.Rescaling(2.0)(x)]),
}


@pytest.mark.parametrize("name", BENDING)
def test_what_layers_bend_or_join_is_unknown(name: str, tmp_path: Path) -> None:
    keras = keras_of_test()
    layers = keras.layers
    saved(keras, lambda x: BENDING[name](layers, layers.Rescaling(1 / 255)(x)), tmp_path / "m.keras")
    spec = read_spec(tmp_path / "m.keras")
    for each in (spec.scale, spec.mean, spec.std):
        assert isinstance(each, Unknown)
        assert name in each.reason or "joins two tensors" in each.reason


@pytest.mark.parametrize(
    ("between", "axis", "reason"),
    [
        ([layer("Flatten")], [-1], "a layer before it gives its input other axes"),
        ([layer("Permute", dims=[3, 1, 2])], [-1], "has constants along axis -1, and the channels lie along axis -3"),
        ([layer("Reshape", target_shape=[6, 24])], [-1], "a layer before it gives its input other axes"),
        ([], [1, 2, 3], r"normalises each place by constants of its own (axis=[1, 2, 3])"),
    ],
)
def test_constants_that_are_not_of_channels_are_unknown(between: Any, axis: Any, reason: str, tmp_path: Path) -> None:
    start = {"class_name": "InputLayer", "config": {"batch_shape": [None, 8, 6, 3], "name": "in"}}
    each = layer("Normalization", mean=[0.5] * 144, variance=[0.1] * 144, axis=axis)
    spec = read_spec(archive(tmp_path / "m.keras", start, *between, each, layer("Dense")))
    assert isinstance(spec.mean, Unknown)
    assert reason in spec.mean.reason


def test_hostile_settings_of_layers_that_move_are_no_traceback(tmp_path: Path) -> None:
    odd: list[dict[str, Any]] = [{"target_shape": "x"}, {"target_shape": []}, {"dims": {"a": 1}}, {"target_shape": [None]}]
    for number, config in enumerate(odd):
        path = tmp_path / f"{number}.keras"
        with zipfile.ZipFile(path, "w") as file:
            layers = [layer("Rescaling", scale=1 / 255), layer("Reshape", **config), layer("Dense")]
            file.writestr("config.json", json.dumps({"class_name": "Sequential", "config": {"layers": layers}}))
        assert read_spec(path).require("scale") == pytest.approx(1 / 255)
