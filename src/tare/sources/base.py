"""The interface of every source of samples: chunks that can be described cheaply and read anywhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from tare.samples.records import Facts, Record

ChunkT = TypeVar("ChunkT")
ItemT = TypeVar("ItemT")

#: Number of samples in a chunk of an :class:`ItemSource`.
ITEMS_PER_CHUNK = 64


@dataclass(frozen=True)
class Indexed:
    """Samples that can be read one by one in any order: ``read(index)`` gives the sample at an index below ``number``.

    ``threads`` says whether several threads may read at once.
    """

    number: int
    read: Callable[[int], Iterator[Record]]
    threads: bool = True


class Source(ABC, Generic[ChunkT]):
    """Samples in fixed chunks. A chunk is a picklable description that the source can read without anything else.

    The cuts depend on the data alone, never on the number of workers; so every statistic does, to the last bit.
    """

    #: What the user named, for messages and provenance.
    name: str

    #: Why this source cannot be read by index: a clause that messages append to its name.
    unindexed: str = "which has an order of its own"

    #: Names of the channels, if the data state them (columns of a table); else None.
    channel_names: tuple[str, ...] | None = None

    #: Names the cluster of a sample by its path, if samples are not independent (the tiles of a scene); else None.
    cluster_of: Callable[[str], str] | None = None

    #: What the data as a whole state of all values.
    stated: Facts = ()

    #: Whether the source itself keeps to the mask that its options name.
    applies_mask: bool = False

    #: What was assumed or left out when the data were opened, each a sentence for the user.
    remarks: tuple[str, ...] = ()

    @abstractmethod
    def chunks(self) -> Iterator[ChunkT]:
        """Describe all samples as a stream, without keeping a list of them.

        A chunk of a format that can only be read from its beginning carries the undecoded bytes.
        """

    @abstractmethod
    def read(self, chunk: ChunkT) -> Iterator[Record]:
        """Read the samples of one chunk; an unreadable sample becomes a :class:`tare.samples.records.Skipped`."""

    def chunk_length(self, chunk: ChunkT) -> int:
        """Number of samples in ``chunk``, for progress bars."""
        del chunk
        return 1

    def beside(self, chunk: ChunkT) -> Iterator[str]:
        """Files that the samples of a chunk are read with and that it does not name, such as masks; they need not be there."""
        del chunk
        return iter(())

    def number(self) -> int | None:
        """How many samples there are, or None if that is only known after reading them; for progress, so it may be wrong."""
        return None

    def indexed(self) -> Indexed | None:
        """The same samples by index, or None if the format cannot be read by index; may keep a list of names in memory."""
        return None


class ItemSource(Source[tuple[ItemT, ...]], Generic[ItemT]):
    """A source whose samples are described one by one, such as files by their names; a chunk is a tuple of 64 items."""

    @abstractmethod
    def items(self) -> Iterator[ItemT]:
        """Describe every sample, in a fixed order."""

    @abstractmethod
    def read_item(self, item: ItemT) -> Record:
        """Read one sample, or give the reason why it is unreadable."""

    def chunks(self) -> Iterator[tuple[ItemT, ...]]:
        """Groups of items, in their order."""
        items = self.items()
        while chunk := tuple(islice(items, ITEMS_PER_CHUNK)):
            yield chunk

    def chunk_length(self, chunk: tuple[ItemT, ...]) -> int:
        """One sample an item."""
        return len(chunk)

    def read(self, chunk: tuple[ItemT, ...]) -> Iterator[Record]:
        """Read each item."""
        return map(self.read_item, chunk)

    def indexed(self) -> Indexed | None:
        """One sample an item."""
        items = list(self.items())
        return Indexed(len(items), lambda index: iter((self.read_item(items[index]),)))


def row_ranges(number: int, step: int) -> Iterator[tuple[int, int]]:
    """Cut ``number`` rows into ranges ``(start, stop)`` of ``step`` rows."""
    return ((start, min(start + step, number)) for start in range(0, number, step))
