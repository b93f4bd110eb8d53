"""The words by which folders, files and tables name the parts of a dataset."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Literal

Part = Literal["train", "val", "test"]

#: Usual names of the parts, in lower case without separators; FER2013 has a public and a private test.
_PARTS: dict[str, Part] = {
    **dict.fromkeys(("train", "training", "trainset", "trainingset", "traindata", "trainingdata", "trn", "trainval"), "train"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "valset", "validationset", "valdata", "validationdata"), "val"),
    **dict.fromkeys(("dev", "eval", "publictest"), "val"),
    **dict.fromkeys(("test", "testing", "testset", "testingset", "testdata", "testingdata", "tst"), "test"),
    **dict.fromkeys(("privatetest", "holdout", "heldout"), "test"),
}
#: Words that state parts in names that are otherwise alike, such as nnU-Net's ``imagesTr`` and ``imagesTs``, and nowhere else.
_SHORT: dict[str, Part] = {"tr": "train", "ts": "test", "te": "test"}
#: Words that state parts in a column of which every word states one, and nowhere else.
_SHORT_WORDS: dict[str, Part] = {**_SHORT, "va": "val", "vl": "val"}
#: A part and what it is of, written as one word, such as ``trainimages``.
_JOINED = re.compile(r"(train(?:ing)?|val(?:id|idation)?|test(?:ing)?)(images?|imgs?|photos?|data|labels?|masks?|samples?|set)")
#: Usual names of a column that states the part of each row, in lower case without separators.
_COLUMNS = frozenset(
    (
        "split", "splitname", "splittype", "datasplit", "datasetsplit", "traintestsplit", "traintest", "trainval", "trainvaltest",
        "subset", "partition", "fold", "set", "settype", "dataset", "datasettype", "phase", "part", "stage", "usage",
    )
)  # fmt: skip
#: Of these the names that mean nothing else.
_SURE = frozenset(
    ("split", "splitname", "splittype", "datasplit", "datasetsplit", "traintestsplit", "subset", "partition", "fold")
)
#: Usual names of a column that marks the rows of one part, in lower case without separators; fastai's is ``is_valid``.
_MARKS: dict[str, Part] = {
    **dict.fromkeys(("istrain", "istraining", "istrainingimage", "trainmask"), "train"),
    **dict.fromkeys(("isvalid", "isval", "isvalidation", "isdev", "valmask", "validmask"), "val"),
    **dict.fromkeys(("istest", "istesting", "isholdout", "isheldout", "testmask"), "test"),
}
#: What a column of marks holds, in lower case: whether a row is of the part.
MARKS = {
    **dict.fromkeys(("true", "1", "1.0", "yes", "t", "y"), True),
    **dict.fromkeys(("false", "0", "0.0", "no", "f", "n"), False),
}


def part_of(name: str) -> Part | None:
    """The part that a name as a whole states, such as Validation; None for any other name."""
    return _PARTS.get(_plain(name))


def parts_of_words(words: Iterable[str]) -> dict[str, Part | None]:
    """The part that each word of a column states, None of a blank and of other words.

    Short words such as tr and te state parts where every word beside blanks states one.
    """
    whole = {word: part_of(word) for word in dict.fromkeys(words)}
    short = {word: part or _SHORT_WORDS.get(_plain(word)) for word, part in whole.items()}
    return short if all(part or not word.strip() for word, part in short.items()) else whole


def part_of_file(path: str) -> Part | None:
    """The part that a word of a file's name states, such as ``train-00000-of-00001.parquet``, else the nearest folder's name.

    None if there is none, or the file's name states two.
    """
    *folders, name = re.split(r"[\\/]", path)
    found = _parts_in(name)
    if found:
        return found.pop() if len(found) == 1 else None
    return next((part for folder in reversed(folders) if (part := part_of(folder)) is not None), None)


def _parts_in(name: str) -> set[Part]:
    """The parts that words of a name state; that of MNIST's test is t10k."""
    return {_PARTS[word] for word in _words(name) if word in _PARTS} | ({"test"} if name.lower().startswith("t10k") else set())


def parts_beside(names: Collection[str]) -> dict[str, Part]:
    """The names that state parts beside each other: as a whole, or by a word, such as ``train2017`` beside ``val2017``.

    Names that differ in more than this word and numbers, such as ``train_station`` and ``test_tube``, state none.
    """
    found: dict[str, Part] = {}
    others: defaultdict[str, dict[str, Part]] = defaultdict(dict)
    for name in names:
        part = part_of(name)
        if part is not None:
            found[name] = others[""][name] = part
        parts, rest = _beside(name)
        if "test" not in parts and len(parts) == 2:  # training and validation together, such as train_val
            parts = {"train"}
        if len(parts) == 1 and rest:
            others[rest][name] = parts.pop()
        elif part is None and len(parts) == 1:
            others[""][name] = parts.pop()
    if {"val", "test"} <= {*others[""].values()}:  # Places365 has data_256 beside val_256 and test_256
        others[""] |= dict.fromkeys((name for name in names if _words(name) == ["data"]), "train")
    for group in others.values():
        if are_parts([*group.values()]):
            found |= group
    return found


def _beside(name: str) -> tuple[set[Part], str]:
    """The parts that words of a name state beside others that are alike, and its other words."""
    parts, short, rest = _parts_in(name), [], []
    for word in _words(name):
        joined = _JOINED.fullmatch(word)
        if word in _SHORT:
            short.append(_SHORT[word])
        elif joined is not None and word not in _PARTS:
            parts.add(_PARTS[joined[1]])
            rest.append(joined[2])
        elif word not in _PARTS:
            rest.append(word)
    return parts.union(short if rest else ()), "".join(rest)


def _words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)]  # trainA is train


def part_columns(columns: Iterable[str], *, sure: bool = False) -> list[str]:
    """The columns that by their names would state the part of each row; of ``sure`` ones the name can mean nothing else."""
    named = [each for each in columns if _plain(each) in (_SURE if sure else _COLUMNS)]
    return sorted(named, key=lambda each: _plain(each) not in _SURE)


def mark_columns(columns: Iterable[str]) -> dict[str, Part]:
    """The columns that by their names would mark the rows of a part, such as ``is_valid``, and that part."""
    return {each: part for each in columns if (part := _MARKS.get(_plain(each))) is not None}


def _plain(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign.isalnum())


def are_parts(stated: Collection[Part | None]) -> bool:
    """Whether what samples or files state are parts: training, and another."""
    return "train" in stated and len({*stated} - {None}) > 1


_POOLED = "are counted as one; a network is trained with those of"
_CODES = "parts are stated by train, val and test"


def says_parts(remark: str) -> bool:
    """Whether a remark says what became of the parts of a dataset."""
    return _POOLED in remark or _CODES in remark or remark.startswith("parts by ")


def pooled_remark(names: Sequence[str], trained: str, command: str = "") -> str:
    """A sentence: the parts of these names are counted as one, and how those of the name ``trained`` are measured alone."""
    said = f"{', '.join(names[:-1])} and {names[-1]} {_POOLED} {trained} alone"
    return f"{said}: {command}" if command else said


def parts_remark(where: str, stated: Sequence[Part | None]) -> str:
    """A sentence: how many samples are of each part by what ``where`` states, and which are left out in training."""
    number = Counter(stated)
    listed = ", ".join(f"{number[part]:,} {part}" for part in ("train", "val", "test") if number[part])
    left_out = ["those of test"] if number["test"] else []
    left_out += [f"{number[None]:,} of files that state none"] if number[None] else []
    said = f"parts by {where}: {listed}"
    return f"{said}; {' and '.join(left_out)} are left out" if left_out else said


def unread_remark(column: str, held: Sequence[str], *, measured: bool, stated: bool) -> str:
    """A sentence on a column whose name says that it states parts, and of which nobody knows what it states.

    ``held`` are its different words, none of codes; it is ``measured`` if it is one of the samples' values, and parts are
    ``stated`` if other columns state them.
    """
    listed = " and ".join(map(repr, held[:2]))
    words = "codes" if not held else f"the word {listed}" if len(held) == 1 else f"words such as {listed}"
    words = f"the words {listed}" if len(held) == 2 else words
    said = (
        "is taken for a feature" if measured else "is not read" if stated else f"holds {words}, and all rows are counted as one"
    )
    return f"the column {column!r} {said}: {_CODES}"
