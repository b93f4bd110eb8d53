"""Keras models of several inputs, outputs and calls: each tensor is its own value."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tare.errors import SpecError
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.readers.keras.file import spec_of_model_config
from tests.readers.keras.test_axes import read, reason, sample
from tests.readers.keras.test_file import keras_of_test, layer

UNLIKE = "as different values"


def two_inside(keras: Any, first: Any, second: Any, *, named: bool = False) -> Any:
    """The outputs of a model of two inputs, with a layer that learns behind each. The names do not sort as the inputs do."""
    inputs = [keras.Input((8, 6, 3), name=name) for name in ("zed", "arm")]
    made = [keras.layers.Conv2D(2, 3)(each) for each in inputs]
    model = keras.Model(dict(zip(("zed", "arm"), inputs, strict=True)) if named else inputs, made)
    return model({"zed": first, "arm": second} if named else [first, second])


@pytest.mark.parametrize("named", [False, True])
def test_each_input_of_a_model_inside_gets_its_own_value(named: bool) -> None:
    keras = keras_of_test()
    start = keras.Input((8, 6, 3))
    scaled, other = keras.layers.Rescaling(1 / 255)(start), keras.layers.Rescaling(1 / 127.5, -1)(start)
    assert UNLIKE in reason(read(keras.Model(start, two_inside(keras, scaled, other, named=named))).mean)
    assert read(keras.Model(start, two_inside(keras, scaled, scaled, named=named))).require("scale") == 1 / 255


@pytest.mark.parametrize(("names", "part", "scale"), [("zx", 0, 2.0), ("zx", 1, 3.0), ("xz", 0, 2.0), ("", 0, 2.0), ("", 1, 3.0)])
def test_each_output_of_a_model_inside_is_its_own_value(names: str, part: int, scale: float) -> None:
    keras = keras_of_test()
    start, inside = keras.Input((8, 6, 3)), keras.Input((8, 6, 3))
    made = [keras.layers.Rescaling(2.0)(inside), keras.layers.Rescaling(3.0)(inside)]
    outputs = keras.Model(inside, dict(zip(names, made, strict=True)) if names else made)(start)
    chosen = outputs[names[part]] if names else outputs[part]
    assert read(keras.Model(start, keras.layers.Dense(2)(chosen))).require("scale") == scale
    assert read(keras.Model(start, chosen)).require("scale") == scale


def test_a_layer_of_several_inputs_notes_each() -> None:
    keras = keras_of_test()
    start = keras.Input((8, 3))
    attends = keras.layers.MultiHeadAttention(1, 2)
    unlike = read(keras.Model(start, attends(query=start, value=keras.layers.Rescaling(0.5)(start))))
    assert UNLIKE in reason(unlike.mean)


def test_a_layer_called_again_behind_a_later_one_is_followed() -> None:
    keras = keras_of_test()
    start, shared = keras.Input((8, 6, 3)), keras.layers.Rescaling(2.0)
    model = keras.Model(start, keras.layers.Dense(2)(shared(keras.layers.Rescaling(0.5, offset=1.0)(shared(start)))))
    assert read(model).require("mean") == pytest.approx((-2.0,) * 3)


@pytest.mark.parametrize("kind", ["Pipeline", "Sequential"])
def test_layers_held_by_another_are_entered(kind: str) -> None:
    keras = keras_of_test()
    parts = [keras.layers.Rescaling(1 / 255), keras.layers.RandomFlip()]
    start = keras.Input((8, 6, 3))
    made = (keras.layers.Pipeline if kind == "Pipeline" else keras.Sequential)(parts)(start)
    assert read(keras.Model(start, keras.layers.Dense(2)(made))).require("scale") == 1 / 255


def functional(*layers: dict[str, Any], **config: Any) -> dict[str, Any]:
    return {"class_name": "Functional", "config": {"layers": list(layers), **config}}


def called(kind: str, name: str, before: str, number: int = 0, **config: Any) -> dict[str, Any]:
    """A layer as Keras 2 stored it."""
    return {"class_name": kind, "name": name, "config": config, "inbound_nodes": [[[before, number, 0, {}]]]}


def spec_of(document: dict[str, Any]) -> InputSpec:
    return spec_of_model_config(document, "m.keras", lambda _: None)


def test_keras_2_counts_the_calls_of_models_from_1() -> None:
    inner = functional(sample(8, 6, 3), called("Rescaling", "r", "in", scale=0.5), output_layers=[["r", 0, 0]])["config"]
    model = functional(sample(8, 6, 3), called("Functional", "inner", "in", **inner), called("Dense", "d", "inner", 1))
    assert spec_of(model).require("scale") == 0.5
    twice = called("Sequential", "inner", "in", layers=[layer("Rescaling", scale=0.5)]) | {
        "inbound_nodes": [[["in", 0, 0, {}]]] * 3
    }
    assert "takes a tensor that no layer makes" in reason(
        spec_of(functional(sample(8, 6, 3), twice, called("Dense", "d", "inner", 1))).mean
    )


def test_a_tensor_that_no_layer_makes_is_unknown_and_a_circle_refused() -> None:
    lost = functional(sample(8, 6, 3), called("Rescaling", "r", "in", scale=0.5), called("Dense", "d", "elsewhere"))
    assert "layer 'd' takes a tensor that no layer makes" in reason(spec_of(lost).mean)
    circle = functional(sample(8, 6, 3), called("Rescaling", "a", "b", scale=0.5), called("Rescaling", "b", "a", scale=0.5))
    with pytest.raises(SpecError, match="layers without a circle"):
        spec_of(circle)


def test_inputs_that_are_not_told_apart_are_unknown() -> None:
    inner = functional(sample(8, 6, 3), called("Dense", "inside", "in"))["config"]
    two = called("Functional", "inner", "in", **inner) | {"inbound_nodes": [[["in", 0, 0, {}], ["in", 0, 0, {}]]]}
    assert "takes 2 tensors, and it is not said to which" in reason(spec_of(functional(sample(8, 6, 3), two)).mean)


def test_adapted_layers_in_a_pipeline_are_unknown(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as file:
        parts = {"layers": [layer("Normalization", mean=None, variance=None)], "name": "p"}
        document = {"config": {"layers": [sample(8, 6, 3), {"class_name": "Pipeline", "config": parts}, layer("Dense")]}}
        file.writestr("config.json", json.dumps(document))
    spec = spec_of(document)
    assert not isinstance(spec.mean, Known)
    assert isinstance(spec.std, Unknown)
