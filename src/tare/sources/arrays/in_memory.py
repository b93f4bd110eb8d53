"""Arrays in memory, or mapped into memory from a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError, reason_of
from tare.samples.records import Facts, Kept, Record
from tare.sources.arrays.axes import arranged, as_record
from tare.sources.arrays.conventions import attributes_of, facts_of, meant_dtype
from tare.sources.arrays.masked import is_masked, kept
from tare.sources.base import Indexed, Source, row_ranges
from tare.sources.options import Options
from tare.system.handed.tensors import host_array, is_tensor

#: A chunk holds about this many bytes: enough that its fixed costs vanish, few enough that memory stays flat.
_CHUNK_BYTES = 8 << 20


@dataclass(frozen=True)
class ArraySource(Source[tuple[int, int]]):
    """An array with samples along the first axis; :func:`tare.sources.arrays.axes.axes_of` gives the meaning of the others."""

    name: str
    values: NDArray[Any]
    axes: str
    remarks: tuple[str, ...] = ()
    stated: Facts = ()

    def chunks(self) -> Iterator[tuple[int, int]]:
        """Ranges of samples."""
        return row_ranges(len(self.values), samples_per_chunk(self.values.shape, self.values.dtype))

    def chunk_length(self, chunk: tuple[int, int]) -> int:
        """Number of samples in the range."""
        return chunk[1] - chunk[0]

    def number(self) -> int:
        """Length of the first axis."""
        return len(self.values)

    def read(self, chunk: tuple[int, int]) -> Iterator[Record]:
        """One block of samples; of a masked array each sample by itself, of masked rows those that hide a value."""
        block, first = self.values[slice(*chunk)], chunk[0]
        axis = self.axes.index("C") - 1 if "C" in self.axes else None
        for begin, end, whole in _runs(block, by_row=self.axes in ("N", "NC")):
            if whole:
                yield as_record(f"{self.name}[{first + begin}]", np.ma.getdata(block[begin:end]), self.axes)
                continue
            yield from (self._kept(block, index, first, axis) for index in range(begin, end))

    def _kept(self, block: Any, index: int, first: int, axis: int | None) -> Kept:
        """The values of one sample of a block that are not hidden."""
        sample = block[index] if block.ndim > 1 else block[index : index + 1]  # a hidden number by itself has another type
        return kept(f"{self.name}[{first + index}]", np.ma.asarray(sample), axis)

    def indexed(self) -> Indexed:
        """One sample along the first axis."""
        return Indexed(len(self.values), lambda index: self.read((index, index + 1)))


def _runs(block: NDArray[Any], *, by_row: bool) -> Iterator[tuple[int, int, bool]]:
    """Cut a block into runs ``(begin, end, whether they hide nothing)``; images are not cut: sums stay those of a block."""
    if not is_masked(block) or not by_row:
        yield 0, len(block), not is_masked(block)
        return
    hides = np.asarray(np.ma.getmaskarray(block).reshape(len(block), -1).any(axis=1))
    ends = [*(np.flatnonzero(np.diff(hides)) + 1), len(block)]
    for begin, end in pairwise([0, *ends]):
        yield int(begin), int(end), not hides[begin]


def samples_per_chunk(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """Number of samples in a chunk. It depends on shape and dtype alone, so that every machine makes the same cuts."""
    return max(1, _CHUNK_BYTES // max(1, prod(shape[1:]) * dtype.itemsize))


def open_array(values: Any, options: Options) -> ArraySource:
    """Wrap a NumPy array or a torch tensor without a copy; of an array of an open file it counts what its attributes state."""
    array, attributes = numpy_of(values), attributes_of(values)
    if attributes:
        array = array.view(meant_dtype(attributes, array.dtype))
    if array.ndim == 0 or array.size == 0:
        raise DataError("an array with at least one sample", f"shape {array.shape}", "pass the samples along the first axis")
    name = f"array {array.dtype} {array.shape}"
    shape, axes, remarks = arranged(array.shape, array.dtype, options.layout, name)
    return ArraySource(name, array.reshape(shape), axes, remarks, facts_of(attributes, array.dtype))


def numpy_of(values: Any) -> NDArray[Any]:
    """Return a NumPy view of an array or a torch tensor (bfloat16, which NumPy lacks, becomes float32).

    Raises :class:`DataError` for what is no array: tensors that are sparse, quantised, nested, complex or without values,
    sequences of unequal length, objects that fail to give their values.
    """
    if isinstance(values, np.ndarray):
        return values
    if is_tensor(values):
        return host_array(values)
    try:
        # np.asarray() of a lazy array gives the values that its mask hides.
        return values.compute() if isinstance(getattr(values, "_meta", None), np.ma.MaskedArray) else np.asarray(values)
    except Exception as error:  # the object's own code
        found = f"an object of type {type(values).__name__!r}: {type(error).__name__}: {reason_of(error)}"
        raise DataError("an array of numbers", found, "convert it to a NumPy array first") from None
