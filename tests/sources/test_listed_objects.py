from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tare
from tare.errors import DataError

RNG = np.random.default_rng(0)
ARRAYS = [RNG.integers(0, 256, (height, 9, 3), np.uint8) for height in (8, 8, 5, 12)]
IMAGES = [Image.fromarray(values) for values in ARRAYS]
PIXELS = np.concatenate([values.reshape(-1, 3) for values in ARRAYS]) / 255


@pytest.mark.parametrize("data", [ARRAYS, tuple(ARRAYS), IMAGES, [np.moveaxis(values, -1, 0) for values in ARRAYS]])
def test_each_item_is_one_sample(data: Any) -> None:
    stats = tare.measure(data)
    assert stats.samples == 4
    np.testing.assert_allclose(stats.mean, PIXELS.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(stats.std, PIXELS.std(axis=0), rtol=1e-12)


def test_tensors_are_arrays() -> None:
    torch = pytest.importorskip("torch")
    stats = tare.measure([torch.from_numpy(values).permute(2, 0, 1) for values in ARRAYS])
    np.testing.assert_allclose(stats.mean, PIXELS.mean(axis=0), rtol=1e-12)


def test_the_same_figures_as_from_files(tmp_path: Any) -> None:
    for place, image in enumerate(IMAGES):
        image.save(tmp_path / f"{place}.png")
    from_files, from_list = tare.measure(tmp_path), tare.measure(IMAGES)
    assert from_list.channels == from_files.channels


def test_one_image_is_a_sample() -> None:
    assert tare.measure(IMAGES[0]).samples == 1


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "CMYK", "1", "L", "I;16", "F"])
def test_every_mode_is_read_as_from_a_file(mode: str, tmp_path: Any) -> None:
    image = Image.fromarray(RNG.integers(0, 60_000, (6, 7)).astype(np.uint16)) if mode == "I;16" else IMAGES[0].convert(
        "L" if mode == "LA" else "RGB").convert(mode)  # fmt: skip
    image.save(tmp_path / "a.tif")
    listed, read = tare.measure([image]), tare.measure(tmp_path / "a.tif")
    assert (listed.dtype, listed.mean, listed.std) == (read.dtype, read.mean, read.std)
    assert listed.extra.get("notes") == read.extra.get("notes")


def test_alpha_is_composited_or_its_loss_is_told() -> None:
    image = Image.fromarray(np.full((4, 4, 4), (200, 100, 0, 128), np.uint8))
    assert tare.measure([image]).extra["notes"] == {"alpha channel dropped": 1}
    over = tare.measure([image], alpha="composite")
    np.testing.assert_allclose(over.mean, [227 / 255, 177 / 255, 127 / 255], rtol=1e-12)


def test_an_image_that_cannot_be_read_is_listed(tmp_path: Any) -> None:
    IMAGES[0].save(tmp_path / "a.png")
    cut = io.BytesIO((tmp_path / "a.png").read_bytes()[:120])
    stats = tare.measure([IMAGES[0], Image.open(cut)], max_skipped=0.6)
    assert [item.path for item in stats.unreadable] == ["2 Pillow images[1]"]
    assert "an image that Pillow cannot read" in stats.unreadable[0].reason


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ([], "found an empty list"),
        ([ARRAYS[0], IMAGES[0]], r"1 arrays, 1 Pillow images; the first of another kind is at \[1\]"),
        ([*IMAGES, "a.png", None], r"4 Pillow images, 1 paths, 1 of type NoneType; the first of another kind is at \[4\]"),
        ([1.0, 2.0], r"2 of type float; make an array of them, for example np.asarray"),
        ([[1, 2], [3, 4]], "2 of type list; make an array of them"),
        ([{"image": ARRAYS[0]}], "1 of type dict"),
        ([ARRAYS[0], np.moveaxis(ARRAYS[1], -1, 0)], r"read as HWC and CHW; state it, for example layout='HWC'"),
        ([ARRAYS[0], ARRAYS[1].astype(np.float32)], "1 with 3 channels of float32"),
        ([np.zeros(4), np.zeros(5)], "arrays of several lengths; for signals state layout='T'"),
        ([np.array(["a"])], "dtype <U1"),
    ],
)
def test_lists_that_are_no_dataset_are_refused_by_name(data: list[Any], found: str) -> None:
    with pytest.raises(DataError, match=found):
        tare.measure(data)


def test_a_stated_layout_is_kept_and_an_assumed_one_is_told() -> None:
    squares = [RNG.integers(0, 256, (3, 4, 3), np.uint8) for _ in range(3)]
    assert len(tare.measure(squares, layout="CHW").channels) == 3
    signals = [RNG.normal(size=length) for length in (10, 20)]
    stats = tare.measure(signals, layout="T")
    assert stats.samples == 2
    assert stats.mean[0] == pytest.approx(np.concatenate(signals).mean())
    assert tare.measure(ARRAYS).extra["remarks"] == ["layout HWC assumed for arrays of shape (8, 9, 3); layout= states another"]
    with pytest.raises(DataError, match="Pillow images without a layout"):
        tare.measure(IMAGES, layout="HWC")


def test_rows_of_a_list_are_rows() -> None:
    rows = [RNG.normal(size=3) for _ in range(20)]
    np.testing.assert_allclose(tare.measure(rows).mean, np.mean(rows, axis=0), rtol=1e-12)


def test_lists_are_compared_and_tested_for_drift() -> None:
    many = [Image.fromarray(RNG.integers(0, 256, (8, 8, 3), np.uint8)) for _ in range(60)]
    assert tare.compare(many, many).clean
    assert tare.drift(many[:30], many[30:]).clean
    darker = [image.point([level // 3 for level in range(256)] * 3) for image in many]
    assert not tare.compare(many, darker).clean
    assert not tare.drift(many, darker).clean
