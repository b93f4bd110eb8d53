"""The tensors of a ``.safetensors`` file, read by slices: never mapped, so that a file that is cut meanwhile is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError, reason_of
from tare.system.local.opened import fill

_MOST_HEADER = 100 << 20
_BITS = {
    "F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U8": 8, "U16": 16, "U32": 32,
    "U64": 64, "BOOL": 8,
}  # fmt: skip


@dataclass(frozen=True)
class Tensor:
    """A tensor of a file: its type by the format's name, its shape, and the place of its first byte."""

    kind: str
    shape: tuple[int, ...]
    place: int


class TensorSlices:
    """Slices of one tensor as NumPy arrays: whole numbers and ranges, as of an array."""

    def __init__(self, file: BinaryIO, tensor: Tensor, dtype: np.dtype[Any]) -> None:
        self.file, self.tensor, self.dtype = file, tensor, dtype

    def __getitem__(self, place: Any) -> NDArray[Any]:
        """The values at a place. Raises :class:`DataError` if the file ends before them."""
        places = place if isinstance(place, tuple) else (place,)
        shape = self.tensor.shape
        ranges = [_range(one, length) for one, length in zip(places, shape, strict=False)]
        ranges += [range(length) for length in shape[len(ranges) :]]
        values = np.empty([len(one) for one in ranges], self.dtype)
        memory, done = memoryview(values.reshape(-1).view(np.uint8)), 0  # type: ignore[arg-type]
        for start, length in _runs(ranges, shape):
            self.file.seek(self.tensor.place + start * self.dtype.itemsize)
            size = length * self.dtype.itemsize
            if fill(self.file, memory[done : done + size]) < size:
                raise DataError("a whole .safetensors file", "one that ends before its values", "fetch it again")
            done += size
        kept = tuple(0 if not isinstance(one, slice) else slice(None) for one in places)
        values = values[kept]
        return _single(values) if self.tensor.kind == "BF16" else values


def tensors_in(file: BinaryIO, name: str) -> dict[str, Tensor]:
    """The tensors of an open file by their names. Raises :class:`DataError` if its header is damaged or does not fit the file."""
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little")
    try:
        if not 2 <= length <= min(_MOST_HEADER, size - 8):
            raise ValueError(f"a header of {length:,} bytes in a file of {size:,}")
        header = json.loads(file.read(length))
        return {key: _tensor(key, one, 8 + length, size) for key, one in header.items() if key != "__metadata__"}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DataError(
            "a .safetensors file", f"{name!r}: {reason_of(error) or type(error).__name__}", "fetch it again"
        ) from None


def _tensor(name: str, stated: dict[str, Any], base: int, size: int) -> Tensor:
    kind, shape, (start, stop) = str(stated["dtype"]), tuple(stated["shape"]), stated["data_offsets"]
    numbers = (*shape, start, stop)
    if not all(isinstance(number, int) and not isinstance(number, bool) and number >= 0 for number in numbers):
        raise ValueError(f"{name!r} has no shape and place of whole numbers")
    if not start <= stop <= size - base:
        raise ValueError(f"{name!r} ends at byte {base + stop:,} of {size:,}")
    if kind in _BITS and prod(shape) * _BITS[kind] != 8 * (stop - start):
        raise ValueError(f"{name!r} of shape {shape} has {stop - start:,} bytes")
    return Tensor(kind, shape, base + start)


def _range(place: Any, length: int) -> range:
    return range(*place.indices(length)) if isinstance(place, slice) else range(length)[place : place + 1]


def _runs(ranges: Sequence[range], shape: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First value and number of values of each stretch that lies together."""
    last = max((axis for axis, one in enumerate(ranges) if len(one) < shape[axis]), default=0)
    strides = [prod(shape[axis + 1 :]) for axis in range(len(shape))]
    length = len(ranges[last]) * strides[last]
    if length:
        for place in product(*ranges[:last]):
            yield sum(map(int.__mul__, place, strides)) + ranges[last].start * strides[last], length


def _single(upper: NDArray[Any]) -> NDArray[Any]:
    """bfloat16, whose bits are the upper half of single precision."""
    return (upper.astype(np.uint32) << 16).view(np.float32)
