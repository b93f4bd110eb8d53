"""Checkpoints of a long pass: the state so far, the number of chunks it covers, and what identifies the data."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from tare._version import __version__
from tare.errors import DataError
from tare.sources.base import Source
from tare.sources.derived import Derived
from tare.statistics.state import DatasetState
from tare.statistics.state_json import state_from_json, state_to_json
from tare.system.files import file_place, remove_parts, write_text
from tare.system.local.opened import text_of
from tare.system.local.pins import Pin, TreePin
from tare.system.lock import only_writer

SCHEMA = "tare.checkpoint/1"

#: Seconds between two writes.
EVERY = 30.0


class Checkpoint:
    """A file that is written every 30 seconds during a pass, atomically, and removed when the result of the pass is accepted.

    A checkpoint belongs to one dataset, read with one set of options. To resume, the name of the source, the options, a digest
    of every covered chunk (file names with sizes and the times at which they were written, those of masks among them, ranges,
    bytes) and a digest of the first chunk's statistics must agree. Of a symbolic link it is the file that the link leads to.
    With ``of_objects`` only values tell whether objects in memory are the same: all covered chunks are read again, and their
    statistics must agree; those of a ``fingerprint`` need not be read.
    """

    def __init__(
        self,
        path: Path,
        source: Source[Any],
        options: Mapping[str, Any],
        *,
        of_objects: bool = False,
        fingerprint: str | None = None,
    ) -> None:
        self.path, self.source, self.of_objects = file_place(path), source, of_objects and fingerprint is None
        self.belongs = {"version": __version__, "source": source.name, "options": dict(options), "fingerprint": fingerprint}
        self.state, self.chunks, self.first = DatasetState(), 0, ""
        self.digest = hashlib.sha256(_pinned(source))
        self.under_way: deque[bytes] = deque()
        self.written = time.monotonic()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the file for a pass and what is made of it; an error or interrupt in either writes it once more.

        So what allows a result that was refused, such as another share of unreadable samples, reads nothing anew.
        """
        with only_writer(self.path):
            try:
                yield
            except BaseException:
                self.save()
                raise
            self.path.unlink(missing_ok=True)

    def begin(self) -> tuple[int, Iterator[Any]]:
        """Resume from the file if it exists; return the number of samples that it covers and the remaining chunks.

        Raises :class:`DataError` if the file is malformed, or was written for other data, options or version.
        """
        chunks = iter(self.source.chunks())
        remove_parts(self.path.parent, self.path.name)
        return (self._taken_up(chunks) if self.path.exists() else 0), self._noted(chunks)

    def add(self, chunk: Any, part: DatasetState) -> None:
        """Add the state of the next chunk; chunks come in order."""
        del chunk
        if self.chunks == 0:
            self.first = _digest(part)
        self.digest.update(self.under_way.popleft() + (_digest(part).encode() if self.of_objects else b""))
        self.state, self.chunks = self.state.merge(part), self.chunks + 1
        if time.monotonic() - self.written >= EVERY:
            self.save()

    def _noted(self, chunks: Iterator[Any]) -> Iterator[Any]:
        """The chunks, each described before it is read: so a file that changes afterwards is another one."""
        for chunk in chunks:
            self.under_way.append(self._described(chunk))
            yield chunk

    def _described(self, chunk: Any) -> bytes:
        """What identifies a chunk, and the files that its samples are read with."""
        beside = tuple(self.source.beside(chunk))
        return _described(chunk) + (_described(beside) if beside else b"")

    def save(self) -> None:
        """Write the file."""
        if self.chunks == 0:
            return
        document = {"schema": SCHEMA, **self.belongs, "chunks": self.chunks, "first": self.first}
        document |= {"digest": self.digest.hexdigest(), "state": state_to_json(self.state)}
        write_text(self.path, json.dumps(document))
        self.written = time.monotonic()

    def _taken_up(self, chunks: Iterator[Any]) -> int:
        """Read the file and skip the chunks that it covers; return the number of their samples."""
        document = _loaded(self.path)
        other = [key for key, value in self.belongs.items() if document.get(key) != json.loads(json.dumps(value))]
        if other:
            raise self._refused(f"a checkpoint with a different value of {other[0]!r}: {document.get(other[0])!r}")
        length = 0
        for index in range(document["chunks"]):
            chunk = next(chunks, None)
            if chunk is None:
                raise self._refused("a checkpoint of more data")
            found = _digest(DatasetState.of(self.source.read(chunk))) if index == 0 or self.of_objects else ""
            if index == 0 and found != document["first"]:
                raise self._refused("a checkpoint of other values")
            self.digest.update(self._described(chunk) + (found.encode() if self.of_objects else b""))
            length += self.source.chunk_length(chunk)
        if self.digest.hexdigest() != document["digest"]:
            raise self._refused(f"a checkpoint of other {'values' if self.of_objects else 'files or samples'}")
        self.state, self.chunks, self.first = self._state_of(document), document["chunks"], document["first"]
        return length

    def _state_of(self, document: Mapping[str, Any]) -> DatasetState:
        """The state of the file. Raises :class:`DataError`, as for any other file that is not this pass's, if it is damaged."""
        try:
            return state_from_json(document["state"])
        except DataError as error:
            raise self._refused(f"a damaged one ({error.found})") from None

    def _refused(self, found: str) -> DataError:
        expected = f"a checkpoint of {self.source.name!r} as it is now"
        return DataError(expected, f"{found} in {str(self.path)!r}", "remove it to start again, or name another file")


def _loaded(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(text_of(path))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError("a readable checkpoint", f"{str(path)!r}: {error}", "remove it to start again") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else type(document).__name__
        raise DataError(f"a checkpoint with schema {SCHEMA!r}", f"{found!r} in {str(path)!r}", "name another file")
    whole = type(document.get("chunks")) is int and document["chunks"] > 0
    if not whole or not {"first", "digest", "state"} <= set(document):
        raise DataError("a complete checkpoint", f"an incomplete one in {str(path)!r}", "remove it to start again")
    return document


def _digest(state: DatasetState) -> str:
    return hashlib.sha256(json.dumps(state_to_json(replace(state, clusters={}))).encode()).hexdigest()


def _pinned(source: Source[Any]) -> bytes:
    """Sizes and times of the files that were pinned when the source was opened, whatever it was made of."""
    found = []
    while isinstance(source, Derived):
        pin = getattr(source, "pin", None)
        if isinstance(pin, Pin):
            found.append((pin.identity.size, pin.identity.written))
        elif isinstance(pin, TreePin):
            found.append((pin.size, pin.written))
        source = source.source
    return repr(found).encode()


def _described(chunk: Any) -> bytes:
    """What identifies a chunk: its names, numbers and bytes; for a table, which has no stable bytes, its size.

    A name of a file has the file's size and the time at which it was written beside it.
    """
    if isinstance(chunk, bytes):
        return hashlib.sha256(chunk).digest()
    if isinstance(chunk, tuple | list):
        return b"(" + b",".join(map(_described, chunk)) + b")"
    if is_dataclass(chunk) and not isinstance(chunk, type):
        return _described(tuple(getattr(chunk, field.name) for field in fields(chunk)))
    if isinstance(chunk, str):
        return repr((chunk, _written(chunk))).encode("utf-8", "backslashreplace")
    if chunk is None or isinstance(chunk, int | float):
        return repr(chunk).encode()
    return f"{type(chunk).__name__}{getattr(chunk, 'shape', '')}".encode()


def _written(name: str) -> tuple[int, int] | None:
    """Size of a file and the time at which it was written; None for a text that names none."""
    try:
        status = os.stat(name)
    except (OSError, ValueError):  # ValueError: a null byte
        return None
    return status.st_size, status.st_mtime_ns
