"""What every source of samples has in common: chunks that can be described cheaply and read anywhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Generic, TypeVar

from tare.records import Sample, Skipped

ChunkT = TypeVar("ChunkT")


class Source(ABC, Generic[ChunkT]):
    """Samples in fixed chunks: small picklable descriptions, each of which the source alone suffices to read."""

    #: What the user named, for messages and provenance.
    name: str

    @abstractmethod
    def chunks(self) -> Iterator[ChunkT]:
        """Describe all samples, streaming: nothing is read but names, and no list of all of them is kept."""

    @abstractmethod
    def read(self, chunk: ChunkT) -> Iterator[Sample | Skipped]:
        """Read the samples of one chunk; what cannot be read comes out as :class:`Skipped`."""

    def chunk_length(self, chunk: ChunkT) -> int:
        """How many samples ``chunk`` announces, for progress bars."""
        del chunk
        return 1
