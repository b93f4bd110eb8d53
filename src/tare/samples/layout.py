"""Scale and channel names of raw values, by dtype and number of channels."""

from __future__ import annotations

import re
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
#: Names that are given to channels whose files name none.
_GIVEN = re.compile(r"red|green|blue|grey|c\d+|log-mel")
_SHOWN = 4


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


def are_unnamed(names: Sequence[str]) -> bool:
    """Whether tare gave all names of channels, so that they are paired by their places: those of a file may look alike."""
    given = (channel_names(len(names)), tuple(f"c{place}" for place in range(len(names))), ("log-mel",))
    return tuple(names) in given


def is_given(name: str) -> bool:
    """Whether a channel is called as one whose file names none."""
    return _GIVEN.fullmatch(name) is not None


def by_place(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    """A note on channels that are paired by their places under different names, at least one of them a file's own."""
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if a != b]
    if not pairs or (are_unnamed(one) and are_unnamed(other)):
        return ()
    shown = ", ".join(f"{a!r} with {b!r}" for a, b in pairs[:_SHOWN]) + (", ..." if len(pairs) > _SHOWN else "")
    return (f"channels are paired by their places: {shown}",)


def by_name(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    """A note on channels that are paired by their names, of which one side's may be no names but places: tare gives such."""
    if tuple(one) == tuple(other) or sorted(one) != sorted(other) or not (are_unnamed(one) or are_unnamed(other)):
        return ()
    return (f"channels are paired by their names, {', '.join(one)}; unnamed channels are called so by their places",)
