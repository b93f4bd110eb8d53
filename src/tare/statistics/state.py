"""The mergeable state of a measurement: one group of channel states per layout, and the skipped files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import numpy as np

from tare.samples.records import Kept, Record, Rows, Sample, Skipped, Stack
from tare.statistics import channel as channel_state
from tare.statistics.channel import ChannelState

#: Note on grey images among colour images.
AS_COLOUR = "grey, read as RGB"

_COLOUR_DTYPES = ("uint8", "uint16")


@dataclass(frozen=True, slots=True, order=True)
class ChannelLayout:
    """Number of channels and name of the dtype; values are pooled within one layout alone."""

    channels: int
    dtype: str


@dataclass(frozen=True, slots=True)
class SampleGroup:
    """All samples of one layout; ``example`` is the first of their paths in alphabetical order."""

    samples: int
    example: str
    channels: tuple[ChannelState, ...]

    def merge(self, other: SampleGroup) -> SampleGroup:
        """Return the group of both."""
        channels = tuple(a.merge(b) for a, b in zip(self.channels, other.channels, strict=True))
        return SampleGroup(self.samples + other.samples, min(self.example, other.example), channels)


@dataclass(frozen=True, slots=True)
class DatasetState:
    """Frozen state of a measurement: ``DatasetState()`` is empty, ``merge`` is exact, associative and commutative.

    ``notes`` count the samples by what decoding left out.
    """

    groups: Mapping[ChannelLayout, SampleGroup] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()
    notes: Mapping[str, int] = field(default_factory=dict)

    def merge(self, other: DatasetState) -> DatasetState:
        """Return the state of both sets of samples together."""
        groups = dict(self.groups)
        for layout, group in other.groups.items():
            groups[layout] = groups[layout].merge(group) if layout in groups else group
        skipped = tuple(sorted(self.skipped + other.skipped)) if self.skipped or other.skipped else ()
        return DatasetState(groups, skipped, Counter(self.notes) + Counter(other.notes))

    @property
    def samples(self) -> int:
        """Number of samples read."""
        return sum(group.samples for group in self.groups.values())

    def pooled(self) -> DatasetState:
        """Pool grey images with colour images of the same integer dtype, exactly as if each grey one were read as RGB.

        Three equal channels are what every decoder makes of a grey image, so no figure is guessed; a note counts the grey ones.
        Samples of different dtypes are not pooled: the same scene at 8 and at 16 bits has other values.
        """
        grey = next((layout for layout in self.groups if layout.channels == 1 and layout.dtype in _COLOUR_DTYPES), None)
        colour = None if grey is None else replace(grey, channels=3)
        if grey is None or colour is None or set(self.groups) != {grey, colour}:
            return self
        read = self.groups[grey]
        as_colour = replace(read, channels=read.channels * 3)
        notes = Counter(self.notes) + Counter({AS_COLOUR: read.samples})
        return replace(self, groups={colour: self.groups[colour].merge(as_colour)}, notes=notes)

    @classmethod
    def of(cls, records: Iterable[Record]) -> DatasetState:
        """Reduce the samples of one chunk."""
        state = cls()
        skipped: list[Skipped] = []
        notes: Counter[str] = Counter()
        collected: dict[tuple[int, np.dtype[Any]], _Collected] = {}
        for record in records:
            if isinstance(record, Skipped):
                skipped.append(record)
            elif isinstance(record, Sample):
                if record.notes:
                    notes.update(record.notes)
                kind = record.values.shape[-1], record.values.dtype
                if kind not in collected:
                    collected[kind] = _Collected(record.path, ChannelLayout(kind[0], kind[1].name))
                collected[kind].add(record)
            elif isinstance(record, Kept):
                notes.update(record.notes)
                state = state.merge(_of_kept(record))
            else:
                if isinstance(record, Rows):
                    notes.update(record.notes)
                state = state.merge(_of_batch(record))
            del record  # its memory serves the next one
        for samples in collected.values():
            state = state.merge(cls({samples.layout: samples.group()}))
        return state.merge(cls({}, tuple(sorted(skipped)), notes))


class Merging:
    """Merge a stream of states pairwise by size, so that a long list of skipped files is sorted few times.

    Merging is associative, so :attr:`total` equals the result of merging one after the other, to the last bit.
    """

    def __init__(self) -> None:
        self._parts: list[DatasetState | None] = []  # at place k the merge of 2**k states, or None

    def add(self, state: DatasetState) -> None:
        """Add one more state."""
        for place, part in enumerate(self._parts):
            if part is None:
                self._parts[place] = state
                return
            state, self._parts[place] = part.merge(state), None
        self._parts.append(state)

    @property
    def total(self) -> DatasetState:
        """The state of everything added."""
        return reduce(DatasetState.merge, (part for part in self._parts if part is not None), DatasetState())


class _Collected:
    """The sums of a chunk's samples of one layout; turned into a frozen :class:`SampleGroup` at its end."""

    def __init__(self, example: str, layout: ChannelLayout) -> None:
        self.example, self.layout, self.samples = example, layout, 0
        self.sums = channel_state.collector(layout.channels, layout.dtype)

    def add(self, sample: Sample) -> None:
        self.example = min(self.example, sample.path)
        self.samples += 1
        self.sums.add(sample.values)

    def group(self) -> SampleGroup:
        return SampleGroup(self.samples, self.example, self.sums.pooled())


def _of_kept(record: Kept) -> DatasetState:
    layout = ChannelLayout(len(record.channels), record.channels[0].dtype.name)
    sums = channel_state.Sparse(layout.channels, layout.dtype)
    sums.add(record.channels)
    return DatasetState({layout: SampleGroup(1, record.path, sums.pooled())})


def _of_batch(record: Stack | Rows) -> DatasetState:
    if isinstance(record, Stack):
        number, layout = len(record.values), ChannelLayout(record.channels, record.values.dtype.name)
        channels = channel_state.of_stack(record) if number else ()
    else:
        number, channels = channel_state.of_rows(record)
        layout = ChannelLayout(len(channels), record.dtype)
    return DatasetState({layout: SampleGroup(number, record.path, channels)}) if number else DatasetState()
