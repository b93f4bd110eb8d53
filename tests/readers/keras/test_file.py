"""Keras archives, made by hand (no keras needed) and by keras itself."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tare.errors import SpecError
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.readers.table import read_spec
from tests.readers.extra import needs_keras

INPUT = {"class_name": "InputLayer", "config": {"batch_shape": [None, 8, 6, 3], "name": "in"}}
NOTHING = "no Rescaling or Normalization at its front, and nothing says how its input is prepared"
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


def keras_of_test() -> Any:
    needs_keras()
    from tare.readers.keras.applications import keras_library

    return keras_library()


def saved_and_fed(keras: Any, front: Callable[[Any], Any], path: Path, *, inside: bool = True) -> tuple[InputSpec, Any, Any]:
    """Save a network behind ``front``; what is read, an image, and what Keras's own front makes of the image."""
    start = keras.Input((8, 6, 3))
    prepared = front(start)
    head = keras.layers.Conv2D(2, 3)(prepared)
    keras.Model(start, head).save(path)
    image = np.random.default_rng(0).integers(0, 256, (1, 8, 6, 3)).astype("float32")
    theirs = keras.ops.convert_to_numpy(keras.Model(start, prepared)(image, training=False)) if inside else None
    return read_spec(path), image.astype(np.float64), theirs


def fronts() -> dict[str, Callable[[Any, Any], Any]]:
    """Fronts by name, as functions of keras and the input."""
    return {
        "mode tf": lambda keras, x: keras.applications.mobilenet_v2.preprocess_input(x),
        "mode caffe": lambda keras, x: keras.applications.resnet50.preprocess_input(x),
        "mode torch": lambda keras, x: keras.applications.densenet.preprocess_input(x),
        "arithmetic": lambda keras, x: (x / 255.0 - 0.5) / keras.ops.array([0.2, 0.3, 0.4]),
        "constant first": lambda keras, x: 2.0 * (0.5 + keras.ops.multiply(x, 1 / 255)),
        "inverted twice": lambda _, x: -(1.0 - x / 255.0),
        "reversed": lambda keras, x: x[..., ::-1] - keras.ops.array([103.939, 116.779, 123.68]),
        "flipped back": lambda keras, x: keras.ops.flip(keras.ops.flip(x, axis=-1) / keras.ops.array([1.0, 2.0, 3.0]), axis=-1),
        "cast": lambda keras, x: keras.ops.cast(x, "float32") / 255,
        "augmented": lambda keras, x: keras.layers.Rescaling(1 / 127.5, -1)(
            keras.layers.RandomZoom(0.2)(keras.layers.RandomRotation(0.1)(keras.layers.RandomFlip()(x)))
        ),
        "photometric": lambda keras, x: keras.layers.RandomContrast(0.5)(
            keras.layers.Rescaling(1 / 255)(keras.layers.Dropout(0.5)(x))
        ),
        "augmenting model": lambda keras, x: keras.layers.Rescaling(1 / 255)(
            keras.Sequential([keras.layers.RandomFlip(), keras.layers.RandomTranslation(0.1, 0.1)])(x)
        ),
        "twice": lambda keras, x: keras.layers.Rescaling(1 / 127.5, -1)(keras.layers.Rescaling(1 / 127.5, -1)(x)),
        "preparing model": lambda keras, x: keras.Sequential(
            [keras.layers.Rescaling(1 / 255), keras.layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[4.0, 1.0, 0.25])]
        )(x),
    }


@pytest.mark.parametrize("name", fronts())
def test_a_front_is_read_as_keras_computes_it(tmp_path: Path, name: str) -> None:
    keras = keras_of_test()
    torch_can = name != "reversed"  # torch has no negative steps
    spec, image, theirs = saved_and_fed(keras, lambda x: fronts()[name](keras, x), tmp_path / "m.keras", inside=torch_can)
    theirs = theirs if torch_can else image[..., ::-1] - np.array([103.939, 116.779, 123.68])
    np.testing.assert_allclose(spec.affine().apply(image), theirs, rtol=1e-5, atol=1e-5)
    assert spec.require("channels") == ("BGR" if name in ("mode caffe", "reversed") else "RGB")
    assert spec.extra["inside"].startswith("the model applies scale, mean and std itself")
    assert ("divides twice" in spec.extra["inside"]) == (name == "twice")


def test_a_model_inside_that_rescales_too_divides_twice(tmp_path: Path) -> None:
    keras = keras_of_test()
    inside = keras.Input((8, 6, 3))
    adapted = keras.layers.Normalization()
    adapted.adapt(np.random.default_rng(0).uniform(0, 1, (5, 8, 6, 3)).astype("float32"))
    inner = keras.Model(inside, keras.layers.Conv2D(2, 3)(adapted(keras.layers.Rescaling(1 / 255)(inside))), name="inner")
    start = keras.Input((8, 6, 3))
    keras.Model(start, inner(keras.layers.Rescaling(1 / 255)(start))).save(tmp_path / "m.keras")
    spec = read_spec(tmp_path / "m.keras")
    image = np.random.default_rng(1).integers(0, 256, (1, 8, 6, 3)).astype("float32")
    theirs = keras.ops.convert_to_numpy(adapted(image / 255 / 255))
    np.testing.assert_allclose(spec.affine().apply(image.astype(np.float64)), theirs, rtol=1e-5, atol=1e-5)
    said = "it divides twice: by 255 in layer 'rescaling"
    assert said in spec.extra["inside"]
    assert "by 255 in layer 'inner/rescaling" in spec.extra["inside"]
    assert said in spec.describe()


@pytest.mark.parametrize(
    ("front", "reason"),
    [
        (lambda keras, x: keras.ops.sqrt(x), "is Sqrt, which is not read"),
        (lambda keras, x: keras.ops.log1p(x / 255), "is Log1p, which is not read"),
        (lambda keras, x: keras.ops.clip(x, 0, 100), "is Clip, which is not read"),
        (lambda _, x: 1.0 / (x + 1.0), "divides by its input"),
        (lambda _, x: x + x, "joins two tensors that are made from the input"),
        (lambda _, x: x[..., :2], "takes a part of its input"),
        (lambda _, x: x[:, ::2], "takes a part of its input"),
        (lambda _, x: 1.0 - x / 255, "a channel is inverted, which no mean and std can state"),
        (lambda keras, x: x - keras.ops.ones((8, 6, 3)), "a constant that is not one number per channel"),
        (lambda keras, x: keras.layers.Lambda(lambda v: v / 255, output_shape=(8, 6, 3))(x), "runs code, which is not read"),
    ],
)
def test_what_is_no_scale_and_shift_is_unknown(tmp_path: Path, front: Callable[[Any, Any], Any], reason: str) -> None:
    keras = keras_of_test()
    spec, _, _ = saved_and_fed(keras, lambda x: front(keras, x), tmp_path / "m.keras", inside=False)
    for each in (spec.scale, spec.mean, spec.std):
        assert isinstance(each, Unknown)
        assert reason in each.reason


def test_branches_that_differ_prepare_no_single_input(tmp_path: Path) -> None:
    keras = keras_of_test()
    start = keras.Input((8, 6, 3))
    parts = [keras.layers.Conv2D(2, 3)(keras.layers.Rescaling(1 / 255)(start)), keras.layers.Conv2D(2, 3)(start)]
    keras.Model(start, keras.layers.Concatenate()(parts)).save(tmp_path / "m.keras")
    scale = read_spec(tmp_path / "m.keras").scale
    assert isinstance(scale, Unknown)
    assert "as different values" in scale.reason


def test_the_image_is_the_input_among_several(tmp_path: Path) -> None:
    keras = keras_of_test()
    row, image = keras.Input((4,)), keras.Input((8, 6, 3))
    seen = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 3)(keras.layers.Rescaling(1 / 255)(image)))
    keras.Model([row, image], keras.layers.Concatenate()([keras.layers.Dense(2)(row), seen])).save(tmp_path / "m.keras")
    spec = read_spec(tmp_path / "m.keras")
    assert (spec.require("scale"), spec.require("size")) == (pytest.approx(1 / 255), (8, 6))


def test_operations_as_keras_2_stored_them_are_read(tmp_path: Path) -> None:
    def call(kind: str, name: str, before: str, keywords: dict[str, Any], **config: Any) -> dict[str, Any]:
        return {"class_name": kind, "name": name, "config": config, "inbound_nodes": [[[before, 0, 0, keywords]]]}

    layers = [
        {**INPUT, "name": "in", "inbound_nodes": []},
        call("TFOpLambda", "divide", "in", {"y": 127.5}, function="math.truediv"),
        call("TFOpLambda", "minus", "divide", {"y": 1.0, "name": None}, function="math.subtract"),
        call("Conv2D", "conv", "minus", {}),
    ]
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", json.dumps({"class_name": "Functional", "config": {"layers": layers}}))
    assert inputs(read_spec(path)) == [pytest.approx((-1.0, 1.0))] * 3


@pytest.mark.parametrize(
    "nodes",
    [
        3,
        [3],
        [[[]]],
        [{"args": 3}],
        [{"args": [{"config": {"keras_history": "x"}}]}],
        [[["in"]]],
        [[["in", {}, 0]]],
        [{"kwargs": []}],
    ],
)
def test_hostile_nodes_are_no_front_or_that_of_their_place(tmp_path: Path, nodes: Any) -> None:
    bad = {**layer("Rescaling", scale=1 / 255), "inbound_nodes": nodes}
    spec = read_spec(archive(tmp_path / "m.keras", INPUT, bad, CONV))
    assert spec.scale == Unknown(f"{tmp_path / 'm.keras'}: {NOTHING}") or spec.require("scale") == 1 / 255


def test_a_branch_at_the_input_prepares_no_single_input(tmp_path: Path) -> None:
    needs_keras()
    from tare.readers.keras.applications import keras_library

    keras = keras_library()
    start = keras.Input((8, 6, 3))
    branches = [keras.layers.Rescaling(1 / 255)(start), keras.layers.Rescaling(1 / 127.5, -1)(start)]
    keras.Model(start, keras.layers.Concatenate()(branches)).save(tmp_path / "m.keras")
    spec = read_spec(tmp_path / "m.keras")
    assert not isinstance(spec.scale, Known) or spec.scale.value == 1 / 255
