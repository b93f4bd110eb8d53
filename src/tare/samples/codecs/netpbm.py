"""PBM, PGM and PPM files, plain and raw, up to 16 bits a channel; Pillow reads 16-bit colour as 8 bits.

The formats are those of Netpbm's manual pages pbm(5), pgm(5) and ppm(5).
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: A field of the header: white space and comments, then digits.
_FIELD = re.compile(rb"(?:[ \t\r\n\v\f]|#[^\r\n]*[\r\n])+(\d{1,10})(?!\d)")
_COMMENT = re.compile(rb"#[^\r\n]*")
_BILEVEL, _PLAIN, _COLOUR = b"14", b"123", b"36"


class Header(NamedTuple):
    """Digit of the format, size, largest level, and where the pixels begin."""

    digit: bytes
    width: int
    height: int
    largest: int
    start: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(H, W, C)``."""
        return self.height, self.width, 3 if self.digit in _COLOUR else 1


def header_of(data: bytes) -> Header:
    """Read the header. Raises ValueError if it is damaged."""
    digit, at = data[1:2], 2
    fields = []
    for _ in range(2 if digit in _BILEVEL else 3):
        found = _FIELD.match(data, at)
        if found is None:
            raise ValueError("its header lacks a number")
        fields.append(int(found[1]))
        at = found.end()
    largest = 1 if digit in _BILEVEL else fields[2]
    if not 0 < largest < 1 << 16:
        raise ValueError(f"its largest level is {largest}, not one of 1 to 65535")
    if digit not in _PLAIN and data[at : at + 1] not in (b" ", b"\t", b"\r", b"\n", b"\v", b"\f"):
        raise ValueError("its header does not end in white space")
    return Header(digit, fields[0], fields[1], largest, at if digit in _PLAIN else at + 1)


def read(data: bytes, header: Header) -> tuple[NDArray[Any], bool]:
    """Decode to ``(H, W, C)``, and whether more bytes of another image follow.

    Levels up to 255 become uint8 and others uint16, on the whole range of the type: the largest level is white. Raises ValueError
    for a file that is cut short or holds a level above the largest.
    """
    count = int(np.prod(header.shape))
    stored, behind = _plain(data, header, count) if header.digit in _PLAIN else _raw(data, header, count)
    if stored.size and int(stored.max()) > header.largest:
        raise ValueError(f"a level of {int(stored.max())} above the largest, {header.largest}")
    if header.digit in _BILEVEL:
        stored = 1 - stored  # 1 is black
    most = 255 if header.largest < 256 else 65535
    kind = np.uint8 if most == 255 else np.uint16
    if header.largest != most:
        stored = (stored.astype(np.int64) * (2 * most) + header.largest) // (2 * header.largest)
    return stored.astype(kind).reshape(header.shape), behind[:1] == b"P" and behind[1:2].isdigit()


def _raw(data: bytes, header: Header, count: int) -> tuple[NDArray[Any], bytes]:
    if header.digit == b"4":
        row = (header.width + 7) // 8
        size = row * header.height
        packed = np.frombuffer(_whole(data, header.start, size), np.uint8).reshape(header.height, row)
        return np.unpackbits(packed, axis=1, count=header.width), data[header.start + size :]
    kind = np.dtype(np.uint8 if header.largest < 256 else ">u2")
    size = count * kind.itemsize
    return np.frombuffer(_whole(data, header.start, size), kind), data[header.start + size :]


def _plain(data: bytes, header: Header, count: int) -> tuple[NDArray[Any], bytes]:
    text = _COMMENT.sub(b" ", data[header.start :])
    words = [bytes([sign]) for word in text.split() for sign in word] if header.digit == b"1" else text.split()
    if len(words) < count:
        raise ValueError(f"{len(words)} of {count} levels: it is cut short")
    if not all(word.isdigit() and len(word) < 10 for word in words[:count]):
        raise ValueError("a level that is no number")
    return np.array(words[:count], np.uint32) if count else np.zeros(0, np.uint32), b" ".join(words[count : count + 1])


def _whole(data: bytes, start: int, size: int) -> bytes:
    if len(data) < start + size:
        raise ValueError(f"{len(data) - start} of {size} bytes of pixels: it is cut short")
    return data[start : start + size]
