"""Encoded images and recordings in LMDB, by key; values of other kinds, pickles among them, are listed and never unpickled."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tare.errors import DataError, reason_of
from tare.samples.records import Record, Skipped
from tare.sources.base import ItemSource
from tare.sources.encoded import sample_of
from tare.sources.options import Options
from tare.system.optional import require


@dataclass(frozen=True)
class LmdbStore(ItemSource[bytes]):
    """The values of a database, in the order of their keys."""

    name: str
    options: Options

    def items(self) -> Iterator[bytes]:
        """The keys."""
        with _cursor(self.name) as cursor:
            yield from (bytes(key) for key in cursor.iternext(values=False))

    def read(self, chunk: tuple[bytes, ...]) -> Iterator[Record]:
        """Decode the values of some keys."""
        with _cursor(self.name) as cursor:
            for key in chunk:
                yield self._decoded(key, cursor.get(key))

    def read_item(self, item: bytes) -> Record:
        """Decode one value."""
        return next(iter(self.read((item,))))

    def _decoded(self, key: bytes, value: bytes | None) -> Record:
        name = f"{self.name}[{key.decode('utf-8', 'backslashreplace')[:80]}]"
        if value is None:
            return Skipped(name, "no value", foreign=True)
        return sample_of(name, bytes(value), self.options, None, claimed=False)


def open_lmdb(place: str, options: Options) -> LmdbStore:
    """Open a database: a folder with ``data.mdb``, or such a file.

    Raises :class:`DataError` if it is damaged or cut short, and without lmdb the error that names it.
    """
    require("lmdb", extra="science", purpose="LMDB databases")
    with _cursor(place):
        return LmdbStore(place, options)


@contextmanager
def _cursor(place: str) -> Iterator[Any]:
    import lmdb

    folder = Path(place).is_dir()
    try:
        with lmdb.open(place, readonly=True, lock=False, subdir=folder, create=False, readahead=True) as environment:
            _check_length(environment, os.path.join(place, "data.mdb") if folder else place)
            with environment.begin(buffers=False) as transaction, transaction.cursor() as cursor:
                yield cursor
    except lmdb.Error as error:
        raise DataError("an LMDB database", f"{place!r}: {reason_of(error)}", "fetch it again") from None


def _check_length(environment: Any, file: str) -> None:
    """Raise :class:`DataError` for a file that is cut short: to read its missing pages would end the program."""
    needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    there = os.stat(file).st_size
    if there < needed:
        raise DataError("a whole LMDB database", f"{there} bytes of {needed} in {file!r}", "fetch it again")
