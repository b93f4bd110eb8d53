"""The meaning of each axis of an array."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError
from tare.samples.records import Rows, Stack, stacked_rows

#: An axis this short can be one of channels: grey, grey with alpha, colour, colour with alpha.
_MOST_CHANNELS = 4
_REMEDY = "say what the axes mean, for example --layout NHWC, NCHW, NHW, NTC or NC"


def axes_of(shape: tuple[int, ...], dtype: np.dtype[Any], layout: str | None, name: str) -> str:
    """Return one letter per axis: N for samples (always the first), C for channels, other letters for positions.

    ``layout`` states them. Without it one axis is ``N``; two are ``NC``, a table; three are ``NHW`` for 8- and 16-bit
    integers, otherwise ``NTC`` or ``NCT``; four are ``NHWC`` or ``NCHW``. Of two possible channel axes, C is the one with at
    most four entries.

    Raises :class:`DataError` if neither or both have so few, if ``layout`` does not fit, or if the values are not numbers.
    """
    if dtype.kind not in "buif":
        raise DataError("an array of real numbers", f"dtype {dtype} in {name!r}", "convert it to numbers")
    axes = _stated(shape, layout, name) if layout is not None else _guessed(shape, dtype)
    if axes is None:
        raise DataError(
            "an array with exactly one possible channel axis (at most 4 entries)", f"shape {shape} in {name!r}", _REMEDY
        )
    return axes


def as_record(path: str, block: NDArray[Any], axes: str) -> Stack | Rows:
    """Turn a block of samples into a record; ``axes`` as :func:`axes_of` returns them."""
    if axes in ("N", "NC"):
        return stacked_rows(path, block.reshape(len(block), -1))
    if "C" not in axes:
        return Stack(path, block[..., None])
    return Stack(path, block, channels_first=axes[1] == "C")


def _stated(shape: tuple[int, ...], layout: str, name: str) -> str:
    axes = layout.upper()
    unclear = len(set(axes)) < len(axes) or not axes.isalpha() or not axes.startswith("N") or "C" in axes[2:-1]
    if unclear:
        raise DataError("a layout such as NHWC: N first, C second or last, no letter twice", f"{layout!r}", _REMEDY)
    if len(axes) != len(shape):
        raise DataError(f"an array of {len(axes)} axes for layout {layout!r}", f"shape {shape} in {name!r}", _REMEDY)
    return axes


def _guessed(shape: tuple[int, ...], dtype: np.dtype[Any]) -> str | None:
    if not shape:
        return None
    if len(shape) in (1, 2):
        return "NC"[: len(shape)]
    first, last = shape[1] <= _MOST_CHANNELS, shape[-1] <= _MOST_CHANNELS
    if len(shape) == 3:
        if dtype.name in ("uint8", "uint16", "bool"):
            return "NHW" if not first and not last else None
        return _either("NCT", "NTC", first, last)
    return _either("NCHW", "NHWC", first, last) if len(shape) == 4 else None


def _either(if_first: str, if_last: str, first: bool, last: bool) -> str | None:
    if first == last:
        return None
    return if_first if first else if_last
