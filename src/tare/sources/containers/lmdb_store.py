"""Encoded images and recordings in LMDB, by key; values of other kinds, pickles among them, are listed and never unpickled."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from tare.errors import DataError, reason_of
from tare.samples.records import Record, Skipped
from tare.sources.base import ItemSource
from tare.sources.containers.lmdb_pages import Entry, entries_of, value_of
from tare.sources.encoded import sample_of
from tare.sources.files.masks import NamedImages, is_drawn
from tare.sources.options import Options
from tare.sources.places import opened_for


@dataclass(frozen=True)
class LmdbStore(ItemSource[Entry]):
    """The values of a database, in the order of their keys."""

    name: str
    options: Options

    def items(self) -> Iterator[Entry]:
        """The keys, and where their values are. Raises :class:`DataError` at the end if most images have a mask beside them."""
        images = NamedImages()
        with _file(self.name) as file:
            for entry in entries_of(file):
                if entry.place >= 0:
                    images.add(entry.key.decode("utf-8", "backslashreplace"), partial(is_drawn, partial(value_of, file, entry)))
                yield entry
            images.check(self.name, "write the database without the masks")

    def read(self, chunk: tuple[Entry, ...]) -> Iterator[Record]:
        """Decode the values of some keys."""
        with _file(self.name) as file:
            for entry in chunk:
                name = f"{self.name}[{entry.key.decode('utf-8', 'backslashreplace')[:80]}]"
                if entry.place < 0:
                    yield Skipped(name, "several values under one key, or a database in the database", foreign=True)
                else:
                    yield sample_of(name, value_of(file, entry), self.options, None, claimed=False)

    def read_item(self, item: Entry) -> Record:
        """Decode one value."""
        return next(iter(self.read((item,))))


def open_lmdb(place: str, options: Options) -> LmdbStore:
    """Open a database: a folder with ``data.mdb``, or such a file. Raises :class:`DataError` if it is damaged or cut short."""
    with _file(place) as file:
        next(entries_of(file), None)
    return LmdbStore(place, options)


@contextmanager
def _file(place: str) -> Iterator[BinaryIO]:
    try:
        with opened_for(os.path.join(place, "data.mdb") if Path(place).is_dir() else place) as file:
            yield file
    except (ValueError, struct.error) as error:
        raise DataError("a whole LMDB database", f"{place!r}: {reason_of(error)}", "fetch it again") from None
