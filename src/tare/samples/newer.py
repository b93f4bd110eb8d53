"""JPEG 2000, JPEG XL, AVIF and HEIC: recognised by content, with the bits that they state, which Pillow shifts or cuts."""

from __future__ import annotations

import io
import logging
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.samples.sixteen_bit import UnsupportedError

SUFFIXES = frozenset((".avif", ".jp2", ".j2k", ".j2c", ".heic", ".heif", ".jxl"))

_JP2, _CODESTREAM = b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51"
_AVIF, _HEIC = frozenset((b"avif", b"avis")), frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"))
_JXL, _JXL_BOXES = b"\xff\x0a", b"\x00\x00\x00\x0cJXL \r\n\x87\n"
_LOOKED_AT = 1 << 16


def newer_format(head: bytes) -> str | None:
    """Name the format that the first bytes announce, or None."""
    if head.startswith(_JP2) or head.startswith(_CODESTREAM):
        return "JPEG 2000"
    if head.startswith(_JXL) or head.startswith(_JXL_BOXES):
        return "JPEG XL"
    if head[4:8] != b"ftyp":
        return None
    return "AVIF" if head[8:12] in _AVIF else "HEIC" if head[8:12] in _HEIC else None


_PILLOW, _SILENT = logging.getLogger("PIL"), logging.NullHandler()


def prepare(kind: str) -> None:
    """Let Pillow read HEIC, and print nothing. Raises :class:`UnsupportedError` without the package that HEIC takes."""
    _PILLOW.addHandler(_SILENT)  # what it finds is said in one line; a logger without a handler prints on standard error
    if kind != "HEIC":
        return
    try:
        import pillow_heif
    except ImportError:
        raise UnsupportedError("a codec that Pillow lacks: pip install 'tare[heic]'") from None
    pillow_heif.register_heif_opener()


def jp2_bits(data: bytes) -> tuple[int, int] | None:
    """Number of channels and bits of a channel of a JPEG 2000 by its header (ISO/IEC 15444-1, SIZ); None if it has none.

    Raises :class:`UnsupportedError` for signed channels, which Pillow shifts, and for channels of different depths.
    """
    head = data[:_LOOKED_AT]
    start = head.find(_CODESTREAM)
    if start < 0 or len(head) < start + 43:
        return None
    (channels,) = struct.unpack_from(">H", head, start + 40)
    stated = {head[at] for at in range(start + 42, min(len(head), start + 42 + 3 * channels), 3)}
    if len(stated) > 1:
        raise UnsupportedError("channels of different depths or signs: convert it to TIFF")
    if head[start + 42] & 0x80:
        raise UnsupportedError("signed values, which Pillow shifts to be positive: convert it to TIFF")
    return int(channels), head[start + 42] + 1


def unshifted(values: NDArray[Any], bits: tuple[int, int] | None) -> NDArray[Any]:
    """The levels as stored: of JPEG 2000 in grey Pillow shifts them to the top of 8 or 16 bits.

    Raises :class:`UnsupportedError` for colour of more than 8 bits, whose lower bits Pillow cuts off.
    """
    if bits is None:
        return values
    channels, used = bits
    if channels > 1 and used > 8:
        raise UnsupportedError(f"{used} bits in each of {channels} channels, of which Pillow reads 8: convert it to TIFF or PNG")
    room = 8 * values.dtype.itemsize - used
    return np.asarray(values >> room) if values.dtype.kind == "u" and room > 0 else values


def deep_bits(data: bytes, kind: str) -> int:
    """The most bits that a channel of an AVIF or HEIC has by its boxes pixi, av1C and hvcC (ISO/IEC 23008-12, 14496-15)."""
    head = data[:_LOOKED_AT]
    found = [8]
    for at in _places(head, b"pixi"):
        found += head[at + 9 : at + 9 + head[at + 8]] if at + 9 < len(head) else []
    for at in _places(head, b"av1C"):
        found += [(8, 10, 8, 12)[head[at + 6] >> 6 & 1 | (head[at + 6] >> 5 & 1) << 1]] if at + 6 < len(head) else []
    for at in _places(head, b"hvcC"):
        found += [8 + (head[at + 21] & 7)] if at + 21 < len(head) else []
    return max(found) if kind in ("AVIF", "HEIC") else 8


def read_deep_coded(data: bytes, kind: str, bits: int, place: int | None) -> NDArray[Any]:
    """Pixels ``(H, W, C)`` as stored of an AVIF or HEIC that holds more than 8 bits, with alpha behind the colours.

    ``place`` is the frame or image; None takes the first frame of an AVIF and the primary image of a HEIC, which may have 8 bits.

    Raises :class:`UnsupportedError` without the package that it takes, and the package's own errors for a damaged file.
    """
    if kind == "HEIC":
        import pillow_heif

        file = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False, hdr_to_16bit=False)
        values = np.asarray(file[file.primary_index if place is None else place])
    else:
        try:
            from imagecodecs import avif_decode
        except ImportError:
            remedy = "pip install 'tare[science]', or convert it to PNG"
            raise UnsupportedError(f"{bits} bits a channel, of which Pillow reads 8: {remedy}") from None
        values = np.asarray(avif_decode(data, index=place or 0))
    return values[..., None] if values.ndim == 2 else values


def _places(head: bytes, name: bytes) -> Iterator[int]:
    at = head.find(name)
    while at >= 0:
        yield at
        at = head.find(name, at + 4)


def read_jxl(data: bytes) -> NDArray[Any]:
    """Pixels ``(H, W, C)`` of a JPEG XL as stored, with alpha behind the colours; of an animation the first frame.

    Raises :class:`UnsupportedError` without the package that it takes, and the package's own errors for a damaged file.
    """
    try:
        from imagecodecs import jpegxl_decode
    except ImportError:
        raise UnsupportedError("a codec that Pillow lacks: pip install 'tare[science]', or convert it to PNG") from None
    values = np.asarray(jpegxl_decode(data, index=0))
    return values[..., None] if values.ndim == 2 else values


def jxl_size(data: bytes) -> tuple[int, int]:
    """Width and height by the header (ISO/IEC 18181-1, SizeHeader); an error of index for one that is cut short."""
    start = 2 if data.startswith(_JXL) else _in_boxes(data)
    bits = _Bits(int.from_bytes(data[start : start + 16].ljust(1, b"\0"), "little"))
    small = bits.take(1)
    height = 8 * (bits.take(5) + 1) if small else bits.size()
    ratio = bits.take(3)
    if ratio:
        wide, high = _RATIOS[ratio - 1]
        return height * wide // high, height
    return (8 * (bits.take(5) + 1) if small else bits.size()), height


#: Width to height, by the three bits that name it.
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


class _Bits:
    """Bits of a number from its lowest."""

    def __init__(self, value: int) -> None:
        self.value = value

    def take(self, count: int) -> int:
        taken = self.value & ((1 << count) - 1)
        self.value >>= count
        return taken

    def size(self) -> int:
        return self.take((9, 13, 18, 30)[self.take(2)]) + 1


def _in_boxes(data: bytes) -> int:
    """Where the size stands in a file of boxes: behind the signature of its code stream, whole or in parts."""
    place = 0
    while place + 8 <= len(data):
        length, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        if kind in (b"jxlc", b"jxlp"):
            return place + (10 if kind == b"jxlc" else 14)
        if length < 8:
            break
        place += length
    raise IndexError("no code stream")
