"""A list of arrays, of tensors or of Pillow images in memory, each one sample."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tare.errors import DataError
from tare.samples.decode import UndecodableError, of_pillow
from tare.samples.records import Record, Sample, Skipped, stacked_rows
from tare.sources.arrays.axes import axes_of
from tare.sources.arrays.in_memory import numpy_of
from tare.sources.arrays.masked import is_masked, kept
from tare.sources.base import ItemSource
from tare.sources.options import Options

_ARRAYS, _IMAGES = "arrays", "Pillow images"
_REMEDY = "pass one kind: paths, arrays, tensors or Pillow images"


@dataclass(frozen=True)
class ListedImages(ItemSource[tuple[int, Any]]):
    """Pillow images, converted as the same images in files are."""

    name: str
    images: tuple[Any, ...]
    options: Options

    def items(self) -> Iterator[tuple[int, Any]]:
        """The images with their places in the list."""
        return enumerate(self.images)

    def number(self) -> int:
        """Length of the list."""
        return len(self.images)

    def read_item(self, item: tuple[int, Any]) -> Record:
        """The pixels of one image; a file that Pillow has opened is read only now, and may be damaged."""
        path, options = f"{self.name}[{item[0]}]", self.options
        try:
            decoded = of_pillow(item[1], options.channels, options.background, options.turned)
        except UndecodableError as error:
            return Skipped(path, str(error))
        return Sample(path, decoded.values, notes=decoded.notes)


@dataclass(frozen=True)
class ListedArrays(ItemSource[tuple[int, Any]]):
    """Arrays or tensors; ``axes`` as :func:`axes_of` gives them, with an N before those of one array."""

    name: str
    arrays: tuple[Any, ...]
    axes: str
    remarks: tuple[str, ...] = ()

    def items(self) -> Iterator[tuple[int, Any]]:
        """The arrays with their places in the list."""
        return enumerate(self.arrays)

    def number(self) -> int:
        """Length of the list."""
        return len(self.arrays)

    def read_item(self, item: tuple[int, Any]) -> Record:
        """One array."""
        path, values = f"{self.name}[{item[0]}]", numpy_of(item[1])
        if is_masked(values):
            return kept(path, values, self.axes.index("C") - 1 if "C" in self.axes else None)
        values = np.ma.getdata(values)
        if self.axes in ("N", "NC"):
            return stacked_rows(path, values.reshape(1, -1))
        last = values[..., None] if "C" not in self.axes else np.moveaxis(values, self.axes.index("C") - 1, -1)
        return Sample(path, last)


def is_listed(data: Any) -> bool:
    """Whether data is a list or tuple, or a Pillow image by itself."""
    return isinstance(data, list | tuple) or _kind_of(data) == _IMAGES


def open_listed(data: Any, options: Options) -> ListedImages | ListedArrays:
    """Wrap a list, or one Pillow image.

    Raises :class:`DataError` for an empty list, for items of several kinds, for other items, which it names, and for arrays whose
    axes mean different things.
    """
    items = tuple(data) if isinstance(data, list | tuple) else (data,)
    kind = _one_kind(items)
    name = f"{len(items)} {kind}" if len(items) > 1 else f"a {'Pillow image' if kind == _IMAGES else 'list of one array'}"
    if kind == _ARRAYS:
        axes, remarks = _one_layout(items, options.layout, name)
        return ListedArrays(name, items, axes, remarks)
    if options.layout is not None:
        raise DataError("Pillow images without a layout, which they state", f"layout {options.layout!r}", "leave it out")
    return ListedImages(name, items, options)


def _one_kind(items: Sequence[Any]) -> str:
    """The kind of all items. Raises :class:`DataError` if there is none, several, or one that is no data."""
    if not items:
        raise DataError("a list with at least one sample", "an empty list", "check what it was made of")
    kinds = [_kind_of(item) for item in items]
    counts = Counter(kinds)
    if len(counts) > 1:
        other = next(place for place, kind in enumerate(kinds) if kind != kinds[0])
        found = ", ".join(f"{count:,} {kind}" for kind, count in counts.most_common())
        raise DataError("a list of one kind", f"{found}; the first of another kind is at [{other}]", _REMEDY)
    if kinds[0] not in (_ARRAYS, _IMAGES):
        remedy = "make an array of them, for example np.asarray(values, np.float32)" if kinds[0] in _NUMBERS else _REMEDY
        raise DataError("a list of paths, arrays, tensors or Pillow images", f"{len(items):,} {kinds[0]}", remedy)
    return kinds[0]


_NUMBERS = ("of type int", "of type float", "of type list", "of type tuple")


def _kind_of(item: Any) -> str:
    if isinstance(item, str | os.PathLike):
        return "paths"
    if hasattr(item, "getbands") and hasattr(item, "mode"):
        return _IMAGES
    if isinstance(item, np.ndarray) or hasattr(item, "detach"):
        return _ARRAYS
    return f"of type {type(item).__name__}"


def _one_layout(arrays: Sequence[Any], layout: str | None, name: str) -> tuple[str, tuple[str, ...]]:
    """The axes of all arrays, with an N first, and what was assumed. Raises :class:`DataError` if they differ."""
    stated = None if layout is None else f"N{layout.upper().removeprefix('N')}"
    first, axes = arrays[0], ""
    for place, array in enumerate(arrays):
        values = numpy_of(array)
        found = axes_of((1, *values.shape), values.dtype, stated, f"{name}[{place}]")
        if axes and found != axes:
            seen = f"shapes {numpy_of(first).shape} and {values.shape}, read as {axes[1:]} and {found[1:]}"
            raise DataError("arrays whose axes mean the same", seen, "state it, for example layout='HWC'")
        axes = found
    if axes == "NC" and len({numpy_of(array).shape for array in arrays}) > 1:
        raise DataError("rows of one length", "arrays of several lengths", "for signals state layout='T', or 'TC' with channels")
    if layout is not None or axes in ("N", "NC"):
        return axes, ()
    return axes, (f"layout {axes[1:]} assumed for arrays of shape {numpy_of(first).shape}; layout= states another",)
