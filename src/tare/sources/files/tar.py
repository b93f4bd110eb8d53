"""Tar archives, plain or ``.gz``: WebDataset shards and packed image folders, read as a stream and never extracted.

A name in an archive is never opened as a path, so ``../../etc/passwd`` is one more label.
"""

from __future__ import annotations

import posixpath
import re
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, BinaryIO, NamedTuple, cast

from tare.errors import DataError
from tare.samples.records import Record, Sample, Skipped
from tare.sources.base import Indexed, ItemSource
from tare.sources.encoded import claims_sample, sample_of
from tare.sources.files.masks import NamedImages, is_drawn
from tare.sources.options import Options
from tare.sources.places import is_url, open_binary

_LARGEST_MEMBER = 1 << 30
_COMPRESSED = (".gz", ".tgz")
_FURTHER = "further files of a WebDataset sample, each counted as a sample of its own"
_SECOND = "a second member of this name, which replaces the first where the archive is unpacked"
_MEMBER = re.compile(r"\.(tar|tar\.gz|tgz)/", re.IGNORECASE)
#: More than tarfile reads at once.
_REMEMBERED = 4 * tarfile.RECORDSIZE


@dataclass(frozen=True, slots=True)
class TarEntry:
    """One sample of an archive: its bytes, its place in the file, or the reason why it was not read.

    A ``further`` one is not the first file of its key that is a sample.
    """

    name: str
    data: Any
    label: str | None = None
    skipped: Skipped | None = None
    further: bool = False


@dataclass(frozen=True)
class TarArchive(ItemSource[TarEntry]):
    """The images or recordings of a tar archive; see :func:`open_tar`."""

    name: str
    options: Options

    unindexed = "which is a stream: compressed as a whole, or not on this machine"

    def items(self) -> Iterator[TarEntry]:
        """The samples, still encoded, in the order of the archive."""
        return _joined(self.name, _members(self.name), bytes)

    def number(self) -> int | None:
        """Number of samples, from one pass over the headers; None if compressed or remote."""
        if is_url(self.name) or self.name.lower().endswith(_COMPRESSED):
            return None
        return sum(1 for _ in _joined(self.name, _places(self.name), lambda _: b""))

    def paths(self) -> list[str]:
        """The names of its files, from one pass over the headers; none if compressed or remote."""
        if is_url(self.name) or self.name.lower().endswith(_COMPRESSED):
            return []
        return [name for name, _, _ in _places(self.name)]

    def read_item(self, item: TarEntry) -> Record:
        """Decode one sample."""
        if item.skipped is not None:
            return replace(item.skipped, label=item.label)
        found = sample_of(item.name, item.data, self.options, item.label, claimed=claims_sample(item.name))
        return replace(found, notes=(*found.notes, _FURTHER)) if item.further and isinstance(found, Sample) else found

    def indexed(self) -> Indexed | None:
        """The samples by their place in the file, from one pass over the headers; None if compressed or remote."""
        if is_url(self.name) or self.name.lower().endswith(_COMPRESSED):
            return None
        entries = list(_joined(self.name, _places(self.name), lambda place: _bytes_at(self.name, place)))

        def read(index: int) -> Iterator[Record]:
            entry = entries[index]
            data = b"" if entry.skipped else _bytes_at(self.name, entry.data)
            return self.read((replace(entry, data=data),))

        return Indexed(len(entries), read)


def open_tar(place: str, options: Options) -> TarArchive:
    """Open a tar archive; the label of a sample is its ``.cls`` member, else the first folder of its name.

    Raises :class:`DataError` if the file is not a tar archive. An archive that ends too early raises it while it is read,
    since the number of missing samples is unknown.
    """
    next(_members(place), None)
    return TarArchive(place, options)


def shared_keys(paths: Sequence[str]) -> tuple[str, ...]:
    """A remark on samples of archives whose names agree up to the first dot, such as ``7.left.png`` and ``7.right.png``."""
    first: dict[str, str] = {}
    shared = [
        (other, path) for path in paths if _MEMBER.search(path) and (other := first.setdefault(_split(path)[0], path)) != path
    ]
    if not shared:
        return ()
    names = " and ".join(repr(posixpath.basename(path)) for path in shared[0])
    found = f"{len(shared)} of {len(paths)} samples are further ones of a key, such as {names}"
    return (f"{found}: each is a sample of its own, and those of one key can be in training and in validation",)


class _Place(NamedTuple):
    """Where a member's bytes are: the first one, their number, and the pieces ``(offset, length)`` of a sparse member.

    The pieces lie one after the other from the first byte; what is between them is zero.
    """

    first: int
    size: int
    pieces: tuple[tuple[int, int], ...] | None


def _members(place: str) -> Iterator[tuple[str, bytes, str | None]]:
    """Name and bytes of every file in the archive, or the reason why its bytes are not read."""
    with open_binary(place) as stream:
        watched = _Watched(stream)
        with _complete(place), tarfile.open(fileobj=cast(Any, watched), mode="r|", errors="surrogateescape") as archive:
            for member in archive:
                archive.members = []  # type: ignore[attr-defined]  # tarfile would keep them all
                if not member.isdir():
                    reason = _unread(member)
                    yield member.name, b"" if reason else _bytes_from(archive.fileobj, _place_of(member), place), reason
        _check_end(watched.behind(archive.offset), stream, place)


def _places(place: str) -> Iterator[tuple[str, _Place, str | None]]:
    """Name, place and the reason not to read it, if any, of every file in an uncompressed local archive."""
    with open_binary(place) as file, _complete(place), tarfile.open(fileobj=file, mode="r:", errors="surrogateescape") as archive:
        for member in archive:
            archive.members = []  # type: ignore[attr-defined]  # tarfile would keep them all
            if not member.isdir():
                yield member.name, _place_of(member), _unread(member)
        file.seek(archive.offset)
        _check_end(file.read(tarfile.BLOCKSIZE), file, place)


def _check_end(end: bytes, rest: BinaryIO, place: str) -> None:
    """Raise :class:`DataError` for an archive without an end mark, and for a second archive behind it, which is not read."""
    if len(end) < tarfile.BLOCKSIZE or any(end[: tarfile.BLOCKSIZE]):
        raise DataError("a complete tar archive", f"{place!r} stops without an end mark", "fetch it again")
    data = end
    while data:
        for start in range(0, len(data), tarfile.BLOCKSIZE):
            block = data[start : start + tarfile.BLOCKSIZE]
            if any(block):
                if _is_header(block):
                    found = f"{place!r}, with another archive behind its end"
                    raise DataError("one tar archive in a file", found, "name each by itself, or join them with tar -A")
                return  # padding of another kind
        data = rest.read(1 << 20)


def _is_header(block: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


@contextmanager
def _complete(place: str) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError) as error:
        raise DataError("a complete tar archive", f"{place!r}: {error}", "fetch it again") from None


def _unread(member: tarfile.TarInfo) -> str | None:
    if not member.isreg():
        return "not a regular file"
    if member.size > _LARGEST_MEMBER:
        return f"claims {member.size} bytes"
    return None if _fits(_place_of(member)) else "a sparse file whose pieces do not fit its size"


def _place_of(member: tarfile.TarInfo) -> _Place:
    pieces = None if member.sparse is None else tuple((start, length) for start, length in cast(Any, member.sparse) if length)
    return _Place(member.offset_data, member.size, pieces)


def _fits(where: _Place) -> bool:
    """Whether the pieces of a sparse member follow each other within its size."""
    end = 0
    for start, length in where.pieces or ():
        if start < end or length < 0:
            return False
        end = start + length
    return end <= where.size


def _bytes_at(place: str, where: _Place) -> bytes:
    """The bytes of a member of an uncompressed archive."""
    with open_binary(place) as file:
        return _bytes_from(file, where, place)


def _bytes_from(file: Any, where: _Place, place: str) -> bytes:
    """The bytes of a member, by index and from a stream. Raises :class:`DataError` if the archive ends before them."""
    file.seek(where.first)
    if where.pieces is None:
        return _whole(file.read(where.size), where.size, place)
    values = bytearray(where.size)
    for start, length in where.pieces:
        values[start : start + length] = _whole(file.read(length), length, place)
    return bytes(values)


def _whole(data: bytes, size: int, place: str) -> bytes:
    if len(data) < size:
        raise DataError("a complete tar archive", f"{place!r} ends inside a member", "fetch it again")
    return data


def _joined(place: str, members: Iterator[tuple[str, Any, str | None]], content: Callable[[Any], bytes]) -> Iterator[TarEntry]:
    """Join the members of each sample: consecutive ones whose names agree up to the first dot.

    Raises :class:`DataError` at the end if most images have a mask beside them, as folders of that kind are refused.

    A second member of one name is refused: an archive that is unpacked keeps the last, and a reader of streams has both.
    """
    key, label = "", None
    seen: set[int] = set()
    held: list[TarEntry] = []
    images = NamedImages()
    for name, data, unread in members:
        stem, suffix = _split(name)
        if stem != key:
            yield from _labelled(held, label)
            key, label, held = stem, None, []
        shown, known = f"{place}/{name}", hash(posixpath.normpath(name))
        reason = unread or (_SECOND if known in seen and claims_sample(name) else None)
        seen.add(known)
        if suffix == "cls":
            label = content(data).decode("utf-8", "backslashreplace").strip()
        elif reason:
            held.append(TarEntry(shown, b"", skipped=Skipped(shown, reason, foreign=not claims_sample(name))))
        elif claims_sample(name) or not _is_side_file(suffix):
            if claims_sample(name):
                images.add(name, partial(is_drawn, partial(content, data)))
            further = claims_sample(name) and any(claims_sample(entry.name) for entry in held)
            held.append(TarEntry(shown, data, _folder_of(name), further=further))
    yield from _labelled(held, label)
    images.check(place, "write the archive without the masks")


class _Watched:
    """A stream that remembers its last bytes: tarfile takes an archive cut between two members for a complete one."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.last, self.total = stream, b"", 0

    def read(self, size: int = -1) -> bytes:
        """Read from the stream."""
        data = self.stream.read(size)
        self.last, self.total = (self.last + data)[-_REMEMBERED:], self.total + len(data)
        return data

    def behind(self, place: int) -> bytes:
        """What was read from a place on."""
        return self.last[max(0, len(self.last) - (self.total - place)) :]


def _labelled(entries: list[TarEntry], label: str | None) -> Iterator[TarEntry]:
    for entry in entries:
        yield entry if label is None else replace(entry, label=label)


def _split(name: str) -> tuple[str, str]:
    folder, slash, base = name.rpartition("/")
    stem, _, suffix = base.partition(".")
    return folder + slash + stem, suffix.lower()


def _is_side_file(suffix: str) -> bool:
    """Whether a member describes a sample instead of being one; WebDataset allows any such ending."""
    return suffix.rpartition(".")[2] in {"json", "txt", "csv", "id", "index", "npy", "npz", "pyd", "pickle", "pkl", "md", "xml"}


def _folder_of(name: str) -> str | None:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return parts[0] if len(parts) > 1 else None
