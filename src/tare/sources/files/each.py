"""Files each of which holds one sample, or a few, in a format that a library of its field reads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tare.errors import MissingDependencyError, reason_of
from tare.samples.records import Record, Skipped
from tare.sources.base import ITEMS_PER_CHUNK, Indexed, Source
from tare.sources.options import Options

#: Files of a chunk hold about this many bytes, so that large files are read in parallel.
_CHUNK_BYTES = 16 << 20

#: Reads the samples of one file: a function of a module, so that it can be sent to another process.
Reader = Callable[[str, Options], Iterator[Record]]


@dataclass(frozen=True)
class EachFile(Source[tuple[str, ...]]):
    """Files, each read by ``reader``; whatever a library raises for one file is the reason why that file is unreadable."""

    name: str
    files: tuple[str, ...]
    options: Options
    reader: Reader
    channel_names: tuple[str, ...] | None = None
    remarks: tuple[str, ...] = ()

    def chunks(self) -> Iterator[tuple[str, ...]]:
        """Groups of files by their sizes."""
        held: list[str] = []
        size = 0
        for file in self.files:
            held.append(file)
            size += _size(file)
            if size >= _CHUNK_BYTES or len(held) == ITEMS_PER_CHUNK:
                yield tuple(held)
                held, size = [], 0
        if held:
            yield tuple(held)

    def chunk_length(self, chunk: tuple[str, ...]) -> int:
        """One sample a file."""
        return len(chunk)

    def number(self) -> int:
        """Number of files."""
        return len(self.files)

    def read(self, chunk: tuple[str, ...]) -> Iterator[Record]:
        """Read each file."""
        for file in chunk:
            yield from self._read(file)

    def indexed(self) -> Indexed:
        """One file."""
        return Indexed(len(self.files), lambda index: self._read(self.files[index]))

    def _read(self, file: str) -> Iterator[Record]:
        return self._read_with(file, self.options)

    def _read_with(self, file: str, options: Options) -> Iterator[Record]:
        try:
            yield from self.reader(file, options)
        except MissingDependencyError:
            raise
        except Exception as error:  # libraries raise errors of many kinds for damaged files
            yield Skipped(file, reason_of(error) or type(error).__name__)


def _size(file: str) -> int:
    try:
        return os.stat(file).st_size
    except OSError:
        return 0
