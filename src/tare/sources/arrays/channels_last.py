"""Arrays of samples as networks take them: samples along the first axis, channels along the last."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError
from tare.sources.arrays.axes import axes_of

#: An axis this short is one of channels where no other is: grey, grey with alpha, colour, colour with alpha.
_MOST_CHANNELS = 4
#: The steps of a signal are at least so many times its channels, unless a layout is stated.
_TIMES = 4
#: Rows of more numbers than this are signals of one channel.
_ROW = 32
_SMALL = ("uint8", "uint16", "bool")


class Placed(NamedTuple):
    """Samples with their channels last, and what was assumed of the axes."""

    values: NDArray[Any]
    remarks: tuple[str, ...] = ()


def channels_last(
    values: NDArray[Any], name: str, layout: str | None = None, channels: int | None = None, *, signals: bool = False
) -> Placed:
    """Bring the channels of samples ``(N, ...)`` to the last axis.

    A ``layout`` states the axes. Without it ``(N, T)`` of more than 32 numbers are signals, ``(N, H, W)`` of 8 and 16 bits are
    grey images. Of other arrays the axis has the channels that has as many entries as a network takes ``channels``; else the one
    of at most four entries; else the shorter one, of signals where the other is four times as long, of images where the two
    others are equal. ``signals`` says that a network takes signals.

    Raises :class:`DataError` for axes that may mean one thing or another, and for what are no numbers.
    """
    if values.dtype.kind not in "buif" or values.ndim not in ((2, 3, 4) if layout is None else (2, 3, 4, 5)):
        raise DataError(
            "an array of images, signals or rows of numbers", f"{values.dtype} {values.shape} in {name!r}", "convert it"
        )
    if layout is not None and not layout.upper().startswith("N"):
        raise DataError("a layout that begins with N, the samples", f"{layout!r} for {name!r}", "for example --layout NTC")
    if layout is not None:
        return Placed(_moved(values, axes_of(values.shape, values.dtype, layout, name)))
    if values.ndim == 2:
        return Placed(values[..., None] if values.shape[1] > _ROW else values)
    small = values.dtype.name in _SMALL and not signals
    if values.ndim == 3 and small and min(values.shape[1:]) > _MOST_CHANNELS:
        return Placed(values[..., None])
    first, last = ("NCT", "NTC") if values.ndim == 3 else ("NCHW", "NHWC")
    axes, certain = (None, True) if values.ndim == 3 and small else _either(values.shape, first, last, channels)
    if axes is None:
        possible = f"{first} or {last}" if not small or values.ndim == 4 else f"NHW, {first} or {last}"
        found = f"shape {values.shape} in {name!r}, which may be {possible}"
        raise DataError("an array whose axes can be told apart", found, f"state --layout {possible}")
    remark = f"layout {axes} assumed for shape {values.shape} of {name!r}; --layout states another"
    return Placed(_moved(values, axes), () if certain else (remark,))


def _either(shape: tuple[int, ...], first: str, last: str, channels: int | None) -> tuple[str | None, bool]:
    """The axes whose channels are second or last, None where they may be both; and whether that is certain."""
    second, end = shape[1], shape[-1]
    for as_second, as_end in ((second == channels, end == channels), (second <= _MOST_CHANNELS, end <= _MOST_CHANNELS)):
        if as_second != as_end:
            return (first if as_second else last), True
        if as_second:
            return None, True
    short, long = sorted((second, end))
    apart = shape[2] in (second, end) and short < long if len(shape) == 4 else _TIMES * short <= long
    return ((first if second < end else last) if apart else None), False


def _moved(values: NDArray[Any], axes: str) -> NDArray[Any]:
    if axes == "N":
        return values
    return np.moveaxis(values, axes.index("C"), -1) if "C" in axes else values[..., None]
