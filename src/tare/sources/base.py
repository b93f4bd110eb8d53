"""What every source of samples has in common: chunks that can be described cheaply and read anywhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from tare.samples.records import Record

ChunkT = TypeVar("ChunkT")


@dataclass(frozen=True)
class Indexed:
    """Samples that can be read one by one in any order: ``number`` of them, the one at a place by ``read``.

    ``threads`` says whether several may be read at once.
    """

    number: int
    read: Callable[[int], Iterator[Record]]
    threads: bool = True


class Source(ABC, Generic[ChunkT]):
    """Samples in fixed chunks: picklable descriptions, each of which the source alone suffices to read.

    The cuts depend on the data only, never on the number of workers, and so does every bit of a statistic.
    """

    #: What the user named, for messages and provenance.
    name: str

    #: Why there are no samples by index, where there are none: what a message says of the data.
    unindexed: str = "which has an order of its own"

    #: What the channels are called, where the data says so (a table's columns).
    channel_names: tuple[str, ...] | None = None

    @abstractmethod
    def chunks(self) -> Iterator[ChunkT]:
        """Describe all samples, streaming: no list of all of them is kept.

        A format that can only be read from its beginning hands out undecoded bytes, one chunk at a time.
        """

    @abstractmethod
    def read(self, chunk: ChunkT) -> Iterator[Record]:
        """Read the samples of one chunk; what cannot be read comes out as :class:`tare.samples.records.Skipped`."""

    def chunk_length(self, chunk: ChunkT) -> int:
        """How many samples ``chunk`` announces, for progress bars."""
        del chunk
        return 1

    def indexed(self) -> Indexed | None:
        """The same samples by index, where the format can be read that way; a list of names may then be held in memory."""
        return None


def row_ranges(number: int, step: int) -> Iterator[tuple[int, int]]:
    """Cut ``number`` rows into fixed ranges of ``step``: first row and the row behind the last."""
    return ((start, min(start + step, number)) for start in range(0, number, step))
