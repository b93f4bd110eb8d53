"""JPEG files: read the header, and decode the pixels with simplejpeg (libjpeg-turbo, the fastest decoder measured).

Markers and segments are those of ITU-T T.81, annex B.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.system.scratch import scratch_memory

# Start-of-frame markers of all coding processes; C4, C8 and CC in between are tables.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN = 0xDA
# Part of simplejpeg's message about bytes between two segments.
_STRAY = "extraneous bytes before marker"


@dataclass(frozen=True, slots=True)
class Frame:
    """Size of an image and its number of components: 1 grey, 3 colour, 4 CMYK."""

    width: int
    height: int
    components: int


def frame_of(data: bytes | memoryview) -> Frame:
    """Read the frame header of a JPEG. Raises ValueError if it is damaged."""
    return _frame_at_once(data) or _frame_at_once(without_stray_bytes(bytes(data))) or _frame_of_decoder(data)


def _frame_at_once(data: bytes | memoryview) -> Frame | None:
    """The frame header if the segments before it are intact, else None; many times faster than the decoder."""
    at, size = 2, len(data)
    while at + 9 < size and data[at] == 0xFF:
        if data[at + 1] in _FRAMES:
            height, width = data[at + 5] << 8 | data[at + 6], data[at + 7] << 8 | data[at + 8]
            return Frame(width, height, data[at + 9])
        at += 2 + (data[at + 2] << 8 | data[at + 3])
    return None


def _frame_of_decoder(data: bytes | memoryview) -> Frame:
    import simplejpeg

    height, width, space, _ = simplejpeg.decode_jpeg_header(data)
    return Frame(width, height, {"Gray": 1, "CMYK": 4, "YCCK": 4}.get(space, 3))


def decode(data: bytes | memoryview, frame: Frame, *, grey: bool) -> tuple[NDArray[np.uint8], bool]:
    """Decode to ``(H, W, C)``; also return whether stray bytes between segments were skipped, which Pillow does silently.

    Raises ValueError for a file that is damaged or cut short.
    """
    import simplejpeg

    space = "GRAY" if grey else "RGB"
    buffer = scratch_memory(frame.width * frame.height * (1 if grey else 3), "pixels")
    try:
        return simplejpeg.decode_jpeg(data, space, buffer=buffer), False
    except ValueError as error:
        if _STRAY not in str(error):
            raise
    return _despite_stray_bytes(without_stray_bytes(bytes(data)), space), True


def without_stray_bytes(data: bytes) -> bytes:
    """Return a JPEG without the stray bytes between the segments of its header."""
    kept = [data[:2]]
    at = 2
    while (start := data.find(b"\xff", at)) >= 0 and start + 4 <= len(data):
        if data[start + 1] in (0x00, 0xFF):
            at = start + 1
            continue
        at = start + 2 + (data[start + 2] << 8 | data[start + 3])
        if data[start + 1] == _START_OF_SCAN:
            return b"".join((*kept, data[start:]))
        kept.append(data[start:at])
    return data


def _despite_stray_bytes(data: bytes, space: str) -> NDArray[Any]:
    import simplejpeg

    try:
        return np.asarray(simplejpeg.decode_jpeg(data, space))
    except ValueError as error:
        if _STRAY not in str(error):
            raise
    # The stray bytes lie between scans or restart intervals, which the decoder survives. It raises its last complaint, and the
    # complaint about a file cut short comes last.
    return np.asarray(simplejpeg.decode_jpeg(data, space, strict=False))
