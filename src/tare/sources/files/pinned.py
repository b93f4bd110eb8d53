"""A source of one file, or one folder, that is refused if the file changes before all of it is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tare.errors import DataError
from tare.samples.records import Record
from tare.sources.base import Indexed
from tare.sources.derived import SameChannels
from tare.system.local.opened import ChangedError, regular, said
from tare.system.local.pins import Pin, TreePin


@dataclass(frozen=True)
class Opened(SameChannels):
    """The samples of another source, as long as its file is what it was when the source was opened.

    The file is looked at after every chunk, so that no value of a changed file is counted; a folder at the end of a pass.
    ``said`` are remarks beside those of the source. Without a ``pin`` nothing is looked at.
    """

    pin: Pin | TreePin | None = None
    said: tuple[str, ...] = ()

    @property
    def remarks(self) -> tuple[str, ...]:  # type: ignore[override]
        """The other source's remarks, and what is said of how it was opened."""
        return (*self.source.remarks, *self.said)

    def changed(self, record: Record) -> Iterator[Record]:
        """The record itself."""
        yield record

    def chunks(self) -> Iterator[Any]:
        """The other source's chunks. Raises :class:`DataError` if the file changed."""
        with unchanged(self.name, self.pin, at_once=True):
            for chunk in self.source.chunks():
                if isinstance(self.pin, Pin):
                    self.pin.check()
                yield chunk

    def read(self, chunk: Any) -> Iterator[Record]:
        """The samples of a chunk. Raises :class:`DataError` if the file changed."""
        with unchanged(self.name, self.pin):
            yield from self.source.read(chunk)

    def indexed(self) -> Indexed | None:
        """The other source's samples; each raises :class:`DataError` if the file changed."""
        with unchanged(self.name, self.pin):
            indexed = self.source.indexed()
        return None if indexed is None else replace(indexed, read=lambda index: self._one(indexed, index))

    def _one(self, indexed: Indexed, index: int) -> Iterator[Record]:
        with unchanged(self.name, self.pin):
            yield from indexed.read(index)


def pin_of(place: str) -> Pin | TreePin:
    """Pin a file, or all files of a folder. Raises :class:`DataError` if it is missing."""
    try:
        return TreePin.of(place) if Path(place).is_dir() else _pinned(place)
    except OSError as error:
        raise DataError("a readable file", f"{place!r}: {said(error)}", "check the path") from None


def _pinned(place: str) -> Pin:
    regular(place)
    return Pin.of(place)


@contextmanager
def unchanged(name: str, pin: Pin | TreePin | None, *, at_once: bool = False) -> Iterator[None]:
    """Raise :class:`DataError` if the file changed, also in place of an error that comes of it; a folder only ``at_once``."""
    if pin is None:
        yield
        return
    looked_at = at_once or isinstance(pin, Pin)
    try:
        try:
            yield
        except ChangedError:
            raise
        except Exception:
            pin.check()
            raise
        if looked_at:
            pin.check()
    except ChangedError as error:
        raise DataError("data that stay as they are", f"{name!r}, {error}", "wait until nothing writes to it") from None
