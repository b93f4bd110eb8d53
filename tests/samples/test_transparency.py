from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import tare
from tare.errors import DataError
from tare.samples.decode import UndecodableError, decode_noted
from tare.samples.transparency import background_of, composited
from tests.encoding import deep_png, encoded, plain_png
from tests.images import save_png

RNG = np.random.default_rng(0)
RGBA = RNG.integers(0, 256, (24, 33, 4), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (24, 33, 4), dtype=np.uint16)
GREEN = (10, 200, 30)


def over(values: NDArray[Any], background: tuple[float, ...], most: int) -> NDArray[np.float64]:
    """Porter and Duff's operator in unit values."""
    unit = values / most
    alpha = unit[..., -1:]
    return np.asarray(alpha * unit[..., :-1] + (1 - alpha) * np.array(background) / 255)


@pytest.mark.parametrize(("values", "most"), [(RGBA, 255), (DEEP, 65535)])
def test_compositing_is_the_operator_over_rounded_to_the_nearest_level(values: NDArray[Any], most: int) -> None:
    found = composited(values, GREEN)
    assert found.dtype == values.dtype
    np.testing.assert_allclose(found / most, over(values, GREEN, most), atol=0.5001 / most)


def test_a_png_with_alpha_agrees_with_pillow_to_a_level() -> None:
    decoded = decode_noted(encoded(RGBA, "PNG"), background=GREEN)
    canvas = Image.new("RGBA", (33, 24), (*GREEN, 255))
    pillows = np.asarray(Image.alpha_composite(canvas, Image.fromarray(RGBA)).convert("RGB"))
    np.testing.assert_allclose(decoded.values, pillows.astype(float), atol=1)
    assert decoded.notes == ("alpha channel composited over #0ac81e",)


def test_opaque_pixels_stay_and_transparent_ones_are_the_background() -> None:
    values = RGBA.copy()
    values[..., 3] = np.where(RNG.random((24, 33)) < 0.5, 255, 0)
    decoded = decode_noted(encoded(values, "PNG"), background=GREEN).values
    opaque = values[..., 3] == 255
    np.testing.assert_array_equal(decoded[opaque], values[opaque, :3])
    assert (decoded[~opaque] == GREEN).all()


def test_grey_with_alpha_stays_grey_over_the_grey_of_the_background() -> None:
    buffer = io.BytesIO()
    Image.fromarray(RGBA[..., 2:], "LA").save(buffer, "PNG")
    decoded = decode_noted(buffer.getvalue(), background=GREEN)
    grey = np.asarray(Image.new("RGB", (1, 1), GREEN).convert("L"))[0, 0]
    assert decoded.values.shape == (24, 33, 1)
    np.testing.assert_allclose(decoded.values / 255, over(RGBA[..., 2:], (float(grey),), 255), atol=0.5001 / 255)


def test_a_transparent_level_and_a_palette_are_composited() -> None:
    image = Image.fromarray(RGBA[..., :3]).quantize(16)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=bytes(range(0, 160, 10)))
    rgba = np.asarray(Image.open(io.BytesIO(buffer.getvalue())).convert("RGBA"))
    np.testing.assert_array_equal(decode_noted(buffer.getvalue(), background=GREEN).values, composited(rgba, GREEN))


def test_16_bits_a_channel_are_composited_with_all_bits() -> None:
    decoded = decode_noted(deep_png(DEEP), background=GREEN)
    np.testing.assert_array_equal(decoded.values, composited(DEEP, GREEN))
    assert decoded.notes == ("alpha channel composited over #0ac81e",)


def test_a_transparent_colour_of_16_bits_is_composited_or_said() -> None:
    pixels = DEEP[..., :3]
    data = deep_png(pixels, transparent=pixels[3, 4].astype(">u2").tobytes())
    alpha = np.where((pixels == pixels[3, 4]).all(axis=-1, keepdims=True), 0, 65535).astype(np.uint16)
    expected = composited(np.concatenate([pixels, alpha], axis=-1), GREEN)
    np.testing.assert_array_equal(decode_noted(data, background=GREEN).values, expected)
    assert (expected != pixels).any()
    dropped = decode_noted(data)
    np.testing.assert_array_equal(dropped.values, pixels)
    assert dropped.notes == ("alpha channel dropped",)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_transparent_level_of_few_bits_is_composited(bits: int) -> None:
    row = b"\0" + (0b1 << (8 - bits)).to_bytes()  # the first pixel has level 1
    data = plain_png(1, 1, bits, 0, row, transparent=b"\0\1")
    assert decode_noted(data).values.item() == 255 // ((1 << bits) - 1)
    assert decode_noted(data, background=(9, 9, 9)).values.item() == 9


def test_images_without_alpha_are_left_alone() -> None:
    decoded = decode_noted(encoded(RGBA[..., :3], "PNG"), background=GREEN)
    np.testing.assert_array_equal(decoded.values, RGBA[..., :3])
    assert decoded.notes == ()


def test_deep_grey_with_a_transparent_level_is_refused_rather_than_cut_to_8_bits() -> None:
    buffer = io.BytesIO()
    Image.fromarray(DEEP[..., 0]).save(buffer, "PNG", transparency=7)
    data = buffer.getvalue()
    if "transparency" not in Image.open(io.BytesIO(data)).info:
        pytest.skip("this Pillow does not write it")
    with pytest.raises(UndecodableError, match="deep grey"):
        decode_noted(data, background=GREEN)


@pytest.mark.parametrize("listed", [False, True])
def test_measure_composites_when_asked_and_says_so(tmp_path: Path, listed: bool) -> None:
    path = tmp_path / "photos" / "a.png"
    save_png(path, RGBA)
    data = [path] if listed else tmp_path / "photos"
    stats = tare.measure(data, alpha="composite", background="#0ac81e")
    np.testing.assert_allclose(stats.mean, composited(RGBA, GREEN).mean(axis=(0, 1)) / 255, rtol=1e-12)
    assert stats.extra["notes"] == {"alpha channel composited over #0ac81e": 1}
    np.testing.assert_allclose(tare.measure(data).mean, RGBA[..., :3].mean(axis=(0, 1)) / 255, rtol=1e-12)


def test_the_background_is_white_unless_stated() -> None:
    assert background_of("composite", None) == (255, 255, 255)
    assert background_of("drop", None) is None


@pytest.mark.parametrize(
    ("alpha", "colour", "message"),
    [
        ("blend", None, "expected alpha 'drop' or 'composite', found 'blend'; choose one of them"),
        ("drop", "ffffff", "expected a background only where alpha is composited, found 'ffffff'; add --alpha composite"),
        ("composite", "white", "found 'white'; correct it"),
    ],
)
def test_what_cannot_be_meant_is_refused(alpha: str, colour: str | None, message: str) -> None:
    with pytest.raises(DataError) as caught:
        background_of(alpha, colour)
    assert str(caught.value).endswith(message)
