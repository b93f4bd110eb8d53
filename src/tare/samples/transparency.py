"""Composite images with alpha over a background of one colour."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError

#: A colour in 8-bit levels: red, green, blue.
Background = tuple[int, int, int]

_HEX = re.compile(r"#?([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")


def background_of(alpha: str, colour: str | None) -> Background | None:
    """The background to composite over (white unless stated), or None to drop alpha.

    Raises :class:`DataError` for an unknown mode, a malformed colour, or a colour although alpha is dropped.
    """
    if alpha not in ("drop", "composite"):
        raise DataError("alpha 'drop' or 'composite'", repr(alpha), "choose one of them")
    if alpha == "drop":
        if colour is not None:
            raise DataError("a background only where alpha is composited", f"{colour!r}", "add --alpha composite")
        return None
    stated = _HEX.fullmatch(colour if colour is not None else "ffffff")
    if stated is None:
        raise DataError("a background such as ffffff: red, green and blue in hexadecimal", f"{colour!r}", "correct it")
    red, green, blue = (int(level, 16) for level in stated.groups())
    return red, green, blue


def composited(values: NDArray[Any], background: Background) -> NDArray[Any]:
    """Composite pixels ``(H, W, C + 1)`` over a background, to ``(H, W, C)``; alpha is last and not premultiplied.

    Each value becomes ``a v + (1 - a) b``, rounded to the nearest level of the dtype (uint8 or uint16). Stored values are
    mixed without regard to gamma, as browsers and Pillow do. Grey images get the background's grey (ITU-R BT.601).
    Source: Porter and Duff, Compositing digital images, SIGGRAPH 1984 (the operator "over").
    """
    most = int(np.iinfo(values.dtype).max)
    wide = values.astype(np.uint64)
    colour, alpha = wide[..., :-1], wide[..., -1:]
    behind = np.array(background if colour.shape[-1] == 3 else [_grey(background)], np.uint64) * np.uint64(most // 255)
    return ((colour * alpha + behind * (most - alpha) + most // 2) // most).astype(values.dtype)


def described(background: Background | None) -> str:
    """The note of a measurement on images with alpha."""
    return "alpha channel dropped" if background is None else f"alpha channel composited over #{bytes(background).hex()}"


def _grey(background: Background) -> int:
    red, green, blue = background
    return (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16
