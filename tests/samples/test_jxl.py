"""JPEG XL against the arrays that were written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tare.samples.decode import UndecodableError, decode_noted, image_format
from tare.samples.newer import jxl_size
from tare.sources.files.image_folder import read_image

imagecodecs = pytest.importorskip("imagecodecs", reason="reads JPEG XL (pip install 'tare[science]')")
if not imagecodecs.JPEGXL.available:
    pytest.skip("this imagecodecs has no JPEG XL", allow_module_level=True)


def written(shape: tuple[int, ...], dtype: str) -> tuple[NDArray[Any], bytes]:
    values = (np.random.default_rng(0).random(shape) * (1 if dtype == "float32" else 250)).astype(dtype)
    return values, imagecodecs.jpegxl_encode(values, lossless=True)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("shape", [(16, 24), (37, 51, 3), (64, 48, 4)])
def test_levels_are_those_that_were_stored_and_alpha_is_dropped(tmp_path: Path, shape: tuple[int, ...], dtype: str) -> None:
    values, data = written(shape, dtype)
    assert image_format(data[:16]) == "JPEG XL"
    assert jxl_size(data) == (shape[1], shape[0])
    found = decode_noted(data)
    np.testing.assert_array_equal(found.values, values.reshape(*shape[:2], -1)[..., :3])
    assert any("alpha" in note for note in found.notes) == (shape[-1] == 4)
    (tmp_path / "a.jxl").write_bytes(data)
    read = read_image(str(tmp_path / "a.jxl"), "rgb")
    assert isinstance(read, np.ndarray)
    assert read.shape == (*shape[:2], 3)


@pytest.mark.parametrize("size", [(8, 8), (256, 256), (300, 400), (120, 100), (90, 160), (1, 1), (2000, 3)])
def test_the_header_states_the_size(size: tuple[int, int]) -> None:
    data = imagecodecs.jpegxl_encode(np.zeros(size, np.uint8), lossless=True)
    assert jxl_size(data) == size[::-1]


def test_damaged_files_and_claims_of_gigapixels_are_refused() -> None:
    _, data = written((40, 50, 3), "uint8")
    for length in (2, 5, 20, len(data) // 2):
        with pytest.raises(UndecodableError, match=r"JPEG XL|header claims"):
            decode_noted(data[:length])
    # not small; both edges of 18 bits: 100,000 x 100,000
    bits, place = 0, 1
    for value, count in ((2, 2), (99_999, 18), (0, 3), (2, 2), (99_999, 18)):
        bits |= value << place
        place += count
    with pytest.raises(UndecodableError, match="the header claims 100000 x 100000 pixels"):
        decode_noted(b"\xff\x0a" + bits.to_bytes(16, "little") + data[18:])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_colours_become_grey_in_their_own_type(dtype: str) -> None:
    values, data = written((12, 14, 3), dtype)
    found = decode_noted(data, "grey").values
    assert (found.shape, found.dtype.name) == ((12, 14, 1), dtype)
    np.testing.assert_allclose(
        found[..., 0], values.astype(float) @ [0.299, 0.587, 0.114], atol=1.0 if dtype != "float32" else 1e-4
    )


def test_a_level_of_transparency_in_floats_is_no_colour_to_put_over_another() -> None:
    _, data = written((12, 14, 4), "float32")
    with pytest.raises(UndecodableError, match="a transparent level in floats"):
        decode_noted(data, background=(255, 255, 255))
