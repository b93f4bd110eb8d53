"""Samples that are no encoded images have the channels asked for, or are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tare
from tare.errors import DataError
from tare.samples.modes import ColourMode

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (24, 8, 8, 3), dtype=np.uint8)
GREY = RNG.integers(0, 256, (24, 8, 8, 1), dtype=np.uint8)


@pytest.mark.parametrize(
    ("data", "channels", "said"),
    [
        (IMAGES, "grey", "samples of 1 channel \\(grey\\), found 3 in"),
        (IMAGES.transpose(0, 3, 1, 2), "grey", "samples of 1 channel"),
        (GREY, "rgb", "samples of 3 channels \\(rgb\\), found 1 in"),
        (RNG.normal(size=(24, 4)), "rgb", "samples of 3 channels \\(rgb\\), found 4 in"),
        (list(IMAGES), "grey", "samples of 1 channel"),
    ],
)
def test_arrays_are_not_converted(data: object, channels: ColourMode, said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        tare.measure(data, channels=channels)
    if isinstance(data, np.ndarray):
        np.save(tmp_path / "a.npy", data)
        with pytest.raises(DataError, match=said):
            tare.measure(tmp_path / "a.npy", channels=channels)
        with pytest.raises(DataError, match=said):
            tare.drift(tmp_path / "a.npy", tmp_path / "a.npy", channels=channels)


def test_what_has_the_channels_already_is_measured() -> None:
    assert tare.measure(IMAGES, channels="rgb", layout="NHWC").mean == tare.measure(IMAGES, layout="NHWC").mean
    assert tare.measure(GREY, channels="grey", layout="NHWC").mean == tare.measure(GREY, layout="NHWC").mean


def test_encoded_images_are_converted(tmp_path: Path) -> None:
    for index, image in enumerate(IMAGES):
        Image.fromarray(image).save(tmp_path / f"{index:02}.png")
    grey = np.stack([np.asarray(Image.fromarray(image).convert("L")) for image in IMAGES])
    assert tare.measure(tmp_path, channels="grey").mean == pytest.approx([grey.mean() / 255])
