"""The meaning of each axis of an array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError
from tare.samples.records import Rows, Stack, stacked_rows

#: An axis this short can be one of channels: grey, grey with alpha, colour, colour with alpha.
_MOST_CHANNELS = 4
_REMEDY = (
    "say what the axes mean, for example --layout NHWC, NCHW, NHW, NTC or NC, or without N for one sample a file: HWC, CHW, HW"
)
#: A first axis this short may as well count bands as samples.
_FEW = 32


class Arranged(NamedTuple):
    """The shape of an array with its samples along the first axis, one letter per axis, and what was assumed."""

    shape: tuple[int, ...]
    axes: str
    remarks: tuple[str, ...]


def arranged(shape: tuple[int, ...], dtype: np.dtype[Any], layout: str | None, name: str) -> Arranged:
    """Give each axis its meaning like :func:`axes_of`; a ``layout`` without N says that the whole array is one sample."""
    if layout and "N" not in layout.upper():
        return Arranged((1, *shape), axes_of((1, *shape), dtype, f"N{layout}", name), ())
    axes = axes_of(shape, dtype, layout, name)
    return Arranged(shape, axes, assumed(shape, axes) if layout is None else ())


def assumed(shape: tuple[int, ...], axes: str) -> tuple[str, ...]:
    """What is to be said of axes whose meaning was guessed; one axis counts samples for certain."""
    if len(axes) < 2:
        return ()
    number = f"{shape[axes.index('N')]:,}"
    along = f"samples along the {'first' if axes[0] == 'N' else 'last'} axis"
    samples = f"{number} rows of {shape[1]:,} columns" if axes == "NC" else f"{number} {along}"
    return (f"layout {axes} assumed for shape {shape}: {samples}; --layout states another",)


def layout_of_files(shapes: Sequence[tuple[int, ...]], dtype: np.dtype[Any], name: str) -> tuple[str, str]:
    """Guess the layout of several array files from their ``shapes``; also return the guess in words.

    A file is often one sample, but it may be a shard of many, and a row counted as a sample makes every standard error too
    small. So a layout is only assumed where the shapes leave no other plausible one: three axes of which the last or the first
    has few entries are one image a file, two axes of small integers or of equal length are one grey image a file, four axes are
    many images a file.

    Raises :class:`DataError` if the shapes leave several.
    """
    few = next((shape for shape in shapes if len(shape) != len(shapes[0])), None)
    if few is not None:
        raise DataError(
            "array files with one number of axes", f"shapes {shapes[0]} and {few} in {name!r}", "measure each kind by itself"
        )
    layout = _layout_of_files(shapes, dtype)
    if layout is None:
        found = f"shape{'s' if len({*shapes}) > 1 else ''} {', '.join(map(str, sorted({*shapes})[:3]))} in {name!r}"
        raise DataError("array files whose shapes show whether a file is one sample or many", found, _REMEDY)
    each = "the first axis of a file counts samples" if layout.startswith("N") else "each file is one sample"
    return layout, f"layout {layout} assumed for shapes such as {shapes[0]}: {each}; --layout states another"


def axes_of(shape: tuple[int, ...], dtype: np.dtype[Any], layout: str | None, name: str) -> str:
    """Return one letter per axis: N for samples (always the first), C for channels, other letters for positions.

    ``layout`` states them. Without it one axis is ``N``; two are ``NC``, a table; three are ``NHW`` for 8- and 16-bit
    integers, otherwise ``NTC`` or ``NCT``; four are ``NHWC`` or ``NCHW``. Of two possible channel axes, C is the one with at
    most four entries.

    Raises :class:`DataError` if neither or both have so few, if the array may as well be one square image with its channels
    last, if ``layout`` does not fit, or if the values are not numbers.
    """
    if dtype.kind not in "buif" or (dtype.kind == "f" and dtype.itemsize > 8):
        raise DataError("an array of real numbers of at most 64 bits", f"dtype {dtype} in {name!r}", "convert it to numbers")
    axes = _stated(shape, layout, name) if layout is not None else _guessed(shape, dtype)
    if axes is None:
        raise DataError(
            "an array whose shape shows its channel axis (at most 4 entries) and its samples",
            f"shape {shape} in {name!r}",
            _REMEDY,
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
        raise DataError(f"an array of {len(axes)} axes for layout {axes}", f"shape {shape} in {name!r}", _REMEDY)
    return axes


def _guessed(shape: tuple[int, ...], dtype: np.dtype[Any]) -> str | None:
    if not shape:
        return None
    if len(shape) in (1, 2):
        return "NC"[: len(shape)]
    first, last = shape[1] <= _MOST_CHANNELS, shape[-1] <= _MOST_CHANNELS
    if len(shape) == 3 and shape[0] == shape[1] > max(shape[2], _MOST_CHANNELS):
        return None  # as likely one image, channels last
    if len(shape) == 3:
        if dtype.name in ("uint8", "uint16", "bool"):
            return "NHW" if not first and not last else None
        return _either("NCT", "NTC", first, last)
    return _either("NCHW", "NHWC", first, last) if len(shape) == 4 else None


def _layout_of_files(shapes: Sequence[tuple[int, ...]], dtype: np.dtype[Any]) -> str | None:
    axes = tuple(zip(*shapes, strict=True))
    small = dtype.name in ("uint8", "uint16", "bool")
    if len(axes) == 2:
        planes = min(map(min, axes)) > _MOST_CHANNELS and (small or axes[0] == axes[1])
        return "HW" if planes else None
    if len(axes) == 3:
        return _image_or_shard(axes, shapes[0], dtype)
    return _guessed(shapes[0], dtype) if len(axes) == 4 else None


def _image_or_shard(axes: tuple[tuple[int, ...], ...], example: tuple[int, ...], dtype: np.dtype[Any]) -> str | None:
    """The layout of files with three axes, of each of which the lengths are given."""
    first, last = max(axes[0]) <= _MOST_CHANNELS, max(axes[-1]) <= _MOST_CHANNELS
    if first and last:
        return None
    if first:
        return "CHW"
    varies = len({*axes[0]}) > 1 and len({*axes[1]}) == 1  # shards, the last of them shorter, or images of one width
    if last:
        return None if varies else "HWC"
    if axes[0] == axes[1] and len({*axes[2]}) == 1 and max(axes[2]) < min(axes[0]):
        return "HWC"  # square, with more bands than four
    shards = max(axes[0]) > _FEW or varies
    return _guessed(example, dtype) if shards and example[0] != example[1] else None


def _either(if_first: str, if_last: str, first: bool, last: bool) -> str | None:
    if first == last:
        return None
    return if_first if first else if_last
