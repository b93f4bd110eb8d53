"""Batches as they come in a service, as blocks ``(N, P, C)`` of raw values."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError
from tare.monitoring.evidence.figures import thinned
from tare.monitoring.inputs import Values
from tare.monitoring.reference import Reference, fitted
from tare.samples.layout import Doubles, are_unnamed, channel_names, unit_scale
from tare.samples.sound.front_end import FrontEnd
from tare.sources.arrays.in_memory import numpy_of
from tare.sources.arrays.masked import check_unmasked
from tare.sources.rasters.georeferenced import in_colour_order
from tare.system.handed.tensors import is_tensor

_SEVERAL = 3  # axes of an array that is one picture in a list
_GREY = 2  # axes of one that is a grey picture, which is read as RGB where the reference is
#: Lengths of an axis of colours, where the reference is grey.
_COLOURS = (2, 3, 4)
#: How far unit floats may lie outside of [0, 1], and the largest share of them that may lie farther away.
_BEYOND, _SHARE_BEYOND = 0.1, 0.01
#: Pillow's modes whose numbers are no grey values and no red, green and blue.
_CODED = ("P", "PA", "CMYK", "YCbCr", "HSV", "LAB")


def blocks_of(batch: Any, reference: Reference, values: Values) -> list[NDArray[Any]]:
    """The samples of a batch as blocks of raw values: an array or tensor of many, or a list of images, arrays or tensors.

    Arrays are ``(N, C, ...)`` or ``(N, ..., C)``, whichever the reference's number of channels fits; where both fit, channels
    come first in a tensor and last in an array. A list may hold grey pictures among those in colours, as folders may.
    Raises :class:`DataError` for anything else.
    """
    channels = len(reference.taking.channels)
    if isinstance(batch, list | tuple):
        alone = [_array(each) for each in batch]
        if reference.taking.channels == channel_names(3) and reference.taking.dtype == "uint8":
            alone = [np.repeat(each[..., None], 3, axis=2) if each.ndim == _GREY else each for each in alone]
        arrays = [
            (array[None] if array.ndim != 0 else array.reshape(1, 1), is_tensor(each))
            for array, each in zip(alone, batch, strict=True)
        ]
    elif hasattr(batch, "getbands"):
        arrays = [(_array(batch)[None], False)]
    else:
        arrays = [(_array(_of_columns(batch, reference.taking.channels)), is_tensor(batch))]
    taking = reference.taking
    for array, _ in arrays:
        _check_heard(array, reference.front)
        _check_samples(array, reference)
    found = [_block(array, channels, first, rows=taking.rows) for array, first in arrays if array.size]
    return [
        fitted(_raw(thinned(block), reference, values), taking, block.dtype.name if values == "raw" else taking.dtype)
        for block in found
    ]


def columns_of(found: Sequence[str], wanted: tuple[str, ...]) -> tuple[str, ...] | None:
    """The columns of the reference where a table that names its own has them in another order or among others, else None.

    Bands that are named as colours are those of pictures, in whichever order and case.
    Raises :class:`DataError` for a table that lacks one of them, unless one side has no names of its own.
    """
    if tuple(found) == wanted:
        return None
    colours = in_colour_order(found)
    if colours is not None and wanted == channel_names(len(wanted)):
        return None if colours == tuple(found) else colours
    if set(wanted) <= set(found):
        return wanted
    if are_unnamed(wanted) or are_unnamed(found):
        return None
    missing = ", ".join(repr(name) for name in wanted if name not in found)
    raise DataError("the columns of the reference", f"none called {missing}", "rename them, or name a reference of these columns")


def _of_columns(batch: Any, wanted: tuple[str, ...]) -> Any:
    """A batch; of a table, whose columns have names, the columns of the reference in its order."""
    names = getattr(batch, "column_names", None)  # of Arrow
    if names is None and hasattr(batch, "to_numpy"):
        names = getattr(batch, "columns", None)
    if names is None:
        return batch
    found = tuple(map(str, names))
    columns = columns_of(found, wanted) or found
    twice = next((name for name in columns if found.count(name) > 1), None)
    if twice is not None:
        raise DataError("columns whose names differ", f"{twice!r} more than once", "rename one of them")
    return np.stack([_numbers(batch[names[found.index(name)]], name) for name in columns], axis=1)


def _numbers(column: Any, name: str) -> Doubles:
    """The numbers of a column of a table, NaN for missing ones; truth values are 0 and 1."""
    values = np.asarray(column)
    if values.dtype == object:  # numbers of which some are missing
        missing = np.asarray([each is None or str(each) == "<NA>" for each in values], np.bool_)
        if all(isinstance(each, Real) for each in values[~missing]):
            values = np.where(missing, np.nan, values).astype(np.float64)
    if values.dtype.kind not in "biuf" or hasattr(getattr(column, "dtype", None), "categories"):
        found = f"{getattr(column, 'dtype', values.dtype)} in {name!r}"
        raise DataError("columns of numbers", found, "pass the columns of the reference alone, as numbers")
    return values.astype(np.float64)


def _array(batch: Any) -> NDArray[Any]:
    """The values of a batch on the host. Raises :class:`DataError` for what is no array of numbers or colours."""
    if hasattr(batch, "getbands") and batch.mode in _CODED:
        raise DataError("an image in grey or RGB", f"one of mode {batch.mode!r}", "convert it as the training images were")
    if hasattr(batch, "getbands") and batch.mode == "1":
        batch = batch.convert("L")  # black is 0 and white 255, as in a file that is decoded
    array = numpy_of(batch.to_numpy() if hasattr(batch, "to_numpy") else batch)
    check_unmasked(array)
    if array.dtype.kind not in "biuf":
        raise DataError("a batch of numbers", f"an array of {array.dtype}", "pass an array, a tensor, images, or rows of numbers")
    return array


def _check_samples(array: NDArray[Any], reference: Reference) -> None:
    """Raise :class:`DataError` for one sample, whose rows or steps would count as samples.

    Samples of 8 bits are pictures, where the reference does not say how many axes a sample has.
    """
    taking = reference.taking
    if taking.rows:
        return
    channels, known = len(taking.channels), reference.axes or (_SEVERAL if taking.dtype == "uint8" else 0)
    fewest = max(2, known + (channels > 1 or array.shape[-1:] == (1,)))
    if array.ndim < fewest:
        expected = f"an array of {fewest} axes, samples first"
        raise DataError(expected, f"one of shape {array.shape}", "pass one sample as a list of one")


def _check_heard(array: NDArray[Any], front: FrontEnd | None) -> None:
    """Raise :class:`DataError` for other samples than the spectrograms of a front end for sound, such as its recordings."""
    if front is not None and front.size is not None:
        found = tuple(length for length in array.shape[1:] if length != 1)
        if found not in (front.size, front.size[::-1]):
            expected = f"spectrograms of {front.size[0]} frames and {front.size[1]} bins, as {front.name} makes them"
            raise DataError(expected, f"samples of shape {array.shape[1:]}", "pass what it returns before its normalisation")


def _block(array: NDArray[Any], channels: int, first: bool, *, rows: bool) -> NDArray[Any]:
    """One array with the axis of samples first as ``(N, P, C)``."""
    if rows and array.ndim <= 1 and channels == 1:
        return array.reshape(-1, 1, 1)
    if rows and array.ndim == 2 and array.shape[1] == channels:
        return array[:, None, :]
    if rows:
        expected = f"rows of the reference's {channels} column{'s' if channels > 1 else ''}"
        raise DataError(expected, f"an array of shape {array.shape}", "pass one number for each column and row")
    ends = (*array.shape[1:2], *array.shape[-1:])
    if channels == 1 and not (array.ndim > _SEVERAL and 1 in ends):
        if array.ndim > _SEVERAL and not {*ends}.isdisjoint(_COLOURS):
            found = f"an array of shape {array.shape}"
            raise DataError("samples of the reference's one channel", found, "convert colours, or add an axis of one channel")
        return array.reshape(len(array), -1, 1)
    if array.ndim >= _SEVERAL:
        second, last = array.shape[1] == channels, array.shape[-1] == channels
        if second and (first or not last):
            return np.moveaxis(array.reshape(len(array), channels, -1), 1, 2)
        if last:
            return array.reshape(len(array), -1, channels)
    expected = f"samples along the first axis, and {channels} channels along the second or the last"
    raise DataError(expected, f"an array of shape {array.shape}", "pass one sample as a list of one")


def put_back(block: NDArray[Any], reference: Reference) -> NDArray[Any]:
    """The raw values that arrive as the training set had them, for a network that was rewritten for a change of gain or offset.

    Values that mean no data, and missing ones, stay.
    """
    if not reference.arriving:
        return block
    taking = reference.taking
    gain, offset = (np.asarray(reference.arriving[name]) for name in ("gain", "offset"))
    scale = float(unit_scale(taking.dtype))
    back = (block.astype(np.float64) - offset / scale) / gain
    if taking.nodata:
        back = np.where(np.isin(block, taking.marks), block, back)
    kind = np.dtype(taking.dtype)
    return _with_gaps(np.round(back), kind) if kind.kind in "iu" else back


def _raw(block: NDArray[Any], reference: Reference, values: Values) -> NDArray[Any]:
    """The raw values of a block, in the reference's dtype where all of them can be."""
    if values == "raw":
        return block
    unit: Doubles = block.astype(np.float64)
    if values == "unit":
        _check_unit(block, reference)
    if values == "fed":
        mean, std = _constants(reference, block.shape[2])
        unit = unit * std + mean
    raw = unit / float(unit_scale(reference.taking.dtype))
    kind = np.dtype(reference.taking.dtype)
    if kind.kind not in "iu":
        return raw
    whole = np.round(raw)
    known = np.isfinite(whole).all() and whole.min(initial=0) >= np.iinfo(kind).min and whole.max(initial=0) <= np.iinfo(kind).max
    return whole.astype(kind) if known else _with_gaps(whole, kind)


def _check_unit(block: NDArray[Any], reference: Reference) -> None:
    """Raise :class:`DataError` for what are plainly no unit values; a resize may go a little beyond them."""
    if np.dtype(reference.taking.dtype).kind not in "iu":
        return
    if block.dtype.kind in "iu":
        raise DataError(
            "floats in [0, 1] for values='unit'", f"{block.dtype}", "pass values='raw', or divide by the largest code"
        )
    finite = block[np.isfinite(block)]
    outside = int(((finite < -_BEYOND) | (finite > 1 + _BEYOND)).sum())
    if outside > _SHARE_BEYOND * max(1, finite.size):
        found = f"{outside:,} of {finite.size:,} outside, from {finite.min():.4g} to {finite.max():.4g}"
        raise DataError("values in [0, 1] for values='unit'", found, "pass values='raw' or 'fed', or scale them")


def _with_gaps(whole: Doubles, kind: np.dtype[Any]) -> NDArray[Any]:
    """Values of which some are missing or outside of the dtype: those outside end at its ends, those missing stay NaN.

    An infinite value is missing, as in floats.
    """
    bounds = np.iinfo(kind)
    ended = np.where(np.isfinite(whole), np.clip(whole, bounds.min, bounds.max), np.nan)
    return ended if np.isnan(ended).any() else ended.astype(kind)


def _constants(reference: Reference, channels: int) -> tuple[Doubles, Doubles]:
    stated: list[Sequence[float]] = [reference.as_fed.get(name, ()) for name in ("mean", "std")]
    if any(len(each) != channels for each in stated):
        remedy = "pass values='raw' or 'unit', or a reference of a run"
        raise DataError("a reference that states mean and std of its network", "one without them", remedy)
    return np.asarray(stated[0], np.float64), np.asarray(stated[1], np.float64)
