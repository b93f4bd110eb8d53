"""The mergeable state of a measurement: one group of channel states per layout, and the skipped files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any, TypeVar

import numpy as np

from tare.errors import DataError
from tare.samples.records import Facts, Kept, Part, Record, Rows, Sample, Skipped, Stack, is_numbered, name_of, names_of
from tare.statistics import channel as channel_state
from tare.statistics.channel import ChannelState
from tare.statistics.exact import Dyadic

K = TypeVar("K")
V = TypeVar("V")

#: Note on grey images among colour images.
AS_COLOUR = "grey, read as RGB"

#: Facts that name the samples with NaN or infinite values, and the files of rows with some.
NOT_FINITE, NOT_FINITE_ROWS = ("not finite", "samples"), ("not finite", "rows")

_COLOUR_DTYPES = ("uint8", "uint16")


@dataclass(frozen=True, slots=True, order=True)
class ChannelLayout:
    """Number of channels and name of the dtype; values are pooled within one layout alone."""

    channels: int
    dtype: str


#: Number, sum and sum of squares of the values of one channel, exactly.
Totals = tuple[int, Dyadic, Dyadic]


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


@dataclass(frozen=True, slots=True, order=True)
class Cluster:
    """The samples of one layout in one cluster, such as the tiles of one scene."""

    name: str
    layout: ChannelLayout


@dataclass(frozen=True, slots=True)
class Stated:
    """Number of samples whose files state one fact, and the first of their paths in alphabetical order."""

    samples: int
    example: str

    def merge(self, other: Stated) -> Stated:
        """The same of both."""
        return Stated(self.samples + other.samples, min(self.example, other.example))


@dataclass(frozen=True, slots=True)
class DatasetState:
    """Frozen state of a measurement: ``DatasetState()`` is empty, ``merge`` is exact, associative and commutative.

    ``notes`` count the samples by what decoding left out, and ``facts`` by what their files state. ``clusters`` hold the totals
    ``(n, S, Q)`` of each channel of each cluster, if the samples are clustered.
    """

    groups: Mapping[ChannelLayout, SampleGroup] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()
    notes: Mapping[str, int] = field(default_factory=dict)
    facts: Mapping[tuple[str, str], Stated] = field(default_factory=dict)
    clusters: Mapping[Cluster, tuple[Totals, ...]] = field(default_factory=dict)

    def merge(self, other: DatasetState) -> DatasetState:
        """Return the state of both sets of samples together."""
        groups = merged(self.groups, other.groups, SampleGroup.merge)
        skipped = tuple(sorted(self.skipped + other.skipped)) if self.skipped or other.skipped else ()
        facts = merged(self.facts, other.facts, Stated.merge)
        clusters = merged(self.clusters, other.clusters, _added)
        return DatasetState(groups, skipped, Counter(self.notes) + Counter(other.notes), facts, clusters)

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
        clusters: Mapping[Cluster, tuple[Totals, ...]] = {}
        for cluster, totals in self.clusters.items():
            clusters = merged(clusters, {replace(cluster, layout=colour): totals * (3 // len(totals))}, _added)
        return replace(self, groups={colour: self.groups[colour].merge(as_colour)}, notes=notes, clusters=clusters)

    @classmethod
    def of(cls, records: Iterable[Record], cluster_of: Callable[[str], str] | None = None) -> DatasetState:
        """Reduce the samples of one chunk; ``cluster_of`` names the cluster of a sample by its path."""
        if cluster_of is None:
            together = _Gathered()
            for record in records:
                together.add(record)
                del record  # its memory serves the next one
            return together.state()
        gathered: dict[str, _Gathered] = {}
        name = ""
        for record in records:
            for part_of, part in [(name, record)] if isinstance(record, Skipped) else _in_clusters(record, cluster_of):
                name = part_of  # what breaks a sample off belongs to its cluster
                gathered.setdefault(name, _Gathered()).add(part)
        return reduce(cls.merge, (_clustered(name, part.state()) for name, part in gathered.items()), cls())


def merged(ours: Mapping[K, V], theirs: Mapping[K, V], both: Callable[[V, V], V]) -> dict[K, V]:
    """The entries of two mappings, with those that stand in both merged."""
    found = dict(ours)
    for key, value in theirs.items():
        found[key] = both(found[key], value) if key in found else value
    return found


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

    def __init__(self, example: str, layout: ChannelLayout, sums: Any) -> None:
        self.example, self.layout, self.samples, self.sums = example, layout, 0, sums

    def add(self, path: str, values: Any) -> None:
        self.example = min(self.example, path)
        self.samples += 1
        self.sums.add(values)

    def group(self) -> SampleGroup:
        return SampleGroup(self.samples, self.example, self.sums.pooled())


class _Gathered:
    """The samples of a chunk, added one by one and reduced to a state at its end."""

    def __init__(self) -> None:
        self.batches = DatasetState()
        self.skipped: list[Skipped] = []
        self.notes: Counter[str] = Counter()
        self.facts: dict[tuple[str, str], Stated] = {}
        self.collected: dict[tuple[int, np.dtype[Any]], _Collected] = {}
        self.kept: dict[ChannelLayout, _Collected] = {}
        self.divided: _Divided | None = None

    def add(self, record: Record) -> None:
        """Add one record."""
        if isinstance(record, Part):
            self._add_part(record)
            return
        if isinstance(record, Skipped) and self.divided is not None and self.divided.path == record.path:
            self.divided = None  # a part of a sample is no sample
        self._close()
        if isinstance(record, Skipped):
            self.skipped.append(record)
        elif isinstance(record, Sample):
            kind = record.values.shape[-1], record.values.dtype
            if kind not in self.collected:
                layout = ChannelLayout(kind[0], kind[1].name)
                sums = channel_state.collector(layout.channels, layout.dtype)
                self.collected[kind] = _Collected(record.path, layout, sums)
            self._collect(record, self.collected[kind], record.values)
        elif isinstance(record, Kept):
            layout = ChannelLayout(len(record.channels), record.channels[0].dtype.name)
            if layout not in self.kept:
                self.kept[layout] = _Collected(record.path, layout, channel_state.Sparse(layout.channels, layout.dtype))
            self._collect(record, self.kept[layout], record.channels)
        else:
            self._add_batch(record)

    def _collect(self, record: Sample | Kept, collected: _Collected, values: Any) -> None:
        collected.add(record.path, values)
        self._noted(record.path, record.notes, (*record.facts, *((NOT_FINITE,) if collected.sums.strange else ())))

    def _add_batch(self, record: Stack | Rows) -> None:
        if isinstance(record, Rows):
            self.notes.update(record.notes)
        state = _of_batch(record)
        strange = (
            place
            for group in state.groups.values()
            for place, channel in enumerate(group.channels)
            if channel.moments.nan or channel.moments.inf
        )
        if (channel := next(strange, None)) is not None:
            self._strange(record, channel)
        self.batches = self.batches.merge(state)

    def _strange(self, record: Stack | Rows, channel: int) -> None:
        """Name the samples of a stack that hold NaN or infinite values; of rows, of which there may be millions, one."""
        if isinstance(record, Rows):
            row = int(np.argmin(np.isfinite(record.columns[channel])))
            known = is_numbered(record.path) and record.number is None
            self._noted(name_of(record.path, row) if known else record.path, (), (NOT_FINITE_ROWS,))
            return
        for name, values in zip(names_of(record.path, len(record.values)), record.values, strict=True):
            if not np.isfinite(values).all():
                self._noted(name, (), (NOT_FINITE,))

    def state(self) -> DatasetState:
        """The state of all of them."""
        self._close()
        state = self.batches
        for samples in (*self.collected.values(), *self.kept.values()):
            state = state.merge(DatasetState({samples.layout: samples.group()}))
        return state.merge(DatasetState({}, tuple(sorted(self.skipped)), self.notes, self.facts))

    def _add_part(self, part: Part) -> None:
        if self.divided is None or not part.continues(self.divided.path):
            self._close()
            self.divided = _Divided(part)
        self.divided.check(part)
        self.divided.notes = tuple(dict.fromkeys((*self.divided.notes, *part.notes)))
        self.divided.sums.add(part.channels)
        self.divided.strange |= self.divided.sums.strange

    def _close(self) -> None:
        if self.divided is not None:
            strange = (NOT_FINITE,) if self.divided.strange else ()
            self._noted(self.divided.path, self.divided.notes, (*self.divided.facts, *strange))
            self.batches = self.batches.merge(self.divided.state())
            self.divided = None

    def _noted(self, path: str, notes: tuple[str, ...], facts: Facts) -> None:
        if notes:
            self.notes.update(notes)
        if facts:
            self.facts = merged(self.facts, dict.fromkeys(facts, Stated(1, path)), Stated.merge)


class _Divided:
    """The sums of one sample that comes in parts."""

    def __init__(self, part: Part) -> None:
        self.path, self.notes, self.facts, self.strange = part.path, part.notes, part.facts, False
        self.layout = ChannelLayout(len(part.channels), part.channels[0].dtype.name)
        self.sums = channel_state.Sparse(self.layout.channels, self.layout.dtype)

    def check(self, part: Part) -> None:
        """Raise :class:`DataError` for values of another type, which would be counted as those of the first part's."""
        names = {self.layout.dtype, *(each.dtype.name for each in part.channels)}
        if len(names) > 1:
            found = f"{' and '.join(sorted(names))} in {part.path!r}"
            raise DataError("parts of a sample in one type", found, "measure each kind by itself")

    def state(self) -> DatasetState:
        channels = tuple(channel.united() for channel in self.sums.pooled())
        return DatasetState({self.layout: SampleGroup(1, self.path, channels)})


def _of_batch(record: Stack | Rows) -> DatasetState:
    if isinstance(record, Stack):
        number, layout = len(record.values), ChannelLayout(record.channels, record.values.dtype.name)
        channels = channel_state.of_stack(record) if number else ()
    else:
        number, channels = channel_state.of_rows(record)
        layout = ChannelLayout(len(channels), record.dtype)
    return DatasetState({layout: SampleGroup(number, record.path, channels)}) if number else DatasetState()


def _in_clusters(record: Record, cluster_of: Callable[[str], str]) -> Iterator[tuple[str, Record]]:
    """The parts of a record by their clusters; a stack, and rows whose numbers are known, have samples of several names.

    Raises :class:`DataError` for rows of several clusters of which values were left out, or whose numbers are not known.
    """
    if not isinstance(record, Stack | Rows):
        yield cluster_of(record.path), record
        return
    unnumbered = isinstance(record, Rows) and not is_numbered(record.path)
    if unnumbered:
        whole = record.path.rpartition("[")[0] or record.path
        clusters = [cluster_of(f"{whole}[{row}]") for row in (0, 1)]
    else:
        clusters = [*map(cluster_of, names_of(record.path, _number(record)))]
    if len(set(clusters)) <= 1:
        yield (clusters[0] if clusters else cluster_of(record.path)), record
        return
    if isinstance(record, Rows) and (unnumbered or record.number is not None):
        found = f"{clusters[0]!r} and {clusters[1]!r} in {record.path!r}"
        raise DataError("rows of one file in one cluster where their numbers are not known", found, "correct --cluster")
    for name in dict.fromkeys(clusters):
        chosen = np.array([each == name for each in clusters])
        if isinstance(record, Rows):
            yield name, replace(record, columns=[column[chosen] for column in record.columns])
        else:
            yield name, replace(record, values=record.values[chosen], labels=None)


def _number(record: Stack | Rows) -> int:
    """Number of samples."""
    if isinstance(record, Stack):
        return len(record.values)
    return record.number if record.number is not None else len(record.columns[0]) if record.columns else 0


def _clustered(name: str, state: DatasetState) -> DatasetState:
    """A state whose samples all belong to one cluster."""
    clusters = {Cluster(name, layout): _totals(group) for layout, group in state.groups.items()}
    return replace(state, clusters=clusters)


def _totals(group: SampleGroup) -> tuple[Totals, ...]:
    moments = (channel.moments for channel in group.channels)
    return tuple((each.count, each.total, each.squares) for each in moments)


def _added(ours: tuple[Totals, ...], theirs: tuple[Totals, ...]) -> tuple[Totals, ...]:
    return tuple((n + m, s + t, q + r) for (n, s, q), (m, t, r) in zip(ours, theirs, strict=True))
