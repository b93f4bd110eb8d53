"""Which part of its dataset each sample belongs to, where a column of a table or the names of shards state it."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tare.datasets.parts.names import Part, part_column, part_of, part_of_file, parts_of, pooled_remark
from tare.datasets.samples import LabelledSamples
from tare.datasets.tables import cells_of, columns_in, label_texts, load_table
from tare.errors import DataError, shell_word
from tare.samples.records import Skipped
from tare.sources.base import Source
from tare.sources.derived import Derived
from tare.sources.files.listed import ListedFiles, Manifest
from tare.sources.places import files_at
from tare.sources.shards import Shards
from tare.sources.tables.arrow import TableInMemory
from tare.sources.tables.csv_table import CsvTable, read_head


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


def parts_by_rows(source: Source[Any], number: int) -> StatedParts | None:
    """The parts of the ``number`` samples of a source by a column of its rows; None without one that states them.

    Raises :class:`DataError` if a word is no part, or the samples are not one a row.
    """
    found = _words(source)
    return None if found is None else _parts(*found, number, source.name)


def parts_by_column(name: str, number: int) -> StatedParts | None:
    """The parts of the ``number`` rows of a table; see :func:`parts_by_rows`."""
    column = part_column(columns_in(name))
    if column is None:
        return None
    return _parts(column, [row[0] for row in label_texts(load_table(name, (column,)), (column,), name)], number, name)


def _parts(column: str, words: Sequence[str], number: int, name: str) -> StatedParts | None:
    stated = [part_of(word) for word in words]
    if "train" not in stated or len({*words}) == 1:
        return None
    strange = next((word for word, part in zip(words, stated, strict=True) if part is None), None)
    wanted = f"parts that the column {column!r} states"
    if strange is not None:
        found = f"{strange!r} beside 'train' in {name!r}"
        raise DataError(
            f"the words train, val and test for {wanted}", found, "write these, or rename the column if it is another"
        )
    if len(words) != number:
        raise DataError(
            f"a sample for each row with {wanted}", f"{number:,} of {len(words):,} rows of {name!r}", "split its files"
        )
    of = parts_of(stated)
    return None if of is None else StatedParts(of, f"the column {column!r} of {name!r}")


def unused_remark(columns: Sequence[str]) -> str | None:
    """A remark on a column among those of the samples whose name says that it states parts, and that does not; else None."""
    column = part_column(columns, sure=True)
    return None if column is None else f"the column {column!r} is taken for a feature: parts are stated by train, val and test"


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
        files = [file for file, part in zip(shards.files, stated, strict=True) if part == "train"]
        return pooled_remark([*dict.fromkeys(stated)], "train", _command(files))
    found = _words(source)
    different = [] if found is None else [*dict.fromkeys(found[1])]
    trained = next((word for word in different if part_of(word) == "train"), None)
    if found is None or trained is None or len(different) == 1:
        return None
    return f"column {found[0]!r}: {pooled_remark(different, trained)}"


def _words(source: Source[Any]) -> tuple[str, list[str]] | None:
    """The column of a source's rows that would state their parts, and its text in each row; None without such a column."""
    inner = _inner(source)
    if isinstance(inner, Shards):
        found = [each for file in inner.files for each in [_words(inner.opened(file))] if each is not None]
        if len(found) < len(inner.files) or len({column for column, _ in found}) > 1:
            return None
        return found[0][0], [word for _, words in found for word in words]
    rows = _rows(inner)
    column = None if rows is None else part_column(rows[0])
    return None if rows is None or column is None else (column, rows[1](column))


def _rows(source: Source[Any]) -> tuple[Sequence[str], Callable[[str], list[str]]] | None:
    """The columns of a table or a list of files, and the text of a column in each row; None for other sources."""
    if isinstance(source, ListedFiles) and isinstance(source.listing, Manifest) and source.listing.delimiter is not None:
        listing = source.listing
        return read_head(source.name).names, lambda column: [item.label or "" for item in replace(listing, label=column)]
    if isinstance(source, CsvTable):
        head = source.head
        return head.names, lambda column: cells_of(source.name, head, (column,))[column].to_list()
    if isinstance(source, TableInMemory):
        return source.table.column_names, lambda column: [str(word) for word in source.column(column).to_pylist()]
    if not source.name.endswith(".parquet") or not Path(source.name).is_file():
        return None
    from pyarrow import parquet

    file = parquet.ParquetFile(source.name)
    return file.schema_arrow.names, lambda column: [str(word) for word in file.read([column])[column].to_pylist()]


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
