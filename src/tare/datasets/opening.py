"""Open labelled data: an archive, a table, or any other source, by index if possible, else in memory."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tare.datasets.archives import labelled_archive, unlabelled_array
from tare.datasets.parts.columns import columns_of, columns_of_archive, columns_of_table
from tare.datasets.parts.folders import PartFolders, part_folders, without_parts
from tare.datasets.parts.opening import pooled_archive, pooled_samples, pooled_table
from tare.datasets.parts.stated import (
    StatedParts,
    against_folders,
    agreed,
    in_parts,
    parts_by_column,
    parts_by_rows,
    parts_by_shard,
    parts_of_archive,
    shards_of,
    unused_remark,
)
from tare.datasets.samples import KINDS, InMemory, LabelledSamples, check_labels
from tare.datasets.tables import (
    columns_in,
    columns_of_marks,
    is_table,
    label_texts,
    labelled_table,
    load_table,
    unlabelled_table,
)
from tare.errors import DataError
from tare.input_spec.geometry import SampleKind
from tare.samples.records import Facts, Kept, Part, Record, Rows, Sample, Skipped, Stack, along_axes, names_of
from tare.sources.arrays.whole import whole
from tare.sources.base import Indexed, Source
from tare.sources.files.tar import shared_keys
from tare.sources.opening import open_source
from tare.sources.options import Options
from tare.sources.tables.label_columns import label_columns
from tare.tasks.task import Texts

# Decoded samples of a format that can only be read from its beginning are kept in memory, up to this size.
_MOST_BYTES = 4 << 30


def open_labelled(
    data: Any, options: Options, label: str | None = None, pattern: str | None = None
) -> tuple[LabelledSamples, LabelledSamples | None]:
    """Open labelled data, and its validation split if the data hold one.

    ``data`` is an ``.npz`` with samples and labels (``train_images`` and ``train_labels``, ``x`` and ``y``, or ``options.array``
    and ``label``), a table with a ``label`` column (a number: that column of a file without header), or other
    labelled data of :func:`tare.measure`: a manifest, tar shards, Parquet images, a torch or Hugging Face dataset. ``pattern``
    is a regular expression: its first group in a sample's path is the label; samples that it does not match are left out.

    Raises :class:`DataError` if there are no samples, or samples without a label.
    """
    if isinstance(data, str | os.PathLike) and os.fspath(data).lower().endswith(".npz"):
        name = os.fspath(data)
        train, val = labelled_archive(name, options.array, label, options.layout)
        if val is None:
            unused = unused_remark(columns_of_archive(name, train.name, len(train)), train.columns)
            remarks = (*train.remarks, *filter(None, [unused]))
            return in_parts(replace(train, remarks=remarks), parts_of_archive(train, name))
        return train, val
    return in_parts(*labelled_samples(data, options, label, pattern))


def labelled_samples(
    data: Any, options: Options, label: str | None = None, pattern: str | None = None
) -> tuple[LabelledSamples, StatedParts | None]:
    """All samples of the data of :func:`open_labelled` but an ``.npz``, and the part of each, if the data state it."""
    name = os.fspath(data) if isinstance(data, str | os.PathLike) else type(data).__name__
    table = isinstance(data, str | os.PathLike) and is_table(name)
    _check_layout(options.layout, name, table=table)
    if table and (samples := labelled_table(name, label, options)) is not None:
        unused = unused_remark(columns_of_table(name), samples.columns, samples.channel_names or ())
        return replace(samples, remarks=(*samples.remarks, *filter(None, [unused]))), parts_by_column(
            name, len(samples), samples.columns
        )
    if table and label is None and pattern is None:
        label = columns_of_marks(name)
    if table and label is not None and len(columns := label_columns(columns_in(name), label)) > 1:
        texts = label_texts(load_table(name, columns), columns, name)
        samples, stated = _of_source(data, replace(options, label=columns[0]), pattern)
        return _with_columns(samples, columns, texts), stated
    samples, stated = _of_source(data, replace(options, label=label), pattern)
    return (samples if label is None else replace(samples, columns=(label,))), stated


def _check_layout(layout: str | None, name: str, *, table: bool) -> None:
    """Raise :class:`DataError` for the axes of a table, which are rows and columns."""
    if layout is not None and table:
        raise DataError(f"options that fit {name!r}, a table", "--layout", "leave it out")


def _with_columns(samples: LabelledSamples, columns: tuple[str, ...], texts: tuple[Texts, ...]) -> LabelledSamples:
    """The samples of a manifest with the texts of several columns of labels."""
    if len(texts) != len(samples):
        found = f"{len(samples)} of {len(texts)} rows of {samples.name!r}"
        raise DataError("a sample for every row of labels", found, "leave rows without a path out")
    check_labels(["".join(row) for row in texts], samples.name)
    return replace(samples, columns=columns, several=texts)


def open_samples(
    data: Any, options: Options, label: str | None = None, pattern: str | None = None, channels: int | None = None
) -> LabelledSamples:
    """Open the data of :func:`open_labelled` without labels: every sample's class is empty.

    ``channels`` is the number of channels of a network that takes the samples; it tells the axes of arrays apart.

    The column or array of labels (named by ``label``, or with a usual name) is left out, and so are samples whose path
    ``pattern`` does not match. Raises :class:`DataError` if no sample is left.
    """
    name = os.fspath(data) if isinstance(data, str | os.PathLike) else type(data).__name__
    path = isinstance(data, str | os.PathLike)
    if path and name.lower().endswith((".npy", ".npz")):
        samples = unlabelled_array(name, options.array, label, options.layout, channels)
        return replace(samples, remarks=(*samples.remarks, *filter(None, [pooled_archive(name, samples.name, len(samples))])))
    _check_layout(options.layout, name, table=path and is_table(name))
    if path and is_table(name) and (table := unlabelled_table(name, label)) is not None:
        return replace(table, remarks=(*table.remarks, *filter(None, [pooled_table(name, table.channel_names or ())])))
    return _of_source(data, options, pattern, labelled=False)[0]


def _of_source(
    data: Any, options: Options, pattern: str | None, *, labelled: bool = True
) -> tuple[LabelledSamples, StatedParts | None]:
    """Any other source, by index if possible, else in memory; and the part of each labelled sample, if the data state it."""
    source = whole(open_source(data, options))
    indexed = source.indexed()
    kept: list[NDArray[Any] | Skipped] = []
    found: list[tuple[str, str]] = []
    facts: list[Facts] = []
    shards: Sequence[str] | None = None
    if indexed is None:
        of_shards = shards_of(source) is not None
        streamed = (
            one._replace(shard=chunk[0] if of_shards else "")
            for chunk in source.chunks()
            for record in source.read(chunk)
            for one in _samples(record)
        )
        kept, found, facts, shards = _kept(streamed)
    else:
        for index in range(indexed.number):
            one = _only(indexed, index)
            if not kept or (isinstance(kept[0], Skipped) and not isinstance(one.value, Skipped)):
                kept = [one.value]
            found.append((one.path, one.label))
            facts.append(one.facts)
    kind = _kind(kept, source.name)
    folders = part_folders(path for path, _ in found)
    labels = _labels(found, pattern, options.label, folders) if labelled or pattern is not None else [""] * len(found)
    wanted = [index for index, label in enumerate(labels) if label is not None]
    named = tuple(label if labelled else "" for label in labels if label is not None)
    if labelled:
        check_labels(named, source.name, options.label)
    elif not named:
        raise DataError("at least one sample", f"none in {source.name!r}", "check the path and --label-pattern")
    if indexed is None:
        read: Any = InMemory(kept, wanted)
    else:
        read = _OfSource(source, wanted)
    columns = source.channel_names if kind == "vector" else None
    shared = shared_keys([found[index][0] for index in wanted])
    beside = (options.label or "",)
    parts = pooled_samples(source, folders) if not labelled else unused_remark(columns_of(source), beside, columns or ())
    remarks = (*source.remarks, *shared, *filter(None, [parts]))
    stating = _of_each(along_axes(source.stated), [facts[index] for index in wanted])
    samples = LabelledSamples(source.name, kind, named, read, columns, remarks, heard=options.front is not None, facts=stating)
    if not labelled:
        return samples, None
    by_folder = None if folders is None else StatedParts(folders.of(), f"the folders in {source.name!r}")
    stated = agreed(parts_by_shard(source, shards), parts_by_rows(source, len(found), beside))
    if stated is None:
        stated = by_folder
    elif by_folder is not None:
        samples = replace(samples, remarks=(*samples.remarks, *against_folders(stated, by_folder)))
    return samples, None if stated is None else replace(stated, of=tuple(stated.of[place] for place in wanted))


def _of_each(of_all: Facts, facts: Sequence[Facts]) -> tuple[Facts, ...]:
    """What each sample states beside what the source states of all; equal ones are one object, and empty if all are."""
    same: dict[Facts, Facts] = {}
    found = tuple(same.setdefault(each, each) for each in ((*of_all, *each) for each in facts))
    return found if any(same) else ()


@dataclass(eq=False)
class _OfSource:
    """Samples of a source by their ``places``; each process lists the source itself."""

    source: Source[Any]
    places: Sequence[int]

    def __call__(self, index: int) -> NDArray[Any] | Skipped:
        return _only(self.indexed, self.places[index]).value

    @cached_property
    def indexed(self) -> Indexed:
        found = self.source.indexed()
        assert found is not None  # noqa: S101 - it was when this was made
        return found

    def __getstate__(self) -> dict[str, Any]:
        return {"source": self.source, "places": self.places}


class _One(NamedTuple):
    """One sample of a record; ``label`` is empty if unknown, and ``shard`` without several files of samples.

    ``facts`` are what its file states of its axes.
    """

    value: NDArray[Any] | Skipped
    path: str
    label: str
    shard: str = ""
    facts: Facts = ()


def _only(indexed: Indexed, index: int) -> _One:
    return next(one for record in indexed.read(index) for one in _samples(record))


def _kept(ones: Iterator[_One]) -> tuple[list[NDArray[Any] | Skipped], list[tuple[str, str]], list[Facts], list[str]]:
    """The values of samples, their paths and labels, their facts, and their shards."""
    values: list[NDArray[Any] | Skipped] = []
    found, facts, shards = [], [], []
    held = 0
    for one in ones:
        if isinstance(one.value, Skipped) and one.value.foreign:
            continue
        held += 0 if isinstance(one.value, Skipped) else one.value.nbytes
        if held > _MOST_BYTES:
            remedy = "unpack it into a folder with one folder per class"
            raise DataError(f"at most {_MOST_BYTES >> 30} GiB of decoded samples in one stream", "more", remedy)
        values.append(one.value)
        found.append((one.path, one.label))
        facts.append(one.facts)
        shards.append(one.shard)
    return values, found, facts, shards


def _samples(record: Record) -> Iterator[_One]:
    """The single samples of a record."""
    if isinstance(record, Skipped):
        yield _One(record, record.path, record.label or "")
    elif isinstance(record, Sample):
        yield _One(record.values, record.path, record.label or "", facts=along_axes(record.facts))
    elif isinstance(record, Stack):
        block = np.moveaxis(record.values, 1, -1) if record.channels_first else record.values
        yield from map(_One, block, names_of(record.path, len(block)), record.labels or [""] * len(block))
    elif isinstance(record, Kept):
        reason = "values that mean no data or that a mask hides, and a network takes every value"
        yield _One(Skipped(record.path, reason), record.path, record.label or "")
    elif isinstance(record, Part):
        raise DataError(
            "samples that are held at once", f"a part of {record.path!r}", "cut it into tiles or clips, or measure it alone"
        )
    elif isinstance(record, Rows):
        rows = np.stack([np.asarray(column) for column in record.columns], axis=-1)
        yield from (_One(row, name, "") for row, name in zip(rows, names_of(record.path, len(rows)), strict=True))


def _labels(
    found: Sequence[tuple[str, str]], pattern: str | None, column: str | None, parts: PartFolders | None
) -> list[str | None]:
    """The label of each sample: from its path by ``pattern`` (None leaves it out), from the data, or from its folder.

    With a ``column`` of labels they are those of the data, whatever its folders are. The folders of ``parts`` are no labels.
    An archive often holds all samples in one top folder; the label is then the first folder in which the paths differ.
    """
    if pattern is not None:
        try:
            expression = re.compile(pattern)
        except re.error as error:
            raise DataError("a regular expression for --label-pattern", f"{pattern!r}: {error}", "correct it") from None
        matches = [expression.search(path) for path, _ in found]
        return [None if match is None else match.group(1) if expression.groups else match.group() for match in matches]
    stated = {label for _, label in found}
    if column is not None or (len(stated) > 1 and (parts is None or not stated <= {*parts.folders})):
        return [label for _, label in found]
    paths = [path for path, _ in found]
    folders = [path.replace("\\", "/").split("/")[:-1] for path in paths] if parts is None else without_parts(paths, parts)
    if parts is not None:
        found = [(path, "") for path in paths]
    depth = next((d for d in range(min(map(len, folders), default=0)) if len({parts[d] for parts in folders}) > 1), None)
    return [label for _, label in found] if depth is None else [parts[depth] for parts in folders]


def _kind(values: Sequence[NDArray[Any] | Skipped], name: str) -> SampleKind:
    shapes = {value.ndim for value in values if not isinstance(value, Skipped)}
    if not shapes and values:
        first = next(value for value in values if isinstance(value, Skipped))
        raise DataError("samples that can be read", f"none in {name!r}, the first {first.path!r}: {first.reason}", "repair them")
    if len(shapes) != 1 or not shapes <= set(KINDS):
        raise DataError(
            "images, signals or rows of numbers, all of one kind", f"{len(shapes)} kinds in {name!r}", "separate them"
        )
    return KINDS[shapes.pop()]
