"""Tar archives, plain or ``.gz``: WebDataset shards and packed image folders, read as a stream and never extracted.

A name in an archive is never opened as a path, so ``../../etc/passwd`` is one more label.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from tare.errors import DataError
from tare.samples.records import Record, Skipped
from tare.sources.base import Indexed, ItemSource
from tare.sources.encoded import claims_sample, sample_of
from tare.sources.options import Options
from tare.sources.places import is_url, open_binary

_LARGEST_MEMBER = 1 << 30
_COMPRESSED = (".gz", ".tgz")


@dataclass(frozen=True, slots=True)
class TarEntry:
    """One sample of an archive: its bytes, its place in the file, or the reason why it was not read."""

    name: str
    data: Any
    label: str | None = None
    skipped: Skipped | None = None


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
        if is_url(self.name) or self.name.endswith(_COMPRESSED):
            return None
        return sum(1 for _ in _joined(self.name, _places(self.name), lambda _: b""))

    def read_item(self, item: TarEntry) -> Record:
        """Decode one sample."""
        return item.skipped or sample_of(item.name, item.data, self.options, item.label, claimed=claims_sample(item.name))

    def indexed(self) -> Indexed | None:
        """The samples by their place in the file, from one pass over the headers; None if compressed or remote."""
        if is_url(self.name) or self.name.endswith(_COMPRESSED):
            return None
        entries = list(_joined(self.name, _places(self.name), lambda place: _bytes_at(self.name, place)))

        def read(index: int) -> Iterator[Record]:
            entry = entries[index]
            data = b"" if entry.skipped else _bytes_at(self.name, entry.data)
            return self.read((TarEntry(entry.name, data, entry.label, entry.skipped),))

        return Indexed(len(entries), read)


def open_tar(place: str, options: Options) -> TarArchive:
    """Open a tar archive; the label of a sample is its ``.cls`` member, else the first folder of its name.

    Raises :class:`DataError` if the file is not a tar archive. An archive that ends too early raises it while it is read,
    since the number of missing samples is unknown.
    """
    next(_members(place), None)
    return TarArchive(place, options)


def _members(place: str) -> Iterator[tuple[str, bytes, str | None]]:
    """Name and bytes of every file in the archive, or the reason why its bytes are not read."""
    with open_binary(place) as stream:
        watched = _Watched(stream)
        with _complete(place), tarfile.open(fileobj=cast(Any, watched), mode="r|", errors="surrogateescape") as archive:
            for member in archive:
                archive.members = []  # type: ignore[attr-defined]  # tarfile would keep them all
                if not member.isdir():
                    reason = _unread(member)
                    yield member.name, b"" if reason else _content(archive, member, place), reason
    if any(watched.last):
        raise DataError("a complete tar archive", f"{place!r} stops without an end mark", "fetch it again")


def _places(place: str) -> Iterator[tuple[str, tuple[int, int], str | None]]:
    """Name, ``(first byte, size)`` and the reason not to read it, if any, of every file in an uncompressed local archive."""
    with open_binary(place) as file, _complete(place), tarfile.open(fileobj=file, mode="r:", errors="surrogateescape") as archive:
        for member in archive:
            archive.members = []  # type: ignore[attr-defined]  # tarfile would keep them all
            if not member.isdir():
                yield member.name, (member.offset_data, member.size), _unread(member)
        file.seek(archive.offset)
        end = file.read(tarfile.BLOCKSIZE)
    if len(end) < tarfile.BLOCKSIZE or any(end):
        raise DataError("a complete tar archive", f"{place!r} stops without an end mark", "fetch it again")


@contextmanager
def _complete(place: str) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError) as error:
        raise DataError("a complete tar archive", f"{place!r}: {error}", "fetch it again") from None


def _unread(member: tarfile.TarInfo) -> str | None:
    if not member.isreg():
        return "not a regular file"
    return f"claims {member.size} bytes" if member.size > _LARGEST_MEMBER else None


def _bytes_at(place: str, where: tuple[int, int]) -> bytes:
    with open_binary(place) as file:
        file.seek(where[0])
        return file.read(where[1])


def _joined(place: str, members: Iterator[tuple[str, Any, str | None]], content: Callable[[Any], bytes]) -> Iterator[TarEntry]:
    """Join the members of each sample: consecutive ones whose names agree up to the first dot."""
    key, label = "", None
    held: list[TarEntry] = []
    for name, data, reason in members:
        stem, suffix = _split(name)
        if stem != key:
            yield from _labelled(held, label)
            key, label, held = stem, None, []
        shown = f"{place}/{name}"
        if suffix == "cls":
            label = content(data).decode("utf-8", "backslashreplace").strip()
        elif reason:
            held.append(TarEntry(shown, b"", skipped=Skipped(shown, reason, foreign=not claims_sample(name))))
        elif claims_sample(name) or not _is_side_file(suffix):
            held.append(TarEntry(shown, data, _folder_of(name)))
    yield from _labelled(held, label)


class _Watched:
    """A stream that remembers its last block: tarfile takes an archive cut between two members for a complete one."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.last = stream, b""

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.last = (self.last + data)[-tarfile.BLOCKSIZE :]
        return data


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, place: str) -> bytes:
    file = archive.extractfile(member)
    data = file.read() if file else b""
    if len(data) < member.size:
        raise DataError("a complete tar archive", f"{place!r} ends inside {member.name!r}", "fetch it again")
    return data


def _labelled(entries: list[TarEntry], label: str | None) -> Iterator[TarEntry]:
    for entry in entries:
        yield entry if label is None else TarEntry(entry.name, entry.data, label, entry.skipped)


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
