"""Layers of a user's own in Keras files: their names say nothing, whatever they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tare.input_spec.spec import InputSpec
from tare.readers.keras.file import spec_of_model_config
from tare.readers.table import read_spec
from tests.readers.keras.test_axes import reason, sample
from tests.readers.keras.test_file import keras_of_test, layer

NOT_READ = "a class that is not Keras's, whose code is not read"
OWN = {"module": None, "registered_name": "my>Each"}
OTHERS: list[dict[str, Any]] = [OWN, {"module": "my.layers", "registered_name": "Each"}, {"module": "keras_hub.layers"}]


def spec_of(*layers: dict[str, Any]) -> InputSpec:
    return spec_of_model_config({"config": {"layers": [sample(8, 6, 3), *layers]}}, "m.keras", lambda _: None)


@pytest.mark.parametrize("stated", OTHERS)
@pytest.mark.parametrize("kind", ["Dropout", "RandomShift", "Cast", "Rescaling", "Normalization", "Functional", "Add", "Each"])
def test_a_name_of_keras_says_nothing_of_another_class(kind: str, stated: dict[str, Any]) -> None:
    own = layer(kind, scale=0.5, layers=[layer("Rescaling", scale=0.5)]) | stated | {"name": "own"}
    for spec in (spec_of(layer("Rescaling", scale=2.0), own, layer("Dense")), spec_of(own, layer("Dense"))):
        for field in (spec.scale, spec.mean, spec.std):
            assert f"is {kind}, {NOT_READ}" in reason(field)


@pytest.mark.parametrize("stated", [{}, {"module": "keras.layers", "registered_name": None}, {"module": "tf_keras.layers"}])
@pytest.mark.parametrize("kind", ["Dropout", "RandomShift"])
def test_layers_of_keras_are_passed_over(kind: str, stated: dict[str, Any]) -> None:
    again = layer("Rescaling", scale=0.25) | {"name": "again"}
    spec = spec_of(layer("Rescaling", scale=2.0), layer(kind) | stated, again, layer("Dense"))
    assert spec.affine().scale == (0.5,) * 3


def test_a_layer_of_another_class_in_a_wrapper_is_not_read() -> None:
    wrapped = layer("TimeDistributed", layer=layer("Rescaling", scale=0.5) | OWN)
    assert f"is Rescaling, {NOT_READ}" in reason(spec_of(wrapped, layer("Dense")).scale)


def test_a_function_of_another_name_is_not_linear() -> None:
    own = {"module": "builtins", "class_name": "function", "config": "linear", "registered_name": "function"}
    spec = spec_of(layer("Rescaling", scale=2.0), layer("Activation", activation=own), layer("Dense"))
    assert "is Activation" in reason(spec.scale)


def test_random_features_are_no_augmentation() -> None:
    spec = spec_of(layer("RandomFourierFeatures"), layer("Rescaling", scale=2.0), layer("Dense"))
    assert "is RandomFourierFeatures" in reason(spec.scale)


def test_a_layer_of_another_class_with_a_kernel_learns(tmp_path: Path) -> None:
    """One without weights, or with the moments of a Normalization, may prepare the input."""
    pytest.importorskip("h5py")
    keras: Any = keras_of_test()

    class Holding(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner = inner

        def build(self, shape: Any) -> None:
            self.inner.build(shape)

        def call(self, inputs: Any) -> Any:
            return self.inner(inputs)

        def get_config(self) -> dict[str, Any]:
            return {"name": self.name}

    layers = keras.layers
    held = {"learns": layers.Dense(3), "prepares": layers.Normalization(), "nothing": layers.Rescaling(0.5)}
    for name, inner in held.items():
        start = keras.Input((8, 6, 3))
        model = keras.Model(start, layers.Dense(2)(Holding(inner)(layers.Rescaling(1 / 255)(start))))
        model.save(tmp_path / f"{name}.keras")
    assert read_spec(tmp_path / "learns.keras").require("scale") == pytest.approx(1 / 255)
    for name in ("prepares", "nothing"):
        assert f"is Holding, {NOT_READ}" in reason(read_spec(tmp_path / f"{name}.keras").scale)
