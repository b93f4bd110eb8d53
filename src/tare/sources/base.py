"""What every source of samples has in common: chunks that can be described cheaply and read anywhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Generic, TypeVar

from tare.records import Record

ChunkT = TypeVar("ChunkT")


class Source(ABC, Generic[ChunkT]):
    """Samples in fixed chunks: picklable descriptions, each of which the source alone suffices to read.

    The cuts depend on the data only, never on the number of workers, and so does every bit of a statistic.
    """

    #: What the user named, for messages and provenance.
    name: str

    #: What the channels are called, where the data says so (a table's columns).
    channel_names: tuple[str, ...] | None = None

    @abstractmethod
    def chunks(self) -> Iterator[ChunkT]:
        """Describe all samples, streaming: no list of all of them is kept.

        A format that can only be read from its beginning hands out undecoded bytes, one chunk at a time.
        """

    @abstractmethod
    def read(self, chunk: ChunkT) -> Iterator[Record]:
        """Read the samples of one chunk; what cannot be read comes out as :class:`tare.records.Skipped`."""

    def chunk_length(self, chunk: ChunkT) -> int:
        """How many samples ``chunk`` announces, for progress bars."""
        del chunk
        return 1
