"""Bytes of an image file to raw values, by content rather than by name.

JPEG goes through simplejpeg (libjpeg-turbo, the fastest decoder measured), everything else through Pillow. Grey stays one
channel unless colour is asked for; alpha is dropped; a palette becomes its colours; CMYK becomes RGB; of an animated file
the first frame is read.
"""

from __future__ import annotations

import io
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

ColourMode = Literal["stored", "grey", "rgb"]

#: Decoding refuses larger images: the limit at which Pillow speaks of a decompression bomb.
MAX_PIXELS = 178_956_970

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
)

SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm")
)

_NETPBM = (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6")


class UndecodableError(Exception):
    """The bytes are not an image that can be read; the message is the reason, in one line."""


def image_format(head: bytes) -> str | None:
    """Name the image format that the first bytes of a file announce, or None."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[:2] in _NETPBM and head[2:3] in b" \t\r\n#":
        return "PNM"
    return None


def decode_image(data: bytes, colour: ColourMode = "stored") -> NDArray[Any]:
    """Decode to raw values ``(H, W, C)``: uint8, or uint16 or float32 where the file stores those.

    Raises :class:`UndecodableError` for anything that is not a complete, readable image of at most ``MAX_PIXELS``.
    """
    if not data:
        raise UndecodableError("the file is empty")
    kind = image_format(data[:16])
    if kind is None:
        raise UndecodableError(f"not an image: it begins with {data[:8]!r}")
    return _decode_jpeg(data, colour) if kind == "JPEG" else _decode_other(data, kind, colour)


def _decode_jpeg(data: bytes, colour: ColourMode) -> NDArray[Any]:
    import simplejpeg

    try:
        height, width, stored, _ = simplejpeg.decode_jpeg_header(data)
        _check_size(width, height)
        if stored in ("CMYK", "YCCK"):
            return _decode_other(data, "JPEG", colour)
        grey = colour == "grey" or (colour == "stored" and stored == "Gray")
        pixels: NDArray[Any] = simplejpeg.decode_jpeg(data, "GRAY" if grey else "RGB")
    except ValueError as error:
        raise UndecodableError(f"damaged JPEG: {_one_line(error)}") from None
    return pixels


def _decode_other(data: bytes, kind: str, colour: ColourMode) -> NDArray[Any]:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            _check_size(*image.size)
            return _pixels(image, colour)
    except UndecodableError:
        raise
    except Exception as error:  # Pillow's plugins raise OSError, SyntaxError, struct.error, ValueError and more
        raise UndecodableError(f"damaged {kind}: {_one_line(error)}") from None


def _pixels(image: Any, colour: ColourMode) -> NDArray[Any]:
    mode = image.mode
    if mode in ("I;16", "I;16L", "I;16B", "I", "F"):
        values = np.asarray(image)
        deep = values.astype(np.uint16) if mode != "F" else values.astype(np.float32)
        if mode == "I" and not np.array_equal(deep, values):
            deep = values.astype(np.float32)
        return np.repeat(deep[..., None], 3, axis=-1) if colour == "rgb" else deep[..., None]
    wants_grey = colour == "grey" or (colour == "stored" and mode in ("1", "L", "LA", "La"))
    converted = image.convert("L" if wants_grey else "RGB")
    values = np.asarray(converted)
    return values[..., None] if wants_grey else values


def _check_size(width: int, height: int) -> None:
    if width <= 0 or height <= 0:
        raise UndecodableError(f"the header claims {width} x {height} pixels")
    if width * height > MAX_PIXELS:
        raise UndecodableError(f"the header claims {width} x {height} pixels, more than the limit of {MAX_PIXELS}")


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."
