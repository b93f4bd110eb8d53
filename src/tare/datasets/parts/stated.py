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

from tare.datasets.parts.names import Part, are_parts, part_columns, part_of, part_of_file, pooled_remark
from tare.datasets.samples import LabelledSamples
from tare.datasets.tables import cells_of
from tare.errors import DataError, shell_word
from tare.samples.records import Skipped
from tare.sources.base import Source
from tare.sources.derived import Derived
from tare.sources.files.listed import ListedFiles, Manifest
from tare.sources.places import files_at
from tare.sources.shards import Shards
from tare.sources.tables.arrow import TableInMemory, text_columns
from tare.sources.tables.csv_table import CsvTable, Head, read_head


@dataclass(frozen=True)
class StatedParts:
    """The part of each sample, and in words what states it; None of samples in files that state none beside others that do."""

    of: tuple[Part | None, ...]
    where: str


def parts_by_shard(source: Source[Any], files: Sequence[str] | None) -> StatedParts | None:
    """The parts of the samples of a source by the names of their shards; None if the names do not state them.

    ``files`` are those of the samples, None if they are read by index.
    """
    shards = shards_of(source)
    if shards is None or not are_parts([part_of_file(file) for file in shards.files]):
        return None
    of = tuple(part_of_file(file) for file in (shards.files_by_index() if files is None else files))
    return StatedParts(of, f"the names of the files of {source.name!r}")


def parts_by_rows(source: Source[Any], number: int, labels: Sequence[str] = ()) -> StatedParts | None:
    """The parts of the ``number`` samples of a source by a column of its rows beside ``labels``; None without such a column.

    Raises :class:`DataError` if a word is no part, or the samples are not one a row.
    """
    found = _words(source, labels)
    return None if found is None else _parts(*found, number, source.name)


def parts_by_column(name: str, number: int, labels: Sequence[str]) -> StatedParts | None:
    """The parts of the ``number`` rows of a table by its name; see :func:`parts_by_rows`."""
    found = _stated_by(_table(name), labels)
    return None if found is None else _parts(*found, number, name)


def _is_stated(words: Sequence[str]) -> bool:
    different = {*words}
    return len(different) > 1 and "train" in map(part_of, different)


def _parts(column: str, words: Sequence[str], number: int, name: str) -> StatedParts:
    known = {word: part_of(word) for word in words}
    strange = next((word for word, part in known.items() if part is None), None)
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
    return StatedParts(tuple(known[word] for word in words), f"the column {column!r} of {name!r}")


def unused_remark(columns: Sequence[str]) -> str | None:
    """A remark on a column among those of the samples whose name says that it states parts, and that does not; else None."""
    found = part_columns(columns, sure=True)
    return f"the column {found[0]!r} is taken for a feature: parts are stated by train, val and test" if found else None


def in_parts(samples: LabelledSamples, stated: StatedParts | None) -> tuple[LabelledSamples, LabelledSamples | None]:
    """The training samples and those of validation, None where none are stated; those of test are left out. A remark says so."""
    if stated is None:
        return samples, None
    number = Counter(stated.of)
    listed = ", ".join(f"{number[part]:,} {part}" for part in ("train", "val", "test") if number[part])
    left_out = ["those of test"] if number["test"] else []
    left_out += [f"{number[None]:,} of files that state none"] if number[None] else []
    said = f"parts by {stated.where}: {listed}"
    if left_out:
        said += f"; {' and '.join(left_out)} are left out"
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
    """A remark that a source counts the parts of a dataset as one, which its shards or a column of its rows state; else None."""
    shards = shards_of(source)
    stated = [] if shards is None else [part_of_file(file) for file in shards.files]
    if shards is not None and are_parts(stated):
        files = [file for file, part in zip(shards.files, stated, strict=True) if part == "train"]
        return pooled_remark([*dict.fromkeys(part or "other files" for part in stated)], "train", _command(files))
    found = _words(source)
    if found is None:
        return None
    different = [*dict.fromkeys(found[1])]
    return f"column {found[0]!r}: {pooled_remark(different, next(word for word in different if part_of(word) == 'train'))}"


def _words(source: Source[Any], labels: Sequence[str] = ()) -> tuple[str, list[str]] | None:
    """The column of a source's rows that states their parts, and its text in each row; None without such a column."""
    inner = _inner(source)
    if isinstance(inner, Shards):
        found = [each for file in inner.files for each in [_words(inner.opened(file), labels)] if each is not None]
        if len(found) < len(inner.files) or len({column for column, _ in found}) > 1:
            return None
        return found[0][0], [word for _, words in found for word in words]
    rows = _rows(inner)
    return None if rows is None else _stated_by(rows, labels)


#: The columns of text of a table or list, and what gives the text of one in each row.
_Rows = tuple[Sequence[str], Callable[[str], list[str]]]


def _stated_by(rows: _Rows, labels: Sequence[str]) -> tuple[str, list[str]] | None:
    """The column that states parts, and its text in each row; None without one."""
    columns, read = rows
    for column in part_columns(columns):
        if column not in labels and _is_stated(words := read(column)):
            return column, words
    return None


def _rows(source: Source[Any]) -> _Rows | None:
    """The rows of a table or a list of files; None for other sources."""
    if isinstance(source, ListedFiles) and isinstance(source.listing, Manifest) and source.listing.delimiter is not None:
        listing = source.listing
        return _texts(read_head(source.name)), lambda column: [item.label or "" for item in replace(listing, label=column)]
    if isinstance(source, TableInMemory):
        return text_columns(source.schema), lambda column: _words_of(source.column(column))
    is_parquet = source.name.endswith(".parquet") and Path(source.name).is_file()
    return _table(source.name) if is_parquet or isinstance(source, CsvTable) else None


def _table(name: str) -> _Rows:
    """The rows of a CSV or Parquet file, of which a column is read by itself."""
    if not name.endswith(".parquet"):
        head = read_head(name)
        return _texts(head), lambda column: cells_of(name, head, (column,))[column].to_list()
    from pyarrow import parquet

    file = parquet.ParquetFile(name)
    return text_columns(file.schema_arrow), lambda column: _words_of(file.read([column])[column])


def _words_of(column: Any) -> list[str]:
    return ["" if word is None else str(word) for word in column.to_pylist()]


def _texts(head: Head) -> list[str]:
    return [name for name, numeric in zip(head.names, head.numeric, strict=True) if not numeric]


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
