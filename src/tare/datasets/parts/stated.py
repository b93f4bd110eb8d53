"""Which part of its dataset each sample belongs to, where columns, the names of shards or folders state it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from tare.datasets.parts.columns import Columns, columns_of, columns_of_archive, columns_of_table, inner_of
from tare.datasets.parts.folders import parts_of_files
from tare.datasets.parts.names import (
    MARKS,
    Part,
    are_parts,
    codes_remark,
    mark_columns,
    part_columns,
    part_of,
    parts_remark,
)
from tare.datasets.samples import LabelledSamples
from tare.errors import DataError
from tare.samples.records import Skipped
from tare.sources.base import Source
from tare.sources.shards import Shards


@dataclass(frozen=True)
class StatedParts:
    """The part of each sample, and in words what states it; None of samples in files that state none beside others that do."""

    of: tuple[Part | None, ...]
    where: str


@dataclass(frozen=True)
class Stating:
    """The columns of a source that state parts, in words, and the word of each row."""

    columns: str
    words: Sequence[str]


def parts_by_shard(source: Source[Any], files: Sequence[str] | None) -> StatedParts | None:
    """The parts of the samples of a source by the names of their shards; None if the names do not state them.

    ``files`` are those of the samples, None if they are read by index.
    """
    shards = shards_of(source)
    known = {} if shards is None else dict(zip(shards.files, parts_of_files(shards.files), strict=True))
    if shards is None or not are_parts(known.values()):
        return None
    of = tuple(known[file] for file in (shards.files_by_index() if files is None else files))
    return StatedParts(of, f"the names of the files of {source.name!r}")


def parts_by_rows(source: Source[Any], number: int, labels: Sequence[str] = ()) -> StatedParts | None:
    """The parts of the ``number`` samples of a source by columns of its rows beside ``labels``; None without such columns.

    Raises :class:`DataError` if a word is no part, or the samples are not one a row.
    """
    return _parts(columns_of(source), number, source.name, labels)


def parts_by_column(name: str, number: int, labels: Sequence[str]) -> StatedParts | None:
    """The parts of the ``number`` rows of a table by its name; see :func:`parts_by_rows`."""
    return _parts(columns_of_table(name), number, name, labels)


def parts_of_archive(samples: LabelledSamples, name: str) -> StatedParts | None:
    """The parts of samples of an ``.npz`` by an array beside theirs; see :func:`parts_by_rows`."""
    return _parts(columns_of_archive(name, samples.name, len(samples)), len(samples), name, samples.columns)


def _parts(columns: Columns | None, number: int, name: str, labels: Sequence[str]) -> StatedParts | None:
    found = None if columns is None else stating(columns, labels)
    if found is None:
        return None
    known = {word: part_of(word) for word in found.words}
    strange = next((word for word, part in known.items() if part is None), None)
    wanted = f"parts that {found.columns} states"
    if strange is not None:
        seen = f"{strange!r} beside 'train' in {name!r}"
        raise DataError(f"the words train, val and test for {wanted}", seen, "write these, or rename the column if it is another")
    if len(found.words) != number:
        seen = f"{number:,} of {len(found.words):,} rows of {name!r}"
        raise DataError(f"a sample for each row with {wanted}", seen, "split its files")
    return StatedParts(tuple(known[word] for word in found.words), f"{found.columns} of {name!r}")


def stating(columns: Columns, labels: Sequence[str] = ()) -> Stating | None:
    """The columns that state parts: one of words such as train and test, or those that mark the rows of a part."""
    for column in part_columns(columns.texts):
        if column not in labels and _are_stated(words := columns.read(column)):
            return Stating(f"the column {column!r}", words)
    return _marked(columns, labels)


def _are_stated(words: Sequence[str]) -> bool:
    different = {*words}
    return len(different) > 1 and "train" in map(part_of, different)


def _marked(columns: Columns, labels: Sequence[str]) -> Stating | None:
    """Columns such as ``is_valid`` that are true for the rows of a part; the rest is for training, unless that is marked, too.

    Rows that are not marked as those of training, where nothing else is marked, are never trained on. A part that most rows
    are of is no validation: ``is_valid`` then says that a row holds.
    """
    marks: dict[str, list[bool]] = {}
    for column in mark_columns((*columns.texts, *columns.numbers)):
        words = [] if column in labels else [word.lower() for word in columns.read(column)]
        if {*words} <= MARKS.keys() and len({MARKS[word] for word in words}) > 1:
            marks[column] = [MARKS[word] for word in words]
    parts = mark_columns(marks)
    if not marks or ([*parts.values()] == ["val"] and any(2 * sum(each) > len(each) for each in marks.values())):
        return None
    rest = "train" if "train" not in parts.values() else "test" if len(parts) == 1 else ""
    rows = zip(*([part if each else None for each in marks[column]] for column, part in parts.items()), strict=True)
    words = [" and ".join(filter(None, row)) or rest for row in rows]
    named = " with ".join(f"the column {column!r}" for column in marks)
    return Stating(named, words) if are_parts([part_of(word) for word in words]) else None


def unused_remark(columns: Columns | None, labels: Sequence[str] = (), measured: Sequence[str] = ()) -> str | None:
    """A remark on a column of numbers whose name says that it states parts, and of which nobody knows what they mean; else None.

    ``measured`` are the columns that are samples' values.
    """
    if columns is None or stating(columns, labels) is not None:
        return None
    sure = part_columns(columns.numbers, sure=True)
    marks = [each for each in mark_columns(columns.numbers) if {*map(str.lower, columns.read(each))} <= MARKS.keys()]
    found = [each for each in (*sure, *marks) if each not in labels]
    return codes_remark(found[0], measured=found[0] in measured) if found else None


def in_parts(samples: LabelledSamples, stated: StatedParts | None) -> tuple[LabelledSamples, LabelledSamples | None]:
    """The training samples and those of validation, None where none are stated; those of test are left out. A remark says so."""
    if stated is None:
        return samples, None
    train = part_of_samples(samples, stated, "train")
    val = part_of_samples(samples, stated, "val") if "val" in stated.of else None
    return replace(train, remarks=(*train.remarks, parts_remark(stated.where, stated.of))), val


def part_of_samples(samples: LabelledSamples, stated: StatedParts, part: Part) -> LabelledSamples:
    """The samples of one part, under a name of their own."""
    places = tuple(place for place, one in enumerate(stated.of) if one == part)
    several = None if samples.several is None else tuple(samples.several[place] for place in places)
    labels = tuple(samples.labels[place] for place in places)
    facts = tuple(samples.facts[place] for place in places) if samples.facts else ()
    chosen = replace(samples, labels=labels, several=several, read=_Chosen(samples.read, places), facts=facts)
    return replace(chosen, name=f"{samples.name} ({part})")


@dataclass(frozen=True, slots=True, eq=False)
class _Chosen:
    """Samples at these places of others; an object instead of a closure, since loader processes receive it by pickle."""

    read: Any
    places: tuple[int, ...]

    def __call__(self, index: int) -> NDArray[Any] | Skipped:
        found: NDArray[Any] | Skipped = self.read(self.places[index])
        return found


def shards_of(source: Source[Any]) -> Shards | None:
    """The shards that a source reads, one after the other; None for any other source."""
    inner = inner_of(source)
    return inner if isinstance(inner, Shards) else None
