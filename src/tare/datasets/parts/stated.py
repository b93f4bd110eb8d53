"""Which part of its dataset each sample belongs to, where a column of a table or the names of shards state it."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tare.datasets.parts.names import Part, part_column, part_of, part_of_file, parts_of, pooled_remark
from tare.datasets.samples import LabelledSamples
from tare.datasets.tables import columns_in, is_table, label_texts, load_table
from tare.errors import DataError, shell_word
from tare.samples.records import Skipped
from tare.sources.base import Source
from tare.sources.derived import Derived
from tare.sources.files.listed import ListedFiles, Manifest
from tare.sources.places import files_at
from tare.sources.shards import Shards
from tare.sources.tables.csv_table import read_head


@dataclass(frozen=True)
class StatedParts:
    """The part of each sample, and in words what states it."""

    of: tuple[Part, ...]
    where: str


def parts_by_shard(source: Source[Any], files: Sequence[str] | None) -> StatedParts | None:
    """The parts of the samples of a source by the names of their shards; None if the names do not state them.

    ``files`` are those of the samples, None if they are read by index.
    """
    shards = shards_of(source)
    stated = None if shards is None else parts_of([part_of_file(file) for file in shards.files])
    if shards is None or stated is None:
        return None
    known = dict(zip(shards.files, stated, strict=True))
    of = tuple(known[file] for file in (shards.files_by_index() if files is None else files))
    return StatedParts(of, f"the names of the files of {source.name!r}")


def parts_by_column(name: str, number: int) -> StatedParts | None:
    """The parts of the ``number`` rows of a table by a column such as ``split``; None without one that states them.

    Raises :class:`DataError` if the samples are not one a row.
    """
    column = part_column(columns_in(name)) if is_table(name) else None
    stated = None if column is None else parts_of([part_of(row[0]) for row in _texts(name, column)])
    if stated is None:
        return None
    if len(stated) != number:
        found = f"{number:,} samples of {len(stated):,} rows of {name!r}"
        raise DataError(f"a sample for each row, whose part the column {column!r} states", found, "give every row one path")
    return StatedParts(stated, f"the column {column!r} of {name!r}")


def _texts(name: str, column: str) -> Sequence[tuple[str, ...]]:
    return label_texts(load_table(name, (column,)), (column,), name)


def in_parts(samples: LabelledSamples, stated: StatedParts | None) -> tuple[LabelledSamples, LabelledSamples | None]:
    """The training samples and those of validation, None where none are stated; those of test are left out. A remark says so."""
    if stated is None:
        return samples, None
    number = Counter(stated.of)
    listed = ", ".join(f"{number[part]:,} {part}" for part in ("train", "val", "test") if number[part])
    said = f"parts by {stated.where}: {listed}{'; those of test are left out' if number['test'] else ''}"
    train = part_of_samples(samples, stated, "train")
    val = part_of_samples(samples, stated, "val") if number["val"] else None
    return replace(train, remarks=(*train.remarks, said)), val


def part_of_samples(samples: LabelledSamples, stated: StatedParts, part: Part) -> LabelledSamples:
    """The samples of one part, under a name of their own."""
    places = tuple(place for place, one in enumerate(stated.of) if one == part)
    several = None if samples.several is None else tuple(samples.several[place] for place in places)
    labels = tuple(samples.labels[place] for place in places)
    return replace(samples, name=f"{samples.name} ({part})", labels=labels, several=several, read=_Chosen(samples.read, places))


@dataclass(frozen=True, slots=True, eq=False)
class _Chosen:
    """Samples at these places of others; an object instead of a closure, since loader processes receive it by pickle."""

    read: Any
    places: tuple[int, ...]

    def __call__(self, index: int) -> NDArray[Any] | Skipped:
        found: NDArray[Any] | Skipped = self.read(self.places[index])
        return found


def pooled_samples(source: Source[Any]) -> str | None:
    """A remark that a source counts the parts of a dataset as one, which its shards or the column of a list state; else None."""
    shards = shards_of(source)
    stated = None if shards is None else parts_of([part_of_file(file) for file in shards.files])
    if shards is not None and stated is not None:
        trained = [file for file, part in zip(shards.files, stated, strict=True) if part == "train"]
        return pooled_remark([*dict.fromkeys(stated)], "train", _command(trained))
    column, words = _words(_inner(source))
    if parts_of([part_of(word) for word in words]) is None:
        return None
    return f"column {column!r}: {pooled_remark(words, next(word for word in words if part_of(word) == 'train'))}"


def _words(source: Source[Any]) -> tuple[str, list[str]]:
    """The column of a list of files, or of a Parquet file, that would state the parts, and its different words."""
    if isinstance(source, ListedFiles) and isinstance(source.listing, Manifest) and source.listing.delimiter is not None:
        column = part_column(read_head(source.name).names)
        if column is None:
            return "", []
        return column, [*dict.fromkeys(item.label or "" for item in replace(source.listing, label=column))]
    if not source.name.endswith(".parquet") or not Path(source.name).is_file():
        return "", []
    from pyarrow import compute, parquet

    file = parquet.ParquetFile(source.name)
    column = part_column(file.schema_arrow.names)
    if column is None:
        return "", []
    return column, [str(word) for word in compute.unique(file.read([column])[column]).to_pylist()]


def _command(files: Sequence[str]) -> str:
    """The command that measures these files alone, if a pattern names them; else empty."""
    if len(files) > 1:
        pattern = f"{glob.escape(os.path.commonprefix([*files]))}*"  # noqa: RUF071 - of characters
        return f"tare measure {shell_word(pattern)}" if sorted(files_at(pattern)) == sorted(files) else ""
    return f"tare measure {shell_word(files[0])}"


def shards_of(source: Source[Any]) -> Shards | None:
    """The shards that a source reads, one after the other; None for any other source."""
    inner = _inner(source)
    return inner if isinstance(inner, Shards) else None


def _inner(source: Source[Any]) -> Source[Any]:
    while isinstance(source, Derived):
        source = source.source
    return source
