"""An array in a container that is read by ranges of its axes, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError, TareError, reason_of, shell_word
from tare.samples.records import Facts, Part, Record
from tare.sources.arrays.axes import arranged, as_record
from tare.sources.arrays.in_memory import samples_per_chunk
from tare.sources.base import Indexed, Source, row_ranges
from tare.sources.options import Options

#: A larger sample is read in parts of about this many bytes.
_PART_BYTES = 32 << 20
#: Ranges hold whole stored chunks, so that none is decoded twice, unless that takes more bytes than this.
_MOST_ALIGNED = 256 << 20
#: A larger claim that is this many times the size of the file is a decompression bomb, or an array that was never filled.
_LARGE, _MOST_RATIO = 8 << 30, 10_000
#: A stored chunk is decoded whole: a larger one would fill the memory, and be decoded again for every range of samples.
_MOST_CHUNK = 1 << 30

#: Opens an array for reading by slices; picklable.
OpenArray = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Claimed:
    """What a container says of an array: ``along`` are the lengths of its stored chunks, if it has any."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    open: OpenArray
    along: tuple[int, ...] | None = None
    facts: Facts = ()


@dataclass(frozen=True)
class StoredArray(Source[tuple[int, int]]):
    """Samples along the first axis, or the whole array as one sample (``whole``)."""

    array: Claimed
    axes: str
    whole: bool
    channel_names: tuple[str, ...] | None = None
    remarks: tuple[str, ...] = ()

    @property
    def name(self) -> str:  # type: ignore[override]
        """The file and the array."""
        return self.array.name

    @property
    def stated(self) -> Facts:  # type: ignore[override]
        """What the container states of the values."""
        return self.array.facts

    def chunks(self) -> Iterator[tuple[int, int]]:
        """Ranges of samples that hold whole stored chunks."""
        shape = (1, *self.array.shape) if self.whole else self.array.shape
        step = samples_per_chunk(shape, self.array.dtype)
        if self.array.along and not self.whole:
            aligned = -(-step // self.array.along[0]) * self.array.along[0]
            fits = aligned * prod(shape[1:]) * self.array.dtype.itemsize <= _MOST_ALIGNED
            step = aligned if fits else step
        return row_ranges(shape[0], step)

    def chunk_length(self, chunk: tuple[int, int]) -> int:
        """Number of samples in the range."""
        return chunk[1] - chunk[0]

    def number(self) -> int:
        """Length of the first axis."""
        return 1 if self.whole else self.array.shape[0]

    def read(self, chunk: tuple[int, int]) -> Iterator[Record]:
        """One block of samples, or the parts of each if they are large. Raises :class:`DataError` if the file is damaged."""
        inner = self.array.shape if self.whole else self.array.shape[1:]
        large = prod(inner) * self.array.dtype.itemsize > _PART_BYTES
        try:
            with self.array.open() as array:
                if self.whole or large:
                    for index in range(*chunk):
                        yield from self._parts(array, index, inner)
                else:
                    block = _native(array[slice(*chunk)])
                    if len(block) != chunk[1] - chunk[0]:
                        raise DataError(f"{chunk[1]} samples, as the header says", f"fewer in {self.name!r}", "fetch it again")
                    yield as_record(f"{self.name}[{chunk[0]}]", block, self.axes)
        except TareError:
            raise
        except Exception as error:  # each library raises its own kinds for damaged files
            raise DataError(
                "an undamaged array", f"{self.name!r}: {reason_of(error) or type(error).__name__}", "fetch it again"
            ) from None

    def indexed(self) -> Indexed:
        """One sample along the first axis."""
        return Indexed(self.number(), lambda index: self.read((index, index + 1)))

    def _parts(self, array: Any, index: int, inner: tuple[int, ...]) -> Iterator[Part]:
        """One sample in blocks of whole stored chunks, all channels together."""
        axes = self.axes[1:]
        before = () if self.whole else (index,)
        path = self.name if self.whole else f"{self.name}[{index}]"
        along = (self.array.along or (1,) * len(self.array.shape))[len(before) :]
        steps = block_lengths(inner, along, axes, self.array.dtype.itemsize)
        for ranges in product(*(row_ranges(length, step) for length, step in zip(inner, steps, strict=True))):
            yield Part(path, _channels(_native(array[(*before, *(slice(*one) for one in ranges))]), axes))


def block_lengths(shape: tuple[int, ...], along: tuple[int, ...], axes: str, itemsize: int) -> list[int]:
    """The lengths of blocks that hold all channels and whole stored chunks, and about 32 MiB, however large the array is.

    ``along`` are the lengths of a stored chunk. Blocks grow along the last axes first, which lie side by side in the file.
    """
    steps = [length if letter == "C" else min(length, step) for length, step, letter in zip(shape, along, axes, strict=True)]
    for k in reversed(range(len(shape))):
        room = max(1, _PART_BYTES // (prod(steps) * itemsize))
        steps[k] = min(shape[k], steps[k] * room)
    return steps


def open_claimed(claimed: Claimed, options: Options, layout: str | None = None) -> StoredArray:
    """Give the axes their meaning. Raises :class:`DataError` for objects, records, empty arrays, and axes that say too little."""
    layout = layout or options.layout
    _check(claimed)
    _, axes, remarks = arranged(claimed.shape, claimed.dtype, layout, claimed.name)
    return StoredArray(claimed, axes, layout is not None and "N" not in layout.upper(), None, remarks)


def one_sample(claimed: Claimed, axes: str, names: tuple[str, ...] | None) -> StoredArray:
    """An array that is one sample, with one letter an axis, C among them anywhere."""
    _check(claimed)
    return StoredArray(claimed, f"N{axes}", True, names)


def _check(claimed: Claimed) -> None:
    check_numbers(claimed.dtype, claimed.name)
    if prod(claimed.shape) == 0 or not claimed.shape:
        raise DataError("an array with at least one sample", f"shape {claimed.shape} in {claimed.name!r}", "name another array")


def check_numbers(dtype: np.dtype[Any], name: str) -> None:
    """Raise :class:`DataError` unless values of a dtype are plain real numbers."""
    if dtype.kind == "O":
        raise DataError("an array of numbers", f"objects in {name!r}, which are never unpickled", "save the numbers themselves")
    if dtype.names or dtype.kind not in "buif":
        kind = f"records of {', '.join(dtype.names)}" if dtype.names else f"dtype {dtype}"
        raise DataError("an array of real numbers", f"{kind} in {name!r}", "name another array, or convert it")


def check_size(name: str, claimed: int, stored: int) -> None:
    """Raise :class:`DataError` for an array that claims far more bytes than its container holds."""
    if claimed > _LARGE and claimed > _MOST_RATIO * max(1, stored):
        found = f"{claimed:,} bytes claimed by {name!r}, of which {stored:,} are stored"
        raise DataError("an array that is filled", found, "check the file: it is a decompression bomb, or was never written")


def check_chunk(name: str, along: tuple[int, ...] | None, itemsize: int) -> None:
    """Raise :class:`DataError` for an array whose stored chunks, of the lengths ``along``, are too large to be decoded."""
    size = prod(along) * itemsize if along else 0
    if size > _MOST_CHUNK:
        found = f"chunks of {size:,} bytes in {name!r}"
        raise DataError(f"stored chunks of at most {_MOST_CHUNK:,} bytes, decoded", found, "store it again with smaller chunks")


def chosen(place: str, arrays: Mapping[str, str], stated: str | None) -> str:
    """The name of the array to read: the stated one, or the only one. ``arrays`` describe each array by its name.

    Raises :class:`DataError` if there is none, or several of which none is stated.
    """
    if stated is None and len(arrays) == 1:
        return next(iter(arrays))
    if not arrays:
        raise DataError(
            "an array or table of numbers in the file", f"none in {place!r}", "check it: links and objects are not read"
        )
    name = None if stated is None else next((each for each in arrays if each.strip("/") == stated.strip("/")), None)
    if name is None:
        shown = ", ".join(f"{each} {what}" for each, what in list(arrays.items())[:8]) + (", ..." if len(arrays) > 8 else "")
        found = f"{stated!r} for {place!r}" if stated else f"several in {place!r}"
        first = next(iter(arrays)).strip("/")
        remedy = f"name it: {shell_word(f'{place}#{first}')}, or --array {shell_word(first)}"
        raise DataError(f"one of the arrays or tables {shown}", found, remedy)
    return name


def described(shape: tuple[int, ...], dtype: object) -> str:
    """Shape and dtype of an array in a few signs."""
    return f"({' x '.join(map(str, shape))} {dtype})"


def _native(values: Any) -> NDArray[Any]:
    """An array in this machine's byte order, half precision as single."""
    array = np.asarray(values)
    if array.dtype.name == "float16":
        return array.astype(np.float32)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _channels(block: NDArray[Any], axes: str) -> tuple[NDArray[Any], ...]:
    if "C" not in axes:
        return (block.ravel(),)
    moved = np.moveaxis(block, axes.index("C"), 0)
    return tuple(channel.ravel() for channel in moved)
