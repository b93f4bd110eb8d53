"""The pages of an LMDB database, read from its file: the library maps it, and a mapped file that is cut ends the program.

The format is that of LMDB 0.9 on machines with 64 bits, least significant byte first: two pages of metadata, of which the one
with the later transaction holds, and a tree of pages whose leaves hold keys and values, or the page where a long value begins
(https://git.openldap.org/openldap/openldap, libraries/liblmdb/mdb.c).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from tare.system.local.opened import fill

_MAGIC, _VERSION = 0xBEEFC0DE, 1
_HEADER = 16
_BRANCH, _LEAF = 0x01, 0x02
_LONG, _SUBTREE, _SEVERAL = 0x01, 0x02, 0x04
_NONE = (1 << 64) - 1
#: Levels of a tree; one of 2^48 pages has fewer.
_DEEPEST = 32
_MOST_KEY = 1 << 16


@dataclass(frozen=True, slots=True)
class Entry:
    """A key, and the place and length of its value in the file; ``place`` is -1 for a key with several values or a database."""

    key: bytes
    place: int
    length: int


@dataclass(frozen=True, slots=True)
class _Meta:
    page: int
    root: int
    last: int
    transaction: int


def entries_of(file: BinaryIO) -> Iterator[Entry]:
    """All entries of the main database, in the order of their keys. Raises ValueError, in words, for a damaged or cut file."""
    meta = _meta(file)
    needed, size = (meta.last + 1) * meta.page, os.fstat(file.fileno()).st_size
    if size < needed:
        raise ValueError(f"{size} bytes of {needed}")
    if meta.root != _NONE:
        yield from _below(file, meta, meta.root, 0)


def value_of(file: BinaryIO, entry: Entry) -> bytes:
    """The value of an entry. Raises ValueError if the file ends before it."""
    return _bytes(file, entry.place, entry.length)


def _meta(file: BinaryIO) -> _Meta:
    first = _meta_at(file, 0)
    if first is None:
        raise ValueError("no LMDB database, or of another version")
    second = _meta_at(file, first.page)
    return first if second is None or second.transaction < first.transaction else second


def _meta_at(file: BinaryIO, place: int) -> _Meta | None:
    data = _bytes(file, place + _HEADER, 136)
    magic, version = struct.unpack_from("<II", data)
    page, root = struct.unpack_from("<I", data, 24)[0], struct.unpack_from("<Q", data, 24 + 48 + 40)[0]
    last, transaction = struct.unpack_from("<QQ", data, 120)
    if magic != _MAGIC or version != _VERSION or page not in [1 << power for power in range(8, 17)]:
        return None
    return _Meta(page, root, last, transaction)


def _below(file: BinaryIO, meta: _Meta, number: int, depth: int) -> Iterator[Entry]:
    if depth > _DEEPEST or not 1 < number <= meta.last:
        raise ValueError(f"page {number} of {meta.last + 1} in its tree")
    data = _bytes(file, number * meta.page, meta.page)
    flags, lower = struct.unpack_from("<HH", data, 10)
    if not _HEADER <= lower <= meta.page or not flags & (_BRANCH | _LEAF):
        raise ValueError(f"page {number} is damaged")
    for place in struct.unpack_from(f"<{(lower - _HEADER) // 2}H", data, _HEADER):
        if place + 8 > meta.page:
            raise ValueError(f"page {number} is damaged")
        low, high, flag, _ = struct.unpack_from("<HHHH", data, place)
        if flags & _BRANCH:
            yield from _below(file, meta, low | high << 16 | flag << 32, depth + 1)
        else:
            yield _entry(data, number * meta.page, place, meta)


def _entry(data: bytes, page: int, place: int, meta: _Meta) -> Entry:
    low, high, flag, length = struct.unpack_from("<HHHH", data, place)
    size = low | high << 16
    start = place + 8 + length
    if start + (8 if flag & _LONG else 0 if flag & (_SUBTREE | _SEVERAL) else size) > meta.page:
        raise ValueError(f"an entry leaves its page at byte {page}")
    key = data[place + 8 : start]
    if flag & (_SUBTREE | _SEVERAL):
        return Entry(key, -1, size)
    if not flag & _LONG:
        return Entry(key, page + start, size)
    (number,) = struct.unpack_from("<Q", data, start)
    if not 1 < number <= meta.last or number * meta.page + _HEADER + size > (meta.last + 1) * meta.page:
        raise ValueError(f"a value on page {number} of {meta.last + 1}")
    return Entry(key, number * meta.page + _HEADER, size)


def _bytes(file: BinaryIO, place: int, length: int) -> bytes:
    file.seek(place)
    memory = bytearray(length)
    if fill(file, memoryview(memory)) < length:
        raise ValueError(f"it ends before byte {place + length}")
    return bytes(memory)
