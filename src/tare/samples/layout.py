"""Scale and channel names of raw values, by dtype and number of channels."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

#: An array of 64-bit floats, of any shape.
Doubles = NDArray[np.float64]

_INTEGER_SCALE = {
    "bool": Fraction(1),
    "uint8": Fraction(1, 255),
    "uint16": Fraction(1, 65535),
}

_CHANNEL_NAMES = {
    1: ("grey",),
    3: ("red", "green", "blue"),
}


def unit_scale(dtype: DTypeLike) -> Fraction:
    """Return the factor from raw to unit value: 1/255 for uint8, 1/65535 for uint16, 1 otherwise.

    Floats and wider integers (a CSV number, a joint angle) have no range of their own and stay unchanged.
    """
    return _INTEGER_SCALE.get(np.dtype(dtype).name, Fraction(1))


def raw_of(unit: Sequence[float], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Unit values as raw ones in their type, the nearest where that is one of whole numbers."""
    raw = np.asarray(unit) / float(unit_scale(dtype))
    return (np.rint(raw) if dtype.kind in "ui" else raw).astype(dtype)


def has_unit_range(dtype: DTypeLike) -> bool:
    """Whether unit values of a dtype lie in [0, 1] by its range."""
    return np.dtype(dtype).name in _INTEGER_SCALE


def clipped(values: Sequence[float], dtype: DTypeLike) -> tuple[float, ...]:
    """Clip unit values to [0, 1] if their type has that range; floats and wider integers have none."""
    if not has_unit_range(dtype):
        return tuple(values)
    return tuple(min(1.0, max(0.0, value)) for value in values)


def dtype_range(dtype: DTypeLike, bits: int | None = None) -> tuple[int, int] | None:
    """Return the least and the largest integer of a dtype, of ``bits`` in use if they are known; None for floats."""
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return 0, 1
    if kind.kind not in "iu":
        return None
    low, high = int(np.iinfo(kind).min), int(np.iinfo(kind).max)
    return (low, min(high, (1 << bits) - 1)) if bits is not None and kind.kind == "u" else (low, high)


def channel_names(count: int) -> tuple[str, ...]:
    """Name ``count`` channels: grey, or red, green, blue, else c0, c1, ..."""
    return _CHANNEL_NAMES.get(count) or tuple(f"c{index}" for index in range(count))
