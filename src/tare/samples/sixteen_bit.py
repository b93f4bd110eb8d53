"""Images with 16 bits a channel in colour or with alpha, which Pillow would cut down to 8 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Pillow unpacks 16-bit samples to their high byte. Telling it the other byte order gives the low byte: two passes, all bits.
_OTHER_ORDER = {"16L": "16B", "16B": "16L", "16N": "16B" if np.little_endian else "16L"}
_BITS_PER_SAMPLE = 258


class UnsupportedError(Exception):
    """A kind of 16-bit image that cannot be read without losing bits."""


def is_deep_png(data: bytes) -> bool:
    """Whether a PNG stores 16 bits a channel in colour (type 2), grey with alpha (4) or colour with alpha (6)."""
    return len(data) > 26 and data[24] == 16 and data[25] in (2, 4, 6)


def is_deep_tiff(image: Any) -> bool:
    """Whether an image that Pillow opened stores 16 bits in each of several channels."""
    bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, ())
    return isinstance(bits, tuple) and len(bits) > 1 and max(bits) == 16


def read_deep(image: Any, reopened: Any) -> NDArray[np.uint16]:
    """Decode an image to ``(H, W, C)``, alpha included; Pillow opened it twice, as ``image`` and ``reopened``.

    Raises :class:`UnsupportedError` if Pillow cannot unpack it in both byte orders, and Pillow's errors for a damaged file.
    """
    reopened.tile = [_with_other_order(tile) for tile in reopened.tile]
    high, low = (np.asarray(opened).astype(np.uint16) for opened in (image, reopened))
    return np.asarray(high * 256 + low, dtype=np.uint16)


def grey_of(values: NDArray[Any]) -> NDArray[Any]:
    """Turn colour ``(H, W, 3)`` into grey ``(H, W, 1)`` of its type, weighed as Pillow weighs 8 bits (ITU-R BT.601)."""
    weights = np.array([19595, 38470, 7471], dtype=np.uint64)
    if values.dtype.kind == "f":
        return np.asarray(values @ (weights / 65536).astype(values.dtype))[..., None]
    return np.asarray((values.astype(np.uint64) @ weights + 0x8000) >> 16, values.dtype)[..., None]


def _with_other_order(tile: Any) -> Any:
    arguments = list(tile[3]) if isinstance(tile[3], tuple) else [tile[3]]
    mode, _, order = str(arguments[0]).partition(";")
    if order not in _OTHER_ORDER or not mode.startswith("RGB"):
        raise UnsupportedError(f"16 bits a channel stored as {arguments[0]!r}, which is not supported")
    arguments[0] = f"{mode};{_OTHER_ORDER[order]}"
    replaced = (*tile[:3], tuple(arguments))
    return type(tile)(*replaced) if hasattr(tile, "_fields") else replaced  # a plain tuple before Pillow 11
