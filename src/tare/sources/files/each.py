"""Files each of which holds one sample, or a few, in a format that a library of its field reads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tare.errors import MissingDependencyError, reason_of
from tare.samples.records import Part, Record, Skipped
from tare.sources.base import ITEMS_PER_CHUNK, Indexed, Source
from tare.sources.options import Options
from tare.system.local.opened import regular, said
from tare.system.local.pins import Pin

#: Files of a chunk hold about this many bytes, so that large files are read in parallel.
_CHUNK_BYTES = 16 << 20

#: Files that are left out and named.
_NAMED = 5

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
        pin = None
        try:
            regular(file)
            pin = Pin.of(file)
            held: Record | None = None  # the last one is given once the file is known to be what it was
            for record in self.reader(file, options):
                if held is not None:
                    yield held
                held = replace(record, begins=True) if held is None and isinstance(record, Part) else record
            pin.check()
            if held is not None:
                yield held
        except MissingDependencyError:
            raise
        except Exception as error:  # libraries raise errors of many kinds for damaged files
            change = "" if pin is None else pin.change()
            yield Skipped(file, f"{change} while it was read" if change else reason_of(said(error)) or type(error).__name__)


def left_out_remark(paths: Sequence[str], root: str) -> str:
    """A sentence on the files below ``root`` that are no samples here: their number and the first names; empty without any."""
    if not paths:
        return ""
    named = ", ".join(os.path.relpath(path, root) for path in paths[:_NAMED]) + (", ..." if len(paths) > _NAMED else "")
    return f"left out {len(paths):,} {'file' if len(paths) == 1 else 'files'} of {root!r} that are no samples here: {named}"


def foreign_remark(skipped: Iterable[Skipped]) -> str:
    """A sentence on the files and columns among ``skipped`` that do not claim to be samples; empty without any."""
    paths = [item.path for item in skipped if item.foreign]
    if not paths:
        return ""
    named = ", ".join(paths[:_NAMED]) + (", ..." if len(paths) > _NAMED else "")
    return f"left out {len(paths):,} {'file or column' if len(paths) == 1 else 'files or columns'} without samples: {named}"


def unreadable_remark(skipped: Iterable[Skipped], noun: str = "samples") -> str:
    """A sentence on what among ``skipped`` should have been a sample; empty without any."""
    bad = [item for item in skipped if not item.foreign]
    return f"left out {len(bad):,} unreadable {noun}, the first {bad[0].path!r}: {bad[0].reason}" if bad else ""


def _size(file: str) -> int:
    try:
        return os.stat(file).st_size
    except OSError:
        return 0
