from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from numpy.typing import NDArray
from PIL import Image

import tare
from tare.errors import SpecError
from tare.input_spec.fields import Known
from tare.parts.normaliser import Normaliser

os.environ.setdefault("KERAS_BACKEND", "torch")
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
KINDS = ["uint8", "uint16", "float32"]


def images(kind: str, count: int = 4, channels: int = 3) -> NDArray[Any]:
    """Raw values ``(N, H, W, C)``."""
    generator = np.random.default_rng(0)
    if kind == "float32":
        return generator.random((count, 9, 7, channels), dtype=np.float32)
    return generator.integers(0, np.iinfo(kind).max + 1, (count, 9, 7, channels)).astype(kind)


def fed(layer: Normaliser, values: NDArray[Any]) -> NDArray[Any]:
    """What the layer makes of ``(N, H, W, C)``, in the same order."""
    return np.asarray(layer(torch.from_numpy(values).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy())


@pytest.mark.parametrize("kind", KINDS)
def test_albumentations_gives_the_same_numbers(kind: str) -> None:
    pytest.importorskip("albumentations")
    layer, values = Normaliser(MEAN, STD, raw_dtype=kind), images(kind)
    step = layer.to_albumentations()
    found = np.stack([step(image=each)["image"] for each in values])
    np.testing.assert_allclose(found, fed(layer, values), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_torchvision_gives_the_same_numbers(kind: str) -> None:
    layer, values = Normaliser(MEAN, STD, raw_dtype=kind), images(kind)
    if kind == "uint16" and torchvision.__version__.startswith("0.19."):  # it hands them on as they are
        with pytest.raises(SpecError, match="16-bit"):
            layer.to_torchvision()
        return
    found = layer.to_torchvision()(torch.from_numpy(values).permute(0, 3, 1, 2))
    np.testing.assert_allclose(found.permute(0, 2, 3, 1).numpy(), fed(layer, values), rtol=0, atol=1e-5)
    if kind == "uint8":
        one = layer.to_torchvision()(Image.fromarray(values[0]))
        np.testing.assert_allclose(one.permute(1, 2, 0).numpy(), fed(layer, values)[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_kornia_gives_the_same_numbers_from_unit_floats(kind: str) -> None:
    pytest.importorskip("kornia")
    layer, values = Normaliser(MEAN, STD, raw_dtype=kind), images(kind)
    unit = torch.from_numpy(values.astype(np.float64) * (1 if kind == "float32" else 1 / np.iinfo(kind).max)).float()
    found = layer.to_kornia()(unit.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    np.testing.assert_allclose(found.numpy(), fed(layer, values), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("made", ["ViTImageProcessor", "ConvNextImageProcessor"])
def test_a_hugging_face_processor_gives_the_same_numbers(kind: str, made: str) -> None:
    transformers = pytest.importorskip("transformers")
    layer, values = Normaliser(MEAN, STD, raw_dtype=kind), images(kind)
    processor = getattr(transformers, made)(do_resize=False, **layer.to_hf())
    given = [torch.from_numpy(each).permute(2, 0, 1) for each in values]
    found = np.asarray(processor(given, return_tensors="pt", input_data_format="channels_first")["pixel_values"])
    np.testing.assert_allclose(found.transpose(0, 2, 3, 1), fed(layer, values), rtol=0, atol=1e-5)


def test_timm_gives_the_same_numbers() -> None:
    data = pytest.importorskip("timm.data")
    layer, values = Normaliser(MEAN, STD, raw_dtype="uint8"), images("uint8")
    transform = data.create_transform(input_size=(3, 9, 7), crop_pct=1.0, crop_mode="squash", **layer.to_timm())
    found = torch.stack([transform(Image.fromarray(each)) for each in values])
    np.testing.assert_allclose(found.permute(0, 2, 3, 1).numpy(), fed(layer, values), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", ["NHWC", "NCHW", "NC"])
def test_keras_gives_the_same_numbers(kind: str, layout: str) -> None:
    pytest.importorskip("keras")
    values = images(kind)
    values = {"NHWC": values, "NCHW": values.transpose(0, 3, 1, 2), "NC": values[:, 0, 0]}[layout]
    layer = Normaliser(MEAN, STD, raw_dtype=kind, layout=layout)
    made = layer.to_keras(name="front")
    assert made.name == "front"
    expected = layer(torch.from_numpy(np.ascontiguousarray(values))).numpy()
    np.testing.assert_allclose(np.asarray(made(values).detach()), expected, rtol=0, atol=1e-5)


_LOAD = """
import sys
sys.modules["tare"] = None
import keras, numpy
numpy.save(sys.argv[3], keras.models.load_model(sys.argv[1]).predict(numpy.load(sys.argv[2]), verbose=0))
"""


def test_a_saved_keras_model_gives_the_same_numbers_without_tare_and_states_the_constants(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    values = images("uint8")
    layer = Normaliser(MEAN, STD, raw_dtype="uint8", layout="NHWC")
    model, data, out = (tmp_path / name for name in ("model.keras", "data.npy", "out.npy"))
    keras.Sequential([keras.Input((9, 7, 3)), layer.to_keras()]).save(model)
    np.save(data, values)
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    subprocess.run([sys.executable, "-c", _LOAD, model, data, out], env=environment, check=True)  # noqa: S603
    np.testing.assert_allclose(np.load(out), layer(torch.from_numpy(values)).numpy(), rtol=0, atol=1e-5)
    read = tare.read_spec(model)
    assert read.input_map().distance(layer.spec.input_map(), (0, 255)) < 1e-5


CONVERTERS: dict[str, Callable[[Normaliser], Any]] = {
    "albumentations": Normaliser.to_albumentations,
    "torchvision": Normaliser.to_torchvision,
    "kornia": Normaliser.to_kornia,
    "transformers": Normaliser.to_hf,
    "timm": Normaliser.to_timm,
    "keras": Normaliser.to_keras,
}


@pytest.mark.parametrize("library", CONVERTERS)
@pytest.mark.parametrize(
    ("others", "why"),
    [
        ({"clip": [5.0, 200.0]}, "clipped to"),
        ({"value_map": "log1p"}, "log1p"),
        ({"per_sample": {"kind": "minmax"}}, "by its own values"),
        ({"channels": "BGR"}, "in the order of the data"),
    ],
)
def test_what_a_library_cannot_say_is_refused(library: str, others: dict[str, Any], why: str) -> None:
    pytest.importorskip(library)
    with pytest.raises(SpecError, match=why):
        CONVERTERS[library](Normaliser(MEAN, STD, raw_dtype="uint8", **others))


@pytest.mark.parametrize("library", ["albumentations", "torchvision", "kornia", "transformers", "timm"])
def test_rows_are_refused_by_libraries_of_images(library: str) -> None:
    pytest.importorskip(library)
    with pytest.raises(SpecError, match="the layout NCHW"):
        CONVERTERS[library](Normaliser((0.5,), (0.5,), raw_dtype="uint8", layout="NC"))


def test_types_that_a_library_does_not_scale_are_refused() -> None:
    with pytest.raises(SpecError, match="raw values of type uint8, which a timm"):
        Normaliser(MEAN, STD, raw_dtype="uint16").to_timm()
    with pytest.raises(SpecError, match="1 or 3 channels"):
        Normaliser((0.5, 0.5), (0.5, 0.5), raw_dtype="uint8").to_timm()
    with pytest.raises(SpecError, match="torchvision's Normalize takes"):
        Normaliser((3.0,), (9.0,), raw_dtype="int16").to_torchvision()
    with pytest.raises(SpecError, match="Keras's least"):
        Normaliser((0.0,), (1e-8,), raw_dtype="float32").to_keras()


def test_constants_of_another_scale_are_those_of_the_library_s_own() -> None:
    codes = Normaliser([m * 255 for m in MEAN], [s * 255 for s in STD], raw_dtype="uint8", scale=1.0)
    assert codes.to_timm()["mean"] == pytest.approx(MEAN)
    assert codes.to_hf()["image_std"] == pytest.approx(STD)
    assert codes.to_hf()["rescale_factor"] == 1 / 255
    exact = Normaliser(MEAN, STD, raw_dtype="uint8")
    assert exact.to_timm() == {"mean": MEAN, "std": STD}
    assert exact.spec.scale == Known(1 / 255, "user")
