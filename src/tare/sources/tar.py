"""Tar archives, plain or ``.gz``: WebDataset shards and packed image folders, read as a stream and never extracted.

Names in an archive are only names here: no path of theirs is ever opened, so ``../../etc/passwd`` is one more label.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO, cast

from tare.errors import DataError
from tare.records import Record, Skipped
from tare.sources.base import Source
from tare.sources.encoded import claims_sample, sample_of
from tare.sources.options import Options
from tare.sources.places import opened

_CHUNK = 64
_LARGEST_MEMBER = 1 << 30


@dataclass(frozen=True, slots=True)
class Entry:
    """One sample of an archive as bytes, or the reason why it was not read."""

    name: str
    data: bytes
    label: str | None = None
    skipped: Skipped | None = None


@dataclass(frozen=True)
class TarArchive(Source[tuple[Entry, ...]]):
    """The images or recordings of a tar archive; see :func:`open_tar`."""

    name: str
    options: Options

    def chunks(self) -> Iterator[tuple[Entry, ...]]:
        """Groups of members, still encoded, in the order of the archive."""
        entries = self._entries()
        while chunk := tuple(islice(entries, _CHUNK)):
            yield chunk

    def chunk_length(self, chunk: tuple[Entry, ...]) -> int:
        """One sample an entry."""
        return len(chunk)

    def read(self, chunk: tuple[Entry, ...]) -> Iterator[Record]:
        """Decode each entry, or say why it gives no sample."""
        for entry in chunk:
            yield entry.skipped or sample_of(entry.name, entry.data, self.options, entry.label, claimed=claims_sample(entry.name))

    def _entries(self) -> Iterator[Entry]:
        """Join the members of each sample: consecutive ones whose names agree up to the first dot."""
        key, label = "", None
        held: list[Entry] = []
        for name, data, reason in _members(self.name):
            stem, suffix = _split(name)
            if stem != key:
                yield from _labelled(held, label)
                key, label, held = stem, None, []
            shown = f"{self.name}/{name}"
            if suffix == "cls":
                label = data.decode("utf-8", "replace").strip()
            elif reason:
                held.append(Entry(shown, b"", skipped=Skipped(shown, reason, foreign=not claims_sample(name))))
            elif claims_sample(name) or not _is_side_file(suffix):
                held.append(Entry(shown, data, _folder_of(name)))
        yield from _labelled(held, label)


def open_tar(place: str, options: Options) -> TarArchive:
    """Open a tar archive; the label of a sample is its ``.cls`` member, else the first folder of its name.

    Raises :class:`DataError` if it is no tar archive; one that ends too early raises it while it is read, since nobody can
    tell how many samples are missing.
    """
    next(_members(place), None)
    return TarArchive(place, options)


def _members(place: str) -> Iterator[tuple[str, bytes, str | None]]:
    """Name and bytes of every file in the archive, or the reason why it has none."""
    with opened(place) as stream:
        watched = _Watched(stream)
        try:
            with tarfile.open(fileobj=cast(Any, watched), mode="r|", errors="surrogateescape") as archive:
                for member in archive:
                    if member.isdir():
                        continue
                    if not member.isreg():
                        yield member.name, b"", "not a regular file"
                    elif member.size > _LARGEST_MEMBER:
                        yield member.name, b"", f"claims {member.size} bytes"
                    else:
                        yield member.name, _content(archive, member, place), None
        except (tarfile.TarError, EOFError) as error:
            raise DataError("a complete tar archive", f"{place!r}: {error}", "fetch it again") from None
    if any(watched.last):
        raise DataError("a complete tar archive", f"{place!r} stops without an end mark", "fetch it again")


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


def _labelled(entries: list[Entry], label: str | None) -> Iterator[Entry]:
    for entry in entries:
        yield entry if label is None else Entry(entry.name, entry.data, label, entry.skipped)


def _split(name: str) -> tuple[str, str]:
    folder, slash, base = name.rpartition("/")
    stem, _, suffix = base.partition(".")
    return folder + slash + stem, suffix.lower()


def _is_side_file(suffix: str) -> bool:
    """Whether a member says something about a sample rather than being one; WebDataset allows any such ending."""
    return suffix.rpartition(".")[2] in {"json", "txt", "csv", "id", "index", "npy", "npz", "pyd", "pickle", "pkl", "md", "xml"}


def _folder_of(name: str) -> str | None:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return parts[0] if len(parts) > 1 else None
