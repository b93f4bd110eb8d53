"""Images that are broken, lie about themselves, or are no images: the bytes of each, by name."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Builder = Callable[[], bytes]


def pixels(seed: int = 0, side: int = 24) -> NDArray[np.uint8]:
    """A small colour photograph of nothing: smooth, so that JPEG keeps it."""
    ramp = np.linspace(0, 200, side)
    base = ramp[:, None, None] * 0.5 + ramp[None, :, None] * 0.4 + np.array([10.0, 20.0, 40.0])
    noise = np.random.default_rng(seed).normal(0, 8, base.shape)
    values: NDArray[np.uint8] = np.clip(base + noise, 0, 255).astype(np.uint8)
    return values


def encoded(kind: str, seed: int = 0, **options: object) -> bytes:
    """One good image in a format that Pillow writes."""
    buffer = io.BytesIO()
    Image.fromarray(pixels(seed)).save(buffer, kind, **options)
    return buffer.getvalue()


def bad_images() -> dict[str, Builder]:
    """File name to bytes, none of which holds a whole image."""
    found: dict[str, Builder] = {
        "empty.jpg": lambda: b"",
        "empty.png": lambda: b"",
        "one-byte.jpg": lambda: b"\xff",
        "zeros.png": lambda: bytes(4096),
        "text.jpg": lambda: b"this is no image\n" * 20,
        "html.png": lambda: b"<!doctype html><html><body>404 Not Found</body></html>",
        "script.svg.png": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "pickle.jpg": _pickle_that_writes,
        "header-only.jpg": lambda: encoded("JPEG")[:20],
        "no-end.jpg": lambda: encoded("JPEG")[:-200],
        "huge-claim.jpg": _huge_jpeg,
        "zero-size.jpg": lambda: _jpeg_size(0, 0),
        "flipped.jpg": lambda: flipped(encoded("JPEG"), 40),
        "magic-of-png.jpg": lambda: b"\x89PNG\r\n\x1a\n" + encoded("JPEG")[8:],
        "flipped.png": lambda: flipped(encoded("PNG"), 12),
        "truncated.png": lambda: encoded("PNG")[:-300],
        "no-pixels.png": lambda: _png(8, 8, b""),
        "bomb.png": lambda: _png(30000, 30000, zlib.compress(bytes(30000 * 100), 9)),
        "four-gigabytes.png": lambda: _png(65535, 65535, zlib.compress(b"\0" * 1000)),
        "negative-size.png": lambda: _png(0xFFFFFFFF, 0xFFFFFFFF, zlib.compress(b"\0")),
        "zero-size.png": lambda: _png(0, 0, zlib.compress(b"")),
        "wrong-crc.png": lambda: _png(24, 24, zlib.compress(bytes(24 * 73)), crc=False),
        "chunk-claims-4gb.png": _png_chunk_claim,
        "truncated.webp": lambda: encoded("WEBP")[:60],
        "flipped.webp": lambda: flipped(encoded("WEBP", lossless=True), 30),
        "riff-claims-4gb.webp": lambda: b"RIFF\xff\xff\xff\xffWEBPVP8 \xff\xff\xff\xff" + bytes(40),
        "truncated.gif": lambda: encoded("GIF")[:40],
        "no-frames.gif": lambda: b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0, 0, 0) + b";",
        "huge-claim.gif": lambda: b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b",",
        "truncated.tiff": lambda: encoded("TIFF")[:100],
        "directory-loop.tiff": lambda: b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 0) + struct.pack("<I", 8),
        "offsets-outside.tiff": _tiff_outside,
        "many-entries.tiff": lambda: b"II*\0" + struct.pack("<IH", 8, 65535) + bytes(200),
        "truncated.bmp": lambda: encoded("BMP")[:80],
        "negative-size.bmp": lambda: _bmp(-(2**31), -(2**31)),
        "huge-claim.bmp": lambda: _bmp(2**30, 2**30),
    }
    return found


def flipped(data: bytes, count: int, seed: int = 1) -> bytes:
    """``data`` with ``count`` random bytes inverted, never those of the format's name."""
    changed = bytearray(data)
    for place in np.random.default_rng(seed).integers(8, len(data), count):
        changed[place] ^= 0xFF
    return bytes(changed)


def _pickle_that_writes() -> bytes:
    """Protocol 0 by hand: unpickling it would create the file ``tare-was-here`` in the working directory."""
    return b"cos\nsystem\n(S'touch tare-was-here'\ntR."


def _jpeg_size(height: int, width: int) -> bytes:
    data = bytearray(encoded("JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def _huge_jpeg() -> bytes:
    return _jpeg_size(65500, 65500)


def _chunk(name: bytes, body: bytes, crc: bool = True) -> bytes:
    check = zlib.crc32(name + body) if crc else 0
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", check)


def _png(width: int, height: int, data: bytes, crc: bool = True) -> bytes:
    header = struct.pack(">IIBBBBB", width & 0xFFFFFFFF, height & 0xFFFFFFFF, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header, crc) + _chunk(b"IDAT", data, crc) + _chunk(b"IEND", b"")


def _png_chunk_claim() -> bytes:
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + struct.pack(">I", 0xFFFFFFFF) + b"IDAT" + bytes(50)


def _tiff_outside() -> bytes:
    entries = [
        (256, 3, 1, 8),
        (257, 3, 1, 8),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 2**31),
        (279, 4, 1, 2**31),
    ]
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + struct.pack("<I", 0)


def _bmp(width: int, height: int) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 100, 0, 0, 54) + info + bytes(100)
