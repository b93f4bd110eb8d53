"""JPEG 2000, AVIF and HEIC: recognised by content, with the bits that they state, which Pillow shifts or cuts."""

from __future__ import annotations

import logging
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.samples.sixteen_bit import UnsupportedError

SUFFIXES = frozenset((".avif", ".jp2", ".j2k", ".j2c", ".heic", ".heif"))

_JP2, _CODESTREAM = b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51"
_AVIF, _HEIC = frozenset((b"avif", b"avis")), frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"))
_LOOKED_AT = 1 << 16


def newer_format(head: bytes) -> str | None:
    """Name the format that the first bytes announce, or None."""
    if head.startswith(_JP2) or head.startswith(_CODESTREAM):
        return "JPEG 2000"
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
