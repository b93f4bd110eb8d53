"""The inputs of Keras models: which is meant where there are several, and which axis holds its channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tare.errors import SpecError
from tare.input_spec.spec import Known, Unknown
from tare.readers.table import read_spec
from tests.readers.keras.test_axes import reason
from tests.readers.keras.test_file import archive, keras_of_test, layer

UNTOLD = "does not say which axis holds the channels"


def entry(name: str, *shape: int | None) -> dict[str, Any]:
    return {"class_name": "InputLayer", "name": name, "config": {"batch_shape": [None, *shape], "name": name}}


def behind(kind: str, name: str, before: str, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "name": name, "config": config, "inbound_nodes": [[[before, 0, 0, {}]]]}


def features(path: Path, *means: float) -> Path:
    """A model of one number for each mean, each with a Normalization of its own."""
    parts = [
        part
        for number, mean in enumerate(means)
        for part in (
            entry(f"f{number}", 1),
            behind("Normalization", f"n{number}", f"f{number}", mean=mean, variance=4.0),
            behind("Dense", f"d{number}", f"n{number}"),
        )
    ]
    return archive(path, *parts)


def test_inputs_that_take_different_values_are_refused_with_the_list(tmp_path: Path) -> None:
    path = features(tmp_path / "m.keras", 0.0, 1.0, 2.0)
    with pytest.raises(SpecError, match="different ones at 'f0', 'f1', 'f2'; name one as PATH#PART"):
        read_spec(path)
    chosen = read_spec(f"{path}#f1")
    assert (chosen.require("scale"), chosen.require("mean")) == (0.5, (0.5,))
    assert isinstance(chosen.mean, Known)
    assert "m.keras, input 'f1': Normalization" in chosen.mean.origin
    with pytest.raises(SpecError, match=r"expected the part 'f9' of .*, found 'f0', 'f1', 'f2'; name one as PATH#PART"):
        read_spec(f"{path}#f9")


def test_inputs_that_take_the_same_are_stated_together(tmp_path: Path) -> None:
    stated = read_spec(features(tmp_path / "m.keras", 1.0, 1.0)).mean
    assert isinstance(stated, Known)
    assert "m.keras, inputs 'f0', 'f1': Normalization" in stated.origin


def test_images_that_are_prepared_differently_are_refused_and_chosen(tmp_path: Path) -> None:
    keras = keras_of_test()
    left, right, row = keras.Input((8, 6, 3), name="left"), keras.Input((8, 6, 3), name="right"), keras.Input((4,), name="row")
    layers = keras.layers
    heads = [layers.Dense(2)(layers.Rescaling(1 / 255)(left)), layers.Dense(2)(layers.Rescaling(1 / 127.5, -1)(right))]
    keras.Model([row, left, right], [*heads, layers.Dense(2)(row)]).save(tmp_path / "m.keras")
    with pytest.raises(SpecError, match="different ones at 'left', 'right'"):
        read_spec(tmp_path / "m.keras")
    assert read_spec(f"{tmp_path / 'm.keras'}#right").require("mean") == pytest.approx((1.0,) * 3)
    assert "no Rescaling or Normalization" in reason(read_spec(f"{tmp_path / 'm.keras'}#row").mean)


def test_the_only_image_is_meant_and_named(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "m.keras",
        entry("row", 4),
        entry("photo", 8, 6, 3),
        behind("Rescaling", "r", "photo", scale=0.5),
        behind("Dense", "d", "r"),
    )
    scale = read_spec(path).scale
    assert isinstance(scale, Known)
    assert (scale.value, scale.origin.partition(", ")[2]) == (0.5, "input 'photo': Rescaling inside the model")


def test_a_part_of_a_model_with_one_input_is_its_name(tmp_path: Path) -> None:
    path = archive(tmp_path / "m.keras", entry("photo", 8, 6, 3), layer("Rescaling", scale=0.5), layer("Dense"))
    assert read_spec(f"{path}#photo").require("scale") == 0.5
    with pytest.raises(SpecError, match="the part 'x' of"):
        read_spec(f"{path}#x")


@pytest.mark.parametrize(
    ("shape", "form", "layout", "size"),
    [
        ((3, 24, 32), "channels_first", "NCHW", (24, 32)),
        ((4, 24, 32), "channels_first", "NCHW", (24, 32)),
        ((3, 24, 3), "channels_first", "NCHW", (24, 3)),
        ((24, 32, 4), "channels_last", "NHWC", (24, 32)),
        ((3, 24, 32), "channels_last", "NHWC", (3, 24)),
        ((24, 32, 3), "channels_last", "NHWC", (24, 32)),
    ],
)
def test_the_first_convolution_says_which_axis_holds_the_channels(
    shape: tuple[int, ...], form: str, layout: str, size: tuple[int, int], tmp_path: Path
) -> None:
    conv = layer("Conv2D", data_format=form)
    spec = read_spec(archive(tmp_path / "m.keras", entry("in", *shape), layer("Rescaling", scale=0.5), conv))
    assert (spec.require("layout"), spec.require("size"), spec.require("scale")) == (layout, size, 0.5)
    count = shape[-1 if layout == "NHWC" else 0]
    assert (isinstance(spec.channels, Known) and spec.channels.value == "RGB") == (count == 3)


def test_channels_that_are_moved_in_front_of_a_convolution_are_last_in_the_input(tmp_path: Path) -> None:
    parts = [layer("Normalization", mean=[0.1, 0.2, 0.3], variance=[1.0] * 3), layer("Permute", dims=[3, 1, 2])]
    conv = layer("Conv2D", data_format="channels_first")
    spec = read_spec(archive(tmp_path / "m.keras", entry("in", 24, 32, 3), *parts, conv))
    assert (spec.require("layout"), spec.require("size")) == ("NHWC", (24, 32))
    assert spec.require("mean") == pytest.approx((0.1, 0.2, 0.3))


def test_convolutions_that_contradict_one_another_leave_the_layout_unknown(tmp_path: Path) -> None:
    parts = [behind("Conv2D", form, "in", data_format=form) for form in ("channels_first", "channels_last")]
    spec = read_spec(archive(tmp_path / "m.keras", entry("in", 24, 32, 3), *parts))
    assert UNTOLD in reason(spec.layout)
    assert UNTOLD in reason(spec.size)
    assert isinstance(spec.channels, Unknown)


@pytest.mark.parametrize("shape", [(24, 32, 4), (4, 24, 32), (8, 8, 8)])
def test_no_size_is_taken_where_nothing_says_which_axis_holds_the_channels(shape: tuple[int, ...], tmp_path: Path) -> None:
    spec = read_spec(archive(tmp_path / "m.keras", entry("in", *shape), layer("Rescaling", scale=0.5), layer("Dense")))
    assert UNTOLD in reason(spec.size)
    assert UNTOLD in reason(spec.layout)


def test_what_keras_saves_with_channels_first_is_read(tmp_path: Path) -> None:
    keras = keras_of_test()
    start = keras.Input((3, 24, 32))
    conv = keras.layers.Conv2D(2, 3, data_format="channels_first")
    keras.Model(start, conv(keras.layers.Rescaling(1 / 255)(start))).save(tmp_path / "m.keras")
    spec = read_spec(tmp_path / "m.keras")
    assert (spec.require("layout"), spec.require("size"), spec.require("channels")) == ("NCHW", (24, 32), "RGB")
