"""Array files that can only be read from their beginning: compressed, archived or behind a URL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any, BinaryIO

import numpy as np

from tare.errors import DataError
from tare.samples.records import Record
from tare.sources.arrays.axes import as_record
from tare.sources.arrays.in_memory import ArraySource, samples_per_chunk
from tare.sources.base import Indexed, Source

#: A header that claims more for one sample is damaged, and believing it would exhaust the memory.
_LARGEST_SAMPLE = 1 << 30

#: Opens a file at a fixed place; picklable.
OpenFile = Callable[[], AbstractContextManager[BinaryIO]]


@dataclass(frozen=True)
class Header:
    """Shape and dtype, which precede the values of a streamed array."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class StreamedArray(Source[tuple[int, bytes]]):
    """An array in C order that is read from its beginning: ``open_at_values`` gives the file, placed at the first value."""

    name: str
    header: Header
    axes: str
    open_at_values: OpenFile
    remarks: tuple[str, ...] = ()

    def chunks(self) -> Iterator[tuple[int, bytes]]:
        """Index of a chunk's first sample, and the bytes of its samples. Raises :class:`DataError` if the file ends early."""
        step = samples_per_chunk(self.header.shape, self.header.dtype)
        size = prod(self.header.shape[1:]) * self.header.dtype.itemsize
        number = self.header.shape[0]
        if size > _LARGEST_SAMPLE:
            raise DataError(f"samples of at most {_LARGEST_SAMPLE} bytes", f"{size} claimed by {self.name!r}", "check its header")
        with self.open_at_values() as file:
            for start in range(0, number, step):
                wanted = (min(start + step, number) - start) * size
                data = file.read(wanted)
                if len(data) != wanted:
                    raise DataError(f"{number} samples, as its header says", f"{self.name!r} ends before them", "fetch it again")
                yield start, data

    def chunk_length(self, chunk: tuple[int, bytes]) -> int:
        """Number of samples in the bytes."""
        return len(chunk[1]) // max(1, prod(self.header.shape[1:]) * self.header.dtype.itemsize)

    def number(self) -> int:
        """Length of the first axis."""
        return self.header.shape[0]

    def read(self, chunk: tuple[int, bytes]) -> Iterator[Record]:
        """One block of samples."""
        start, data = chunk
        block = np.frombuffer(data, self.header.dtype).reshape(-1, *self.header.shape[1:])
        yield as_record(f"{self.name}[{start}]", block, self.axes)

    def indexed(self) -> Indexed:
        """One sample along the first axis; loads the whole array, since it can only be read from its beginning."""
        data = b"".join(chunk for _, chunk in self.chunks())
        return ArraySource(self.name, np.frombuffer(data, self.header.dtype).reshape(self.header.shape), self.axes).indexed()


@contextmanager
def behind_header(open_file: OpenFile, read_header: Callable[[BinaryIO, str], object], name: str) -> Iterator[BinaryIO]:
    """Open a file at its first value: ``read_header`` takes the file and its ``name`` and reads the header."""
    with open_file() as file:
        read_header(file, name)
        yield file
