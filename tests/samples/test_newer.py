"""JPEG 2000, AVIF and HEIC against the values that were encoded, and Pillow."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

import tare
from tare.samples.decode import UndecodableError, decode_noted

RNG = np.random.default_rng(13)
PHOTO = np.kron(RNG.integers(0, 255, (6, 8, 3)), np.ones((4, 4, 1))).astype("uint8")


@pytest.mark.parametrize("bits", [4, 8, 10, 12, 15, 16])
@pytest.mark.parametrize("wrapped", ["jp2", "j2k"])
def test_jpeg_2000_in_grey_has_the_levels_that_were_stored(bits: int, wrapped: str) -> None:
    imagecodecs = pytest.importorskip("imagecodecs", reason="writes JPEG 2000 of any depth (pip install 'tare[science]')")
    values = RNG.integers(0, 1 << bits, (20, 24)).astype("uint16" if bits > 8 else "uint8")
    data = imagecodecs.jpeg2k_encode(values, bitspersample=bits, reversible=True, codecformat=wrapped)
    decoded = decode_noted(data).values
    assert decoded.dtype == values.dtype
    np.testing.assert_array_equal(decoded[..., 0], values)


def test_jpeg_2000_in_deep_colour_is_refused_and_not_cut() -> None:
    imagecodecs = pytest.importorskip("imagecodecs", reason="writes JPEG 2000 of any depth (pip install 'tare[science]')")
    values = RNG.integers(0, 4096, (20, 24, 3)).astype("uint16")
    with pytest.raises(UndecodableError, match="12 bits in each of 3 channels, of which Pillow reads 8"):
        decode_noted(imagecodecs.jpeg2k_encode(values, bitspersample=12, reversible=True))
    eight = values.astype("uint8")
    np.testing.assert_array_equal(decode_noted(imagecodecs.jpeg2k_encode(eight, reversible=True)).values, eight)


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF codec")
def test_avif_is_read_as_pillow_reads_it(tmp_path: Path) -> None:
    Image.fromarray(PHOTO).save(tmp_path / "a.avif")
    expected = np.asarray(Image.open(tmp_path / "a.avif"))
    np.testing.assert_array_equal(decode_noted((tmp_path / "a.avif").read_bytes()).values, expected)
    np.testing.assert_allclose(tare.measure(tmp_path).mean, expected.mean(axis=(0, 1)) / 255, rtol=1e-12)


def test_avif_of_more_than_8_bits_keeps_them_or_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    imagecodecs = pytest.importorskip("imagecodecs", reason="writes AVIF of 10 bits (pip install 'tare[science]')")
    data = imagecodecs.avif_encode(PHOTO.astype("uint16") * 4, bitspersample=10, level=100)
    decoded = decode_noted(data)
    assert (decoded.values.dtype.name, decoded.notes) == ("uint16", ())
    np.testing.assert_array_equal(decoded.values, imagecodecs.avif_decode(data))
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(UndecodableError, match=r"10 bits a channel, of which Pillow reads 8: pip install 'tare\[science\]'"):
        decode_noted(data)


def test_heic_is_read_with_its_package() -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="reads HEIC (pip install 'tare[heic]')")
    stream = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(PHOTO)).save(stream, quality=-1)
    decoded = decode_noted(stream.getvalue()).values
    assert decoded.shape == PHOTO.shape
    assert np.abs(decoded.astype(int) - PHOTO).mean() < 3


@pytest.mark.parametrize("depths", [(10, 10), (10, 8), (8, 10), (8, 8)])
def test_of_a_heic_of_several_images_the_primary_one_is_read_with_its_own_bits(depths: tuple[int, int]) -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="reads HEIC (pip install 'tare[heic]')")
    file, stream = pillow_heif.HeifFile(), io.BytesIO()
    for bits, values in zip(depths, (PHOTO, PHOTO[::-1] // 2), strict=True):
        if bits == 8:
            file.add_from_pillow(Image.fromarray(values))
        else:
            file.add_frombytes("RGB;16", (32, 24), (values.astype("<u2") << 8).tobytes())
    file.save(stream, quality=-1, primary_index=1)
    images = pillow_heif.open_heif(stream, convert_hdr_to_8bit=False, hdr_to_16bit=False)
    assert images.primary_index == 1
    decoded = decode_noted(stream.getvalue())
    assert (decoded.values.dtype.name, decoded.notes) == (
        "uint16" if depths[1] > 8 else "uint8",
        ("primary one of several images read",),
    )
    np.testing.assert_array_equal(decoded.values, np.asarray(images[1]))
    if depths[0] == depths[1]:
        both = decode_noted(stream.getvalue(), pages="samples")
        assert (both.several, both.notes) == (True, ())
        np.testing.assert_array_equal(both.values, np.stack([np.asarray(image) for image in images]))


def test_heic_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(UndecodableError, match=r"a HEIC with a codec that Pillow lacks: pip install 'tare\[heic\]'"):
        decode_noted(b"\x00\x00\x00\x1cftypheic\x00\x00\x00\x00mif1heicmiaf" + bytes(40))


@pytest.mark.parametrize(
    "head", [b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51", b"\x00\x00\x00 ftypavif", b"\x00\x00\x00 ftypheic"]
)
@pytest.mark.parametrize("rest", [b"", b"rubbish " * 20, b"\xff" * 200])
def test_damaged_files_are_refused_in_one_line(head: bytes, rest: bytes) -> None:
    with pytest.raises(UndecodableError) as raised:
        decode_noted(head + rest)
    assert "\n" not in str(raised.value)
