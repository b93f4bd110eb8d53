"""Labelled samples of any source, read one by one: images, signals and rows of numbers, with the name of each one's class."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError, reason_of
from tare.input_spec.geometry import NOUNS, Kind
from tare.samples.records import Record, Sample, Skipped, Stack
from tare.sources.base import Indexed, Source
from tare.sources.opening import open_source
from tare.sources.options import Options
from tare.sources.tables.csv_table import read_head

if TYPE_CHECKING:
    import polars as pl

#: What samples are by their number of axes, that of channels included.
KINDS: dict[int, Kind] = {3: "image", 2: "signal", 1: "vector"}

#: Names under which archives keep samples and labels: for training, and for validation.
_TRAINING = (("train_images", "train_labels"), ("x_train", "y_train"), ("X_train", "y_train"), ("x", "y"), ("X", "y"))
_VALIDATION = (("val_images", "val_labels"), ("x_val", "y_val"), ("X_val", "y_val"))
_TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
_LABEL_COLUMNS = ("label", "labels", "class", "target", "y")
# Formats that can only be read from their beginning are kept in memory, decoded, up to here.
_MOST_BYTES = 4 << 30


@dataclass(frozen=True, eq=False)
class LabelledSamples:
    """Samples by index, raw values ``(H, W, C)``, ``(T, C)`` or ``(C,)`` as ``kind`` says, and the class of each.

    ``read`` may give :class:`Skipped` for a sample that cannot be read.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    read: Callable[[int], NDArray[Any] | Skipped]
    channel_names: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def of_kind(self, kind: Kind) -> LabelledSamples:
        """The same samples as ``kind``: each row as a signal of one channel, a signal of one channel as a row, or as they are.

        Raises :class:`DataError` for any other pair.
        """
        if kind == self.kind:
            return self
        if (self.kind, kind) == ("vector", "signal"):
            return replace(self, kind=kind, read=_AsSignal(self.read), channel_names=None)
        if (self.kind, kind) == ("signal", "vector") and _channels(self) == 1:
            return replace(self, kind=kind, read=_AsRow(self.read))
        fits = {"image": "timm:NAME", "signal": "tare:cnn1d", "vector": "tare:mlp"}[self.kind]
        found = f"{'an' if self.kind == 'image' else 'a'} {self.kind} per sample in {self.name!r}"
        raise DataError(f"labelled {NOUNS[kind]}", found, f"name a network for {NOUNS[self.kind]}: --model {fits}")


def open_labelled(
    data: Any, options: Options, label: str | None = None, pattern: str | None = None
) -> tuple[LabelledSamples, LabelledSamples | None]:
    """Open labelled data, and its validation split where the format holds one.

    ``data`` is an ``.npz`` with samples and labels (``train_images`` and ``train_labels``, ``x`` and ``y``, or ``options.array``
    and ``label``), a table with a ``label`` column (a number: that column of a file without header), or whatever
    :func:`tare.measure` takes and has labels: a manifest, tar shards, Parquet images, a torch or Hugging Face dataset. With
    ``pattern``, a regular expression, the label is what its first group finds in a sample's path, and samples in whose path it
    finds nothing are left out.

    Raises :class:`DataError` if there is nothing to learn from: no sample, no labels, or labels for only some.
    """
    name = os.fspath(data) if isinstance(data, str | os.PathLike) else type(data).__name__
    if name.endswith(".npz"):
        return _archive(name, options.array, label)
    table = isinstance(data, str | os.PathLike) and name.endswith(_TABLES)
    if table and (samples := _table(name, label, options)) is not None:
        return samples, None
    return _of_source(data, options, pattern), None


# Readers are objects and no closures: a loader's processes that do not fork are sent them.


@dataclass(frozen=True, slots=True, eq=False)
class _InMemory:
    """Samples that are held, of which ``places`` are meant; None: all."""

    values: Sequence[NDArray[Any] | Skipped] | NDArray[Any]
    places: Sequence[int] | None = None

    def __call__(self, index: int) -> NDArray[Any] | Skipped:
        return self.values[index if self.places is None else self.places[index]]


@dataclass(eq=False)
class _OfSource:
    """Samples of a source by their ``places``; each process lists it anew."""

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


@dataclass(frozen=True, slots=True, eq=False)
class _AsSignal:
    """Rows as signals of one channel."""

    read: Callable[[int], NDArray[Any] | Skipped]

    def __call__(self, index: int) -> NDArray[Any] | Skipped:
        values = self.read(index)
        return values if isinstance(values, Skipped) else values[:, None]


@dataclass(frozen=True, slots=True, eq=False)
class _AsRow:
    """Signals of one channel as rows."""

    read: Callable[[int], NDArray[Any] | Skipped]

    def __call__(self, index: int) -> NDArray[Any] | Skipped:
        values = self.read(index)
        return values if isinstance(values, Skipped) else values[:, 0]


def _channels(samples: LabelledSamples) -> int | None:
    """The number of channels of the first sample that can be read."""
    read = map(samples.read, range(len(samples)))
    return next((values.shape[-1] for values in read if not isinstance(values, Skipped)), None)


def _archive(name: str, array: str | None, label: str | None) -> tuple[LabelledSamples, LabelledSamples | None]:
    """Arrays of an ``.npz``; objects, which are pickles, are refused."""
    try:
        with np.load(name, allow_pickle=False) as archive:
            names = set(archive.files)
            pairs = [(array, label)] if array and label else [next((p for p in _TRAINING if set(p) <= names), (None, None))]
            pairs += [pair for pair in _VALIDATION if set(pair) <= names and not (array and label)][:1]
            read = {key: archive[key] for pair in pairs for key in pair if key in names}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        reason = reason_of(error)
        raise DataError("a .npz archive of numbers", f"{name!r}: {reason}", "save it again with numpy.savez") from None
    wanted = "--array and --label, or the names x and y, x_train and y_train, or train_images and train_labels"
    for key in pairs[0]:
        if key not in read:
            raise DataError(f"samples and labels in {name!r}", f"the arrays {', '.join(sorted(names))}", f"name them: {wanted}")
    found = [_of_arrays(f"{name}:{pair[0]}", read[str(pair[0])], read[str(pair[1])]) for pair in pairs]
    return found[0], found[1] if len(found) > 1 else None


def _of_arrays(name: str, values: NDArray[Any], labels: NDArray[Any]) -> LabelledSamples:
    labels = labels.reshape(len(labels), -1)
    if labels.shape[1:] != (1,) or len(labels) != len(values):
        raise DataError("one label a sample", f"labels {labels.shape} for samples {values.shape} in {name!r}", "check the arrays")
    shaped = with_channels(values, name)
    return LabelledSamples(name, KINDS[shaped.ndim - 1], tuple(map(str, labels[:, 0].tolist())), _InMemory(shaped))


def with_channels(values: NDArray[Any], name: str) -> NDArray[Any]:
    """Samples with the channel axis last: ``(N, H, W)`` bytes are grey images, ``(N, T)`` of more than 32 numbers are signals."""
    if values.dtype.kind not in "buif" or values.ndim not in (2, 3, 4):
        raise DataError(
            "an array of images, signals or rows of numbers", f"{values.dtype} {values.shape} in {name!r}", "convert it"
        )
    if values.ndim == 2:
        return values[..., None] if values.shape[1] > 32 else values
    if values.ndim == 3:
        if values.dtype.name in ("uint8", "uint16", "bool"):
            return values[..., None]
        return np.moveaxis(values, 1, -1) if values.shape[1] < values.shape[2] else values
    return np.moveaxis(values, 1, -1) if values.shape[1] in (1, 3) and values.shape[3] not in (1, 3) else values


def _table(name: str, label: str | None, options: Options) -> LabelledSamples | None:
    """A table of numbers with a column of labels; None if it holds files or there is no such column."""
    import polars as pl

    header = not (label or "").isdecimal()
    table = read_table(name, header=header)
    column = table.columns[int(label)] if label and not header and int(label) < table.width else label
    column = column or next((each for each in _LABEL_COLUMNS if each in table.columns), None)
    if column is None or any(table.schema[each] in (pl.Binary, pl.Struct) for each in table.columns):
        return None
    if column not in table.columns:
        raise DataError(f"one of the columns {', '.join(table.columns[:12])}", f"{column!r} for --label", "choose among them")
    wanted = options.columns or tuple(each for each in table.columns if each != column)
    if not _are_numbers(table, wanted, name):
        return None
    values = table.select(pl.col(wanted).cast(pl.Float64)).to_numpy()
    labels = table[column].cast(pl.String).fill_null("").to_list()
    _check_labels(labels, name)
    return LabelledSamples(name, "vector", tuple(labels), _InMemory(values), tuple(wanted))


def _are_numbers(table: pl.DataFrame, wanted: Sequence[str], name: str) -> bool:
    """Whether the columns are numbers; False for a manifest, whose samples are elsewhere. Raises :class:`DataError` for text."""
    import polars as pl

    texts = [each for each in wanted if not table.schema[each].is_numeric() and table.schema[each] != pl.Boolean]
    if set(texts) & {"path", "file", "filename", "file_name", "filepath", "image"}:
        return False
    if texts:
        raise DataError("columns of numbers", f"text in {texts[0]!r} of {name!r}", "choose others with --columns")
    return True


def open_samples(data: Any, options: Options, label: str | None = None, pattern: str | None = None) -> LabelledSamples:
    """Open what :func:`open_labelled` opens without needing labels: every sample's class is empty.

    The column or array of labels, where ``label`` names one or it is called so, is left out, and so are samples in whose path
    ``pattern`` finds nothing. Raises :class:`DataError` if there is nothing to read.
    """
    name = os.fspath(data) if isinstance(data, str | os.PathLike) else type(data).__name__
    path = isinstance(data, str | os.PathLike)
    if path and name.endswith((".npy", ".npz")):
        return _unlabelled_array(name, options.array, label)
    if path and is_table(name) and (samples := _unlabelled_table(name, label)) is not None:
        return samples
    return _of_source(data, options, pattern, labelled=False)


def _unlabelled_array(name: str, array: str | None, label: str | None) -> LabelledSamples:
    """The samples of an ``.npy``, or of the ``.npz``'s array that is named, called as usual, or the only one with two axes."""
    try:
        loaded = np.load(name, allow_pickle=False)
        every = {"": loaded} if isinstance(loaded, np.ndarray) else {key: loaded[key] for key in loaded.files if key != label}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        reason = reason_of(error)
        raise DataError("a file of arrays of numbers", f"{name!r}: {reason}", "save it again with numpy") from None
    usual = [key for key, _ in _TRAINING if key in every]
    several = [key for key, values in every.items() if values.ndim > 1]
    chosen = [array] if array is not None else usual[:1] or several
    if len(chosen) != 1 or chosen[0] not in every:
        found = f"the arrays {', '.join(sorted(every))} in {name!r}"
        raise DataError("one array of samples", found, "name it with --array")
    shaped = with_channels(every[chosen[0]], name)
    return LabelledSamples(name, KINDS[shaped.ndim - 1], ("",) * len(shaped), _InMemory(shaped))


def _unlabelled_table(name: str, label: str | None) -> LabelledSamples | None:
    """The rows of a table of numbers, without its labels; None for a manifest."""
    import polars as pl

    header = name.endswith(".parquet") or read_head(name).has_header
    table = read_table(name, header=header)
    numbered = label is not None and label.isdecimal() and label not in table.columns and int(label) < table.width
    left_out = {table.columns[int(label or 0)]} if numbered else {label, *(_LABEL_COLUMNS if label is None else ())}
    wanted = tuple(each for each in table.columns if each not in left_out)
    if any(table.schema[each] in (pl.Binary, pl.Struct) for each in wanted) or not _are_numbers(table, wanted, name):
        return None
    values = table.select(pl.col(wanted).cast(pl.Float64)).to_numpy()
    return LabelledSamples(name, "vector", ("",) * len(values), _InMemory(values), wanted)


def is_table(name: str) -> bool:
    """Whether a file of this name is a table that :func:`read_table` reads."""
    return name.endswith(_TABLES)


def read_table(name: str, *, header: bool = True) -> pl.DataFrame:
    """A CSV, TSV or Parquet file in memory; without ``header`` columns are called c0, c1, ...

    Raises :class:`DataError` if it cannot be read.
    """
    import polars as pl

    try:
        if name.endswith(".parquet"):
            return pl.read_parquet(name)
        separator = "\t" if ".tsv" in Path(name).name else _separator(name)
        table = pl.read_csv(name, has_header=header, separator=separator, infer_schema_length=10_000)
    except (pl.exceptions.PolarsError, OSError, EOFError) as error:
        reason = reason_of(error)
        raise DataError("a readable table", f"{name!r}: {reason}", "check the file") from None
    return table if header else table.rename({old: f"c{index}" for index, old in enumerate(table.columns)})


def _separator(name: str) -> str:
    """The most frequent of the usual separators in the first line."""
    import gzip

    opener = gzip.open if name.endswith(".gz") else open
    with opener(name, "rb") as file:
        first = file.readline(1 << 16).decode("utf-8", "replace")
    return max(",;\t", key=first.count)


def _of_source(data: Any, options: Options, pattern: str | None, *, labelled: bool = True) -> LabelledSamples:
    """Any other source: by index where it can be, in memory where it can only be read from its beginning."""
    source = open_source(data, options)
    indexed = source.indexed()
    kept: list[NDArray[Any] | Skipped] = []
    found: list[tuple[str, str]] = []
    if indexed is None:
        streamed = (one for chunk in source.chunks() for record in source.read(chunk) for one in _samples(record))
        kept, found = _kept(streamed)
    else:
        for index in range(indexed.number):
            one = _only(indexed, index)
            kept = kept or [one.value] if not isinstance(one.value, Skipped) else kept
            found.append((one.path, one.label))
    kind = _kind(kept, source.name)
    labels = _labels(found, pattern) if labelled or pattern is not None else [""] * len(found)
    wanted = [index for index, label in enumerate(labels) if label is not None]
    named = tuple(label if labelled else "" for label in labels if label is not None)
    if labelled:
        _check_labels(named, source.name)
    elif not named:
        raise DataError("at least one sample", f"none in {source.name!r}", "check the path and --label-pattern")
    if indexed is None:
        return LabelledSamples(source.name, kind, named, _InMemory(kept, wanted))
    return LabelledSamples(source.name, kind, named, _OfSource(source, wanted))


class _One(NamedTuple):
    """One sample of a record; ``label`` is empty where there is none."""

    value: NDArray[Any] | Skipped
    path: str
    label: str


def _only(indexed: Indexed, index: int) -> _One:
    return next(one for record in indexed.read(index) for one in _samples(record))


def _kept(ones: Iterator[_One]) -> tuple[list[NDArray[Any] | Skipped], list[tuple[str, str]]]:
    values: list[NDArray[Any] | Skipped] = []
    found = []
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
    return values, found


def _samples(record: Record) -> Iterator[_One]:
    """The single samples of a record."""
    if isinstance(record, Skipped):
        yield _One(record, record.path, "")
    elif isinstance(record, Sample):
        yield _One(record.values, record.path, record.label or "")
    elif isinstance(record, Stack):
        block = np.moveaxis(record.values, 1, -1) if record.channels_first else record.values
        yield from map(_One, block, [record.path] * len(block), record.labels or [""] * len(block))
    else:
        yield from (_One(row, record.path, "") for row in np.stack([np.asarray(c) for c in record.columns], axis=-1))


def _labels(found: Sequence[tuple[str, str]], pattern: str | None) -> list[str | None]:
    """The label of each sample: what ``pattern`` finds in its path (None leaves it out), what the data say, or its folder.

    An archive often holds everything in one folder, which then is no label: the first folder in which paths differ is.
    """
    if pattern is not None:
        try:
            expression = re.compile(pattern)
        except re.error as error:
            raise DataError("a regular expression for --label-pattern", f"{pattern!r}: {error}", "correct it") from None
        matches = [expression.search(path) for path, _ in found]
        return [None if match is None else match.group(1) if expression.groups else match.group() for match in matches]
    if len({label for _, label in found}) > 1:
        return [label for _, label in found]
    folders = [path.replace("\\", "/").split("/")[:-1] for path, _ in found]
    depth = next((d for d in range(min(map(len, folders), default=0)) if len({parts[d] for parts in folders}) > 1), None)
    return [label for _, label in found] if depth is None else [parts[depth] for parts in folders]


def _kind(values: Sequence[NDArray[Any] | Skipped], name: str) -> Kind:
    shapes = {value.ndim for value in values if not isinstance(value, Skipped)}
    if len(shapes) != 1 or not shapes <= set(KINDS):
        raise DataError(
            "images, signals or rows of numbers, all of one kind", f"{len(shapes)} kinds in {name!r}", "separate them"
        )
    return KINDS[shapes.pop()]


def _check_labels(labels: Sequence[str], name: str) -> None:
    missing = sum(not label for label in labels)
    if not labels or missing:
        found = f"{missing} of {len(labels)} samples without one in {name!r}" if labels else f"none in {name!r}"
        remedy = "name their column or array with --label, find them in paths with --label-pattern, or use a folder per class"
        raise DataError("a label for every sample", found, remedy)
