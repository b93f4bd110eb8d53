"""Which part of its dataset each sample belongs to, where columns, the names of shards or folders state it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from tare.datasets.parts.columns import Columns, columns_of, columns_of_archive, columns_of_table, inner_of
from tare.datasets.parts.folders import parts_of_files
from tare.datasets.parts.names import (
    MARKS,
    Part,
    are_parts,
    mark_columns,
    part_columns,
    parts_of_words,
    parts_remark,
    unread_remark,
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
    """The columns of a source that state parts, the word of each row, and the part of each word: None of a word of no part.

    Where columns contradict one another, the word of the row lists what each of them states.
    """

    columns: tuple[str, ...]
    words: Sequence[str]
    parts: Mapping[str, Part | None]

    @property
    def named(self) -> str:
        """The columns in words."""
        return " with ".join(f"the column {column!r}" for column in self.columns)


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


def agreed(shards: StatedParts | None, rows: StatedParts | None) -> StatedParts | None:
    """What the names of shards and columns of their rows state; None without either.

    Raises :class:`DataError` where they state two parts of one sample.
    """
    if shards is not None and rows is not None and (against := _against(shards, rows)):
        seen = f"{against[0][0]} and {against[0][1]} in {len(against):,} of {len(rows.of):,}"
        raise DataError(f"the same part of each sample by {shards.where} and by {rows.where}", seen, "correct one of the two")
    return shards or rows


def against_folders(stated: StatedParts, folders: StatedParts) -> tuple[str, ...]:
    """A remark on samples of which a list states another part than the folder that they lie in: the list is followed."""
    against = _against(folders, stated)
    if not against:
        return ()
    other = f"{against[0][0]} by its folder and {against[0][1]} by the column"
    return (f"{stated.where} is followed, and not the folders: {len(against):,} of {len(stated.of):,}, such as one of {other}",)


def _against(first: StatedParts, other: StatedParts) -> list[tuple[Part, Part]]:
    """The parts of the samples of which two are stated."""
    return [(a, b) for a, b in zip(first.of, other.of, strict=True) if a is not None and b is not None and a != b]


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
    strange = next((word for word in found.words if found.parts[word] is None), None)
    wanted = f"parts that {found.named} states"
    if strange is not None and len(found.columns) > 1 and _AND in strange:
        expected = f"the same part of each row by {found.named}"
        seen = f"{strange!r} in {found.words.count(strange):,} of {len(found.words):,} rows of {name!r}"
        raise DataError(expected, seen, "correct these rows, or rename the column if it is another")
    if strange is not None:
        seen = f"{strange!r} beside 'train' in {name!r}"
        raise DataError(f"the words train, val and test for {wanted}", seen, "write these, or rename the column if it is another")
    if len(found.words) != number:
        seen = f"{number:,} of {len(found.words):,} rows of {name!r}"
        raise DataError(f"a sample for each row with {wanted}", seen, "split its files")
    return StatedParts(tuple(found.parts[word] for word in found.words), f"{found.named} of {name!r}")


#: Between the parts that columns state of one row, where they contradict one another.
_AND = " and "


def stating(columns: Columns, labels: Sequence[str] = ()) -> Stating | None:
    """The columns that state parts: those of words such as train and test, and those that mark the rows of a part."""
    read = {column: columns.read(column) for column in part_columns(columns.texts) if column not in labels}
    stated = [each for column, words in read.items() if (each := Stating((column,), words, parts_of_words(words))).words]
    stated = [each for each in stated if "train" in each.parts.values() and len(each.parts) > 1]
    marks = _marks_of(columns, labels)
    if not stated:
        return _marked(marks)
    first, *others = stated
    others = [each for each in others if all(part or not word.strip() for word, part in each.parts.items())]
    return _together(first, others, marks) if others or marks else first


def _together(first: Stating, others: Sequence[Stating], marks: Mapping[str, Sequence[bool | None]]) -> Stating:
    """What the columns state together: the first's words where no other contradicts them; a blank contradicts none."""
    rows = [*zip(first.words, *(each.words for each in others), *marks.values(), strict=True)]
    marked = [*mark_columns(marks).values()]
    words: dict[tuple[Any, ...], str] = {}
    for row in dict.fromkeys(rows):
        part = first.parts[row[0]]
        said: list[str | None] = [each.parts[word] for each, word in zip(others, row[1:], strict=False)]
        for other, mark in zip(marked, row[1 + len(others) :], strict=True):
            said.append(other if mark else f"not {other}" if mark is False and other == part else None)
        against = [each for each in dict.fromkeys(said) if each not in (None, part)]
        words[row] = row[0] if part is None or not against else _AND.join([part, *filter(None, against)])
    columns = (*first.columns, *(column for each in others for column in each.columns), *marks)
    return Stating(columns, [words[row] for row in rows], {word: first.parts.get(word) for word in words.values()})


def _marks_of(columns: Columns, labels: Sequence[str]) -> dict[str, list[bool | None]]:
    """The columns such as ``is_valid`` that are true for rows of a part, and false for others; None where they are blank.

    A part that most rows are of is no validation: ``is_valid`` then says that a row holds.
    """
    marks: dict[str, list[bool | None]] = {}
    for column in mark_columns((*columns.texts, *columns.numbers)):
        words = [] if column in labels else columns.read(column)
        known = {word: MARKS.get(word.strip().lower()) for word in dict.fromkeys(words)}
        understood = all(mark is not None or not word.strip() for word, mark in known.items())
        if understood and {True, False} <= {*known.values()}:
            marks[column] = [known[word] for word in words]
    alone = [*mark_columns(marks).values()] == ["val"]
    return {} if alone and any(each.count(True) > each.count(False) for each in marks.values()) else marks


def _marked(marks: Mapping[str, Sequence[bool | None]]) -> Stating | None:
    """The parts by marks alone; the rest is for training, unless that is marked, too.

    Rows that are not marked as those of training, where nothing else is marked, are never trained on. A row of which a mark
    is blank, and none is true, is of no part.
    """
    if not marks:
        return None
    parts = [*mark_columns(marks).values()]
    rest = "train" if "train" not in parts else "test" if {*parts} == {"train"} else ""
    rows = [*zip(*marks.values(), strict=True)]
    words: dict[tuple[bool | None, ...], str] = {}
    for row in dict.fromkeys(rows):
        true = dict.fromkeys(part for part, mark in zip(parts, row, strict=True) if mark)
        false = dict.fromkeys(f"not {part}" for part, mark in zip(parts, row, strict=True) if mark is False and part in true)
        words[row] = _AND.join((*true, *false)) or ("" if None in row else rest)
    known = parts_of_words(words.values())
    return Stating((*marks,), [words[row] for row in rows], known) if are_parts(known.values()) else None


def unused_remark(columns: Columns | None, labels: Sequence[str] = (), measured: Sequence[str] = ()) -> str | None:
    """A remark on a column whose name says that it states or marks parts, and of which nobody knows what it states; else None.

    ``measured`` are the columns that are samples' values.
    """
    if columns is None:
        return None
    found = stating(columns, labels)
    known = (*labels, *(() if found is None else found.columns))
    marks = mark_columns((*columns.numbers, *columns.texts))
    for column in (*part_columns(columns.numbers, sure=True), *part_columns(columns.texts), *marks):
        if column in known or (found is not None and column not in marks and column not in measured):
            continue
        words = [] if column in columns.numbers else [word for word in dict.fromkeys(columns.read(column)) if word.strip()]
        if column in columns.numbers or _may_be_parts(column, words):
            return unread_remark(column, words, measured=column in measured, stated=found is not None)
    return None


def _may_be_parts(column: str, words: Sequence[str]) -> bool:
    """Whether different words of a column may be parts: its name means nothing else, or all of them are."""
    if mark_columns([column]):
        return bool(words)
    return len(words) > 1 and (bool(part_columns([column], sure=True)) or all(parts_of_words(words).values()))


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
