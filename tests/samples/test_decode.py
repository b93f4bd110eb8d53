from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from tare.samples.decode import MAX_PIXELS, UndecodableError, decode_noted, orientation, upright
from tare.samples.modes import ColourMode
from tests.encoding import deep_png, deep_tiff, encoded

RGB = np.random.default_rng(0).integers(0, 256, (24, 33, 3), dtype=np.uint8)
DEEP = np.random.default_rng(1).integers(0, 65536, (24, 33, 4), dtype=np.uint16)

LOSSLESS: dict[str, tuple[str, dict[str, Any]]] = {
    "png": ("PNG", {}),
    "bmp": ("BMP", {}),
    "ppm": ("PPM", {}),
    "tiff": ("TIFF", {}),
    "tiff-lzw": ("TIFF", {"compression": "tiff_lzw"}),
    "tiff-deflate": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    "webp": ("WEBP", {"lossless": True}),
}


def decode_image(data: bytes | memoryview, colour: ColourMode = "stored") -> NDArray[Any]:
    return decode_noted(data, colour).values


def pillow(data: bytes, mode: str) -> NDArray[Any]:
    values = np.asarray(Image.open(io.BytesIO(data)).convert(mode))
    return values if values.ndim == 3 else values[..., None]


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_formats_give_back_the_pixels(name: str) -> None:
    kind, options = LOSSLESS[name]
    np.testing.assert_array_equal(decode_image(encoded(RGB, kind, **options)), RGB)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_jpeg_agrees_with_pillow(options: dict[str, Any]) -> None:
    data = encoded(RGB, "JPEG", **options)
    np.testing.assert_array_equal(decode_image(data), pillow(data, "RGB"))


def test_grey_stays_one_channel_unless_asked() -> None:
    for kind in ("PNG", "JPEG"):
        data = encoded(RGB[..., 0], kind)
        assert decode_image(data).shape == (24, 33, 1)
        assert decode_image(data, "rgb").shape == (24, 33, 3)
        np.testing.assert_array_equal(decode_image(data, "rgb")[..., :1], decode_image(data))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_colour_becomes_grey_when_asked(kind: str) -> None:
    data = encoded(RGB, kind)
    np.testing.assert_array_equal(decode_image(data, "grey"), pillow(data, "L"))


def test_a_palette_becomes_its_colours() -> None:
    image = Image.fromarray(RGB).quantize(16)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    decoded = decode_noted(buffer.getvalue())
    np.testing.assert_array_equal(decoded.values, np.asarray(image.convert("RGB")))
    assert decoded.notes == ()


def test_a_palette_with_transparency_keeps_its_colours_and_says_so() -> None:
    image = Image.fromarray(RGB).quantize(16)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=bytes(range(0, 160, 10)))
    decoded = decode_noted(buffer.getvalue())
    np.testing.assert_array_equal(decoded.values, np.asarray(image.convert("RGB")))
    assert decoded.notes == ("alpha channel dropped",)


def test_alpha_is_dropped_not_blended_and_that_is_said() -> None:
    rgba = np.dstack([RGB, np.full(RGB.shape[:2], 7, np.uint8)])
    decoded = decode_noted(encoded(rgba, "PNG"))
    np.testing.assert_array_equal(decoded.values, RGB)
    assert decoded.notes == ("alpha channel dropped",)


def test_bilevel_images_span_the_whole_range() -> None:
    buffer = io.BytesIO()
    Image.fromarray(RGB[..., 0] > 100).save(buffer, "PNG")
    np.testing.assert_array_equal(decode_image(buffer.getvalue()), np.where(RGB[..., :1] > 100, 255, 0))


def test_cmyk_becomes_rgb() -> None:
    buffer = io.BytesIO()
    Image.fromarray(RGB).convert("CMYK").save(buffer, "JPEG")
    decoded = decode_noted(buffer.getvalue())
    np.testing.assert_array_equal(decoded.values, pillow(buffer.getvalue(), "RGB"))
    assert decoded.notes == ("CMYK converted to RGB",)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_of_several_frames_the_first_is_read_and_that_is_said(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(RGB, kind, save_all=True, append_images=[Image.fromarray(255 - RGB)], **options)
    decoded = decode_noted(data)
    np.testing.assert_array_equal(decoded.values, pillow(data, "RGB"))
    assert decoded.notes == ("first of several frames read",)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bit_png_keeps_all_bits(channels: int) -> None:
    decoded = decode_noted(deep_png(DEEP[..., :channels]))
    assert decoded.values.dtype == np.uint16
    np.testing.assert_array_equal(decoded.values, DEEP[..., : min(channels, 3)])
    assert bool(decoded.notes) == (channels == 4)


def test_16_bit_grey_with_alpha_is_refused_rather_than_cut_to_8_bits() -> None:
    with pytest.raises(UndecodableError, match="not supported"):
        decode_image(deep_png(DEEP[..., :2]))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("channels", [3, 4])
def test_16_bit_colour_tiff_keeps_all_bits(order: str, channels: int) -> None:
    decoded = decode_noted(deep_tiff(DEEP[..., :channels], order))
    assert decoded.values.dtype == np.uint16
    np.testing.assert_array_equal(decoded.values, DEEP[..., :3])


def test_16_bit_colour_in_separate_planes_is_exact_or_refused() -> None:
    try:
        values = decode_image(deep_tiff(DEEP[..., :3], planar=True))
    except UndecodableError:
        return
    np.testing.assert_array_equal(values, DEEP[..., :3])


def test_16_bit_colour_to_grey_uses_the_weights_of_8_bits() -> None:
    wide = RGB.astype(np.uint16) * 257
    grey = decode_image(deep_png(wide), "grey")
    np.testing.assert_allclose(grey / 257, decode_image(encoded(RGB, "PNG"), "grey"), atol=1)


def test_grey_of_16_bits_is_repeated_for_rgb() -> None:
    values = decode_image(deep_png(DEEP[..., :1]), "rgb")
    np.testing.assert_array_equal(values, np.repeat(DEEP[..., :1], 3, axis=-1))


@pytest.mark.parametrize(("dtype", "expected"), [(np.float32, "float32"), (np.int32, "float64")])
def test_float_and_wide_integer_tiffs_stay_exact(dtype: type, expected: str) -> None:
    if dtype is np.int32:
        pytest.importorskip("tifffile", reason="the tiff extra is not installed")
    values: NDArray[Any] = (np.arange(24 * 33).reshape(24, 33) * 1001 - 70000).astype(dtype)
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "TIFF")
    decoded = decode_image(buffer.getvalue())
    assert decoded.dtype.name == expected
    np.testing.assert_array_equal(decoded[..., 0], values)


@pytest.mark.parametrize("stated", range(1, 9))
def test_upright_agrees_with_pillow(stated: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = stated
    data = encoded(RGB, "PNG", exif=exif)
    assert orientation(data) == stated
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    np.testing.assert_array_equal(upright(decode_image(data), orientation(data)), expected)


@pytest.mark.parametrize("stated", [1, 3, 6])
@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32", "float16", "colours of uint16", "colours of float32"])
def test_the_orientation_of_a_tiff_changes_no_pixel_and_turns_every_kind(kind: str, stated: int) -> None:
    tifffile = pytest.importorskip("tifffile", reason="writes TIFFs that state an orientation")
    colours, dtype = kind.startswith("colours"), kind.rpartition(" ")[2]
    values = np.random.default_rng(4).integers(0, 65536, (5, 7, 3) if colours else (5, 7)).astype(dtype)
    buffer = io.BytesIO()
    tag = [(274, "H", 1, stated, True)]
    tifffile.imwrite(buffer, values, photometric="rgb" if colours else "minisblack", extratags=tag)
    stored = values if colours else values[..., None]
    np.testing.assert_array_equal(decode_image(buffer.getvalue()), stored)
    turned = decode_noted(buffer.getvalue(), turned=True)
    np.testing.assert_array_equal(turned.values, upright(stored, stated))
    assert turned.notes == (("turned as EXIF states",) if stated > 1 else ())


def test_no_or_damaged_exif_means_as_stored() -> None:
    assert orientation(encoded(RGB, "PNG")) == 1
    assert orientation(b"\xff\xd8\xff junk") == 1


WHOLE = {
    **{name: encoded(RGB, kind, **options) for name, (kind, options) in LOSSLESS.items()},
    "jpeg": encoded(RGB, "JPEG"),
    "jpeg-progressive": encoded(RGB, "JPEG", progressive=True),
    "gif": encoded(RGB, "GIF"),
    "webp-lossy": encoded(RGB, "WEBP"),
    "png-16": deep_png(DEEP),
    "tiff-16": deep_tiff(DEEP),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_cut_short_anywhere_is_refused_or_whole(name: str) -> None:
    data = WHOLE[name]
    whole = decode_image(data)
    for cut in [*range(0, len(data), max(1, len(data) // 60)), *range(len(data) - 14, len(data))]:
        try:
            values = decode_image(data[:cut])
        except UndecodableError:
            continue
        else:
            np.testing.assert_array_equal(values, whole)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"hello world, this is text", "not an image"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "damaged PNG"),
        (b"\xff\xd8\xff\xe0" + bytes(40), "damaged JPEG"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "not an image"),
    ],
)
def test_what_is_no_image_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(UndecodableError, match=reason):
        decode_image(data)


def test_the_content_counts_not_the_name() -> None:
    np.testing.assert_array_equal(decode_image(encoded(RGB, "PNG")), RGB)  # whatever the file was called


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_absurd_sizes_are_refused_before_any_memory_is_taken() -> None:
    side = int(MAX_PIXELS**0.5) + 1
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0")), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )
    with pytest.raises(UndecodableError, match=r"limit|exceeds"):
        decode_image(data)
    jpeg = bytearray(encoded(RGB, "JPEG"))
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = struct.pack(">HH", 65000, 65000)
    with pytest.raises(UndecodableError, match="limit"):
        decode_image(bytes(jpeg))


SMOOTH = np.kron(RGB[:16, :24], np.ones((8, 8, 1), np.uint8))


def segment_at(data: bytes, marker: int, count: int = 1) -> int:
    """Where the marker stands for the ``count``-th time."""
    at = -1
    for _ in range(count):
        at = data.index(bytes((0xFF, marker)), at + 1)
    return at


STRAY_PLACES: dict[str, tuple[dict[str, Any], int, int]] = {
    "before a table": ({}, 0xDB, 1),
    "before the frame": ({}, 0xC0, 1),
    "before the scan": ({}, 0xDA, 1),
    "between scans": ({"progressive": True}, 0xDA, 2),
    "before a restart": ({"restart_marker_rows": 1}, 0xD0, 1),
}


@pytest.mark.parametrize("place", STRAY_PLACES)
def test_stray_bytes_that_pillow_accepts_are_passed_over_and_that_is_said(place: str) -> None:
    options, marker, count = STRAY_PLACES[place]
    whole = encoded(SMOOTH, "JPEG", **options)
    at = segment_at(whole, marker, count)
    decoded = decode_noted(whole[:at] + b"\x01\x02\x03" + whole[at:])
    np.testing.assert_array_equal(decoded.values, pillow(whole, "RGB"))
    assert decoded.notes == ("stray bytes in a JPEG passed over",)


@pytest.mark.parametrize("place", ["before a table", "before the scan"])
@pytest.mark.parametrize("end", [b"", b"\xff\xd9"])
def test_a_jpeg_with_stray_bytes_that_is_cut_short_is_refused(place: str, end: bytes) -> None:
    options, marker, count = STRAY_PLACES[place]
    whole = encoded(SMOOTH, "JPEG", **options)
    at = segment_at(whole, marker, count)
    with pytest.raises(UndecodableError, match=r"damaged JPEG: .*[Pp]remature end"):
        decode_image(whole[:at] + b"\x01\x02\x03" + whole[at : len(whole) * 2 // 3] + end)


def test_bytes_behind_a_jpeg_are_nobodys_business() -> None:
    whole = encoded(SMOOTH, "JPEG")
    decoded = decode_noted(whole + b"appended" * 4)
    np.testing.assert_array_equal(decoded.values, pillow(whole, "RGB"))
    assert decoded.notes == ()


def test_a_jpeg_with_filled_markers_is_read() -> None:
    whole = encoded(SMOOTH, "JPEG")
    at = segment_at(whole, 0xDB)
    np.testing.assert_array_equal(decode_image(whole[:at] + b"\xff\xff" + whole[at:]), pillow(whole, "RGB"))


def test_images_that_are_kept_stay_as_they_were_decoded() -> None:
    files = [encoded(np.roll(SMOOTH, 8 * k, axis=0), "JPEG") for k in range(6)]
    kept = [decode_image(file)[::2] for file in files]
    for values, file in zip(kept, files, strict=True):
        np.testing.assert_array_equal(values, pillow(file, "RGB")[::2])
