"""The data of a study of the user's own function: statistics of any subset, without reading the data again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.datasets.parts.opening import open_pooled
from tare.errors import DataError
from tare.measuring.one_pass import stats_of
from tare.samples.records import Kept, Record, Rows, Skipped, Stack, axes_of_sample, name_of, names_of
from tare.sources.arrays.whole import whole
from tare.sources.base import Source
from tare.sources.files.contents import contents_digest, named_places, opened_places
from tare.sources.options import Options
from tare.statistics.buckets import Buckets
from tare.statistics.dataset_stats import DatasetStats
from tare.statistics.histogram import Histogram
from tare.statistics.state import ChannelLayout, DatasetState, Merging

#: The layout of a batch by the number of axes of one sample, channels included.
_LAYOUTS = {1: "NC", 2: "NCT", 3: "NCHW", 4: "NCDHW"}


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """Samples by index: their names, the state of each, and the layout of a batch such as ``NCHW``.

    ``contents`` is a hash of the files that they were read from, in which the user's function may find more than the samples.
    """

    names: tuple[str, ...]
    states: tuple[DatasetState, ...]
    layout: str
    source: Source[Any]
    contents: str

    @property
    def number(self) -> int:
        """Number of samples."""
        return len(self.names)

    @property
    def raw_dtype(self) -> str:
        """The type of raw values."""
        return next(iter(self.states[0].groups)).dtype

    @property
    def channels(self) -> int:
        """Number of channels."""
        return next(iter(self.states[0].groups)).channels

    def stats(self, chosen: Iterable[int]) -> DatasetStats:
        """Statistics of the samples at these indices, in unit values."""
        merging = Merging()
        for index in chosen:
            merging.add(self.states[index])
        return stats_of(merging.total, self.source)

    def split(self, pool: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """``pool`` training samples, of which every size takes the first, and the test samples; both are indices."""
        order = np.random.default_rng((seed, 3)).permutation(self.number)
        return order[:pool], order[pool:]

    def digest(self) -> str:
        """A hash of the names and moments of all samples in their order, and of all that their files hold."""
        moments = [[[each.moments for each in group.channels] for group in state.groups.values()] for state in self.states]
        known = (self.layout, self.names, moments, self.contents)
        return hashlib.sha256(repr(known).encode("utf-8", "backslashreplace")).hexdigest()


@lru_cache(maxsize=2)
def subject_of(data: str, array: str = "", label: str = "", layout: str = "", opening: int = 0) -> Subject:
    """Read every sample of ``data``, in the order in which ``tare.measure`` reads them: files by name, rows as they stand.

    For each ``opening`` they are read once.
    ``array`` names one of several arrays, ``layout`` states its axes, and ``label`` is the column of a table that is no channel.
    Files that are no samples, such as a README, have no index. Raises :class:`DataError` for a sample that cannot be read, and
    for samples of several kinds.
    """
    del opening
    source = whole(open_pooled(data, Options(array=array or None, label=label or None, layout=layout or None)))
    places = dict.fromkeys(opened_places(data, source))
    read = [*_read(data, source, places)]
    _check_one_kind(data, {(axes, tuple(state.groups)) for _, state, axes in read})
    axes = read[0][2]
    if axes not in _LAYOUTS:
        raise DataError("rows, signals, images or volumes", f"samples with {axes} axes in {data!r}", "state another array")
    names, states = tuple(name for name, _, _ in read), tuple(state for _, state, _ in read)
    return Subject(names, states, _LAYOUTS[axes], source, contents_digest(places))


def _read(data: str, source: Source[Any], places: dict[str, None]) -> Iterator[tuple[str, DatasetState, int]]:
    """The name, the state and the number of axes of each sample; the files of samples are added to ``places``."""
    for chunk in source.chunks():
        named = dict.fromkeys(named_places(data, chunk))
        for record in source.read(chunk):
            if isinstance(record, Skipped):
                if not record.foreign:
                    raise DataError("samples that can all be read", f"{record.path!r}: {record.reason}", "repair or remove it")
                named.pop(record.path, None)
            for name, one in _singly(record):
                yield name, _slim(DatasetState.of([one])), _axes(one)
        places |= named


def _singly(record: Record) -> Iterator[tuple[str, Record]]:
    """The samples of a record one by one, with their names."""
    if isinstance(record, Stack):
        for index, name in enumerate(names_of(record.path, len(record.values))):
            yield name, replace(record, values=record.values[index : index + 1], labels=None)
    elif isinstance(record, Rows):
        columns = [*record.columns]
        for index in range(len(columns[0]) if columns else 0):
            row = [column[index : index + 1] for column in columns]
            yield name_of(record.path, index), replace(record, columns=row, number=None, notes={})
    elif not isinstance(record, Skipped):
        yield record.path, record


def _axes(record: Record) -> int:
    """Number of axes of a sample, channels included."""
    axes = axes_of_sample(record)
    if isinstance(record, Kept):
        found = f"values of {record.path!r} that mean no data"
        raise DataError("samples of which every value counts", found, "fill or crop them")
    if not axes:
        raise DataError("samples that are held at once, and whole", f"a part of {record.path!r}", "cut them into tiles")
    return axes


def _slim(state: DatasetState) -> DatasetState:
    """The state without counts for quantiles, which a normalisation does not need: those of 16 bits take a megabyte a sample."""
    groups = {}
    for layout, group in state.groups.items():
        empty = Histogram() if layout.dtype == "uint8" else Buckets()
        groups[layout] = replace(group, channels=tuple(replace(each, histogram=empty) for each in group.channels))
    return replace(state, groups=groups)


def _check_one_kind(data: str, kinds: set[tuple[int, tuple[ChannelLayout, ...]]]) -> None:
    if not kinds:
        raise DataError("samples", f"none in {data!r}", "name another place")
    if len(kinds) > 1:
        found = sorted({f"{layout.channels} channels of {layout.dtype}" for _, layouts in kinds for layout in layouts})
        raise DataError(
            "samples of one kind, with as many channels each", ", ".join(found), "convert them, or name a part of them"
        )
