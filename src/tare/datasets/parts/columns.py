"""The columns beside the samples of a source that may state parts: those of tables, lists, records and stores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from tare.datasets.archives import beside_in_archive
from tare.datasets.parts.names import mark_columns, part_columns
from tare.sources.base import Source
from tare.sources.containers.labels import words_of
from tare.sources.containers.stored import StoredArray
from tare.sources.containers.tensors import SavedTensor
from tare.sources.containers.tfrecord import TfRecords
from tare.sources.derived import Derived
from tare.sources.files.listed import ListedFiles, Manifest
from tare.sources.places import parted
from tare.sources.shards import Shards
from tare.sources.tables.arrow import ArrowFile, TableInMemory, text_columns, whole_columns
from tare.sources.tables.csv_table import CsvTable, Head, cells_of, read_head
from tare.sources.tables.records import label_names


@dataclass(frozen=True)
class Columns:
    """The names of columns of text and of whole numbers or marks, one value a sample, and what gives the words of one."""

    texts: tuple[str, ...]
    numbers: tuple[str, ...]
    read: Callable[[str], list[str]]

    def may_state(self) -> bool:
        """Whether a name among them says that it states or marks parts."""
        names = (*self.texts, *self.numbers)
        return bool(part_columns(names) or mark_columns(names))


def columns_of(source: Source[Any]) -> Columns | None:
    """The columns of a source that has some beside its samples; None for others, and for those that state no parts."""
    inner = inner_of(source)
    found = _of_shards(inner) if isinstance(inner, Shards) else _of(inner)
    return found if found is not None and found.may_state() else None


def columns_of_table(name: str) -> Columns:
    """The columns of a CSV or Parquet file, of which one is read by itself."""
    if name.lower().endswith(".parquet"):
        return _of_parquet(name)
    head = read_head(name)
    return Columns(*_kinds(head), lambda column: cells_of(name, head, (column,))[column].to_list())


def columns_of_archive(name: str, samples: str, number: int) -> Columns | None:
    """The arrays of an ``.npz`` beside those of the ``number`` ``samples``, ``FILE:ARRAY``."""
    return _of_words(beside_in_archive(name, samples.removeprefix(f"{name}:"), number, _may_state))


def inner_of(source: Source[Any]) -> Source[Any]:
    """The source that reads the data, without what changes its samples."""
    while isinstance(source, Derived):
        source = source.source
    return source


def _of_shards(shards: Shards) -> Columns | None:
    """The columns that all shards have, one shard after the other."""
    found: list[Columns] = []
    for file in shards.files:
        columns = columns_of(shards.opened(file))
        if columns is None:
            return None
        found.append(columns)
    if not found:
        return None
    shared = [{*each.texts, *each.numbers} for each in found]
    texts, numbers = (
        tuple(name for name in names if all(name in each for each in shared)) for names in (found[0].texts, found[0].numbers)
    )
    return Columns(texts, numbers, lambda column: [*chain.from_iterable(each.read(column) for each in found)])


def _of(source: Source[Any]) -> Columns | None:
    known = next((read for kind, read in _READERS if isinstance(source, kind)), None)
    if known is not None:
        return known(source)
    file, array = parted(source.name, None)
    if array is not None and file.lower().endswith(".mat"):
        return _of_words(_beside(file, source))
    place = source.name.rpartition(":")[0]
    if place.lower().endswith(".npz") and Path(place).is_file():
        return columns_of_archive(place, source.name, source.number() or 0)
    return _of_parquet(source.name) if source.name.lower().endswith(".parquet") and Path(source.name).is_file() else None


def _of_batches(source: ArrowFile) -> Columns:
    with source.batches_of(source.name) as (schema, _):
        return _of_schema(schema, source.column)


def _of_records(source: TfRecords) -> Columns:
    texts, numbers = source.columns()
    return Columns(texts, numbers, source.column)


def _of_list(source: ListedFiles) -> Columns | None:
    listing = source.listing
    if not isinstance(listing, Manifest) or listing.delimiter is None:
        return None
    texts, numbers = _kinds(read_head(source.name))
    return Columns(texts, numbers, lambda column: [item.label or "" for item in replace(listing, label=column)])


def _of_store(source: StoredArray) -> Columns | None:
    """The arrays beside that of the samples, in its group."""
    file, name = parted(source.name, None)
    if name is None or source.whole:
        return None
    from tare.sources.containers import hdf5, zarr_store

    if Path(file).is_dir():
        return _of_words(zarr_store.words_beside(file, name, source, _may_state))
    if file.lower().endswith(hdf5.SUFFIXES):
        return _of_words(hdf5.words_beside(file, name, source, _may_state))
    return _of_words(_beside(file, source))


def _beside(file: str, source: Source[Any]) -> dict[str, list[str]]:
    """The words of what lies beside an array in a file of MATLAB, or beside a tensor in one of safetensors."""
    from tare.sources.containers import mat, tensors

    words_beside = mat.words_beside if file.lower().endswith(".mat") else tensors.words_beside
    return words_beside(file, source.number() or 0, _may_state)


def _of_tensors(source: SavedTensor) -> Columns:
    others = {name: each for name, each in source.others.items() if _may_state(name)}
    return _of_words(words_of(others, source.number()))


def _may_state(name: str) -> bool:
    return bool(part_columns([name]) or mark_columns([name]))


def _of_words(words: dict[str, list[str]]) -> Columns:
    numbers = tuple(name for name, each in words.items() if all(word.lstrip("-").isdecimal() for word in each))
    return Columns(tuple(name for name in words if name not in numbers), numbers, words.__getitem__)


def _of_parquet(name: str) -> Columns:
    from pyarrow import parquet

    file = parquet.ParquetFile(name)
    return _of_schema(file.schema_arrow, lambda column: file.read([column])[column])


def _of_schema(schema: Any, column_of: Callable[[str], Any]) -> Columns:
    """The columns of an Arrow schema; whole numbers of which the Hugging Face library stored the names are text."""
    numbers = whole_columns(schema)
    named = {column: names for column in part_columns(numbers) if (names := label_names(schema, column)) is not None}
    texts = (*text_columns(schema), *named)
    return Columns(texts, tuple(each for each in numbers if each not in named), partial(_words_of, column_of, named))


def _words_of(column_of: Callable[[str], Any], named: dict[str, tuple[str, ...]], column: str) -> list[str]:
    names = named.get(column)
    return [_word(value, names) for value in column_of(column).to_pylist()]


def _word(value: Any, names: Sequence[str] | None) -> str:
    if value is None:
        return ""
    if names is not None:
        return names[value] if 0 <= value < len(names) else ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _kinds(head: Head) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns of text of a CSV, and those of numbers."""
    both = [*zip(head.names, head.numeric, strict=True)]
    return tuple(name for name, numeric in both if not numeric), tuple(name for name, numeric in both if numeric)


_READERS: tuple[tuple[type[Source[Any]], Callable[[Any], Columns | None]], ...] = (
    (ListedFiles, _of_list),
    (TableInMemory, lambda source: _of_schema(source.schema, source.column)),
    (ArrowFile, _of_batches),
    (TfRecords, _of_records),
    (StoredArray, _of_store),
    (SavedTensor, _of_tensors),
    (CsvTable, lambda source: columns_of_table(source.name)),
)
