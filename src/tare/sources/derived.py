"""A source made of another one: the same chunks, with each record replaced by what becomes of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from tare.samples.records import Facts, Record
from tare.sources.base import Indexed, Source


@dataclass(frozen=True)
class Derived(Source[Any]):
    """The samples of another source, each changed by :meth:`changed`."""

    source: Source[Any]

    @abstractmethod
    def changed(self, record: Record) -> Iterator[Record]:
        """What becomes of one record of the other source."""

    @property
    def name(self) -> str:  # type: ignore[override]
        """The other source's name."""
        return self.source.name

    @property
    def unindexed(self) -> str:  # type: ignore[override]
        """The reason of the other source."""
        return self.source.unindexed

    @property
    def remarks(self) -> tuple[str, ...]:  # type: ignore[override]
        """The other source's remarks."""
        return self.source.remarks

    @property
    def stated(self) -> Facts:  # type: ignore[override]
        """What the other source's data state."""
        return self.source.stated

    @property
    def cluster_of(self) -> Callable[[str], str] | None:  # type: ignore[override]
        """The clusters of the other source."""
        return self.source.cluster_of

    def chunks(self) -> Iterator[Any]:
        """The other source's chunks."""
        return self.source.chunks()

    def chunk_length(self, chunk: Any) -> int:
        """Number of samples in the other source's chunk."""
        return self.source.chunk_length(chunk)

    def beside(self, chunk: Any) -> Iterator[str]:
        """The other source's files beside its chunk."""
        return self.source.beside(chunk)

    def number(self) -> int | None:
        """Number of samples of the other source."""
        return self.source.number()

    def read(self, chunk: Any) -> Iterator[Record]:
        """The samples of a chunk, changed."""
        return self._all(self.source.read(chunk))

    def indexed(self) -> Indexed | None:
        """The other source's samples, changed."""
        indexed = self.source.indexed()
        return None if indexed is None else replace(indexed, read=lambda index: self._all(indexed.read(index)))

    def _all(self, records: Iterable[Record]) -> Iterator[Record]:
        for record in records:
            yield from self.changed(record)


@dataclass(frozen=True)
class SameChannels(Derived):
    """The samples of another source, of the same channels, as :meth:`changed` leaves them."""

    @property
    def channel_names(self) -> tuple[str, ...] | None:  # type: ignore[override]
        """The other source's names."""
        return self.source.channel_names

    @property
    def applies_mask(self) -> bool:  # type: ignore[override]
        """Whether the other source keeps to the mask."""
        return self.source.applies_mask
