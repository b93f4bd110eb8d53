"""JPEG 2000, JPEG XL, AVIF and HEIC: recognised by content, with the bits that they state, which Pillow shifts or cuts."""

from __future__ import annotations

import logging
import struct
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


def stated_bits(data: bytes, kind: str) -> tuple[int, int] | None:
    """Number of channels and bits of a channel by the header (ISO/IEC 15444-1, SIZ; ISO/IEC 23008-12, pixi); None if unstated."""
    head = data[:_LOOKED_AT]
    if kind == "JPEG 2000":
        start = head.find(_CODESTREAM)
        if start < 0 or len(head) < start + 43:
            return None
        (channels,) = struct.unpack_from(">H", head, start + 40)
        return int(channels), (head[start + 42] & 0x7F) + 1
    start = head.find(b"pixi")
    if start < 0 or len(head) < start + 10:
        return None
    return int(head[start + 8]), int(head[start + 9])


def unshifted(values: NDArray[Any], bits: tuple[int, int] | None, kind: str) -> NDArray[Any]:
    """The levels as stored: of JPEG 2000 in grey Pillow shifts them to the top of 8 or 16 bits.

    Raises :class:`UnsupportedError` for colour of more than 8 bits, whose lower bits Pillow cuts off.
    """
    if kind != "JPEG 2000" or bits is None:
        return values
    channels, used = bits
    if channels > 1 and used > 8:
        raise UnsupportedError(f"{used} bits in each of {channels} channels, of which Pillow reads 8: convert it to TIFF or PNG")
    room = 8 * values.dtype.itemsize - used
    return np.asarray(values >> room) if values.dtype.kind == "u" and room > 0 else values


def cut_note(bits: tuple[int, int] | None, kind: str) -> tuple[str, ...]:
    """The note on AVIF and HEIC of more than 8 bits, which Pillow reads as 8, as training pipelines do."""
    cut = kind in ("AVIF", "HEIC") and bits is not None and bits[1] > 8
    return (f"{bits[1]} bits a channel read as 8 ({kind})",) if cut and bits else ()


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
