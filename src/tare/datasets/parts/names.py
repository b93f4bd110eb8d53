"""The words by which folders, files and tables name the parts of a dataset."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Literal

Part = Literal["train", "val", "test"]

#: Usual names of the parts, in lower case without separators; FER2013 has a public and a private test.
_PARTS: dict[str, Part] = {
    **dict.fromkeys(("train", "training", "trainset", "traindata", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "valset", "valdata", "dev", "eval", "publictest"), "val"),
    **dict.fromkeys(("test", "testing", "testset", "testdata", "tst", "privatetest", "holdout", "heldout"), "test"),
}
#: Usual names of a column that states the part of each row, in lower case without separators.
_COLUMNS = frozenset(("split", "datasplit", "datasetsplit", "subset", "partition", "fold", "set", "phase", "part", "usage"))
#: Of these the names that mean nothing else.
_SURE = frozenset(("split", "datasplit", "datasetsplit", "subset", "partition", "fold"))


def part_of(name: str) -> Part | None:
    """The part that a name as a whole states, such as Validation; None for any other name."""
    return _PARTS.get(_plain(name))


def part_of_file(path: str) -> Part | None:
    """The part that a word of a file's name states, such as ``train-00000-of-00001.parquet``, else the nearest folder's name.

    None if there is none, or the file's name states two.
    """
    *folders, name = re.split(r"[\\/]", path)
    words = map(str.lower, re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name))  # trainA is train
    found = {_PARTS[word] for word in words if word in _PARTS}
    if found:
        return found.pop() if len(found) == 1 else None
    return next((part for folder in reversed(folders) if (part := part_of(folder)) is not None), None)


def part_columns(columns: Iterable[str], *, sure: bool = False) -> list[str]:
    """The columns that by their names would state the part of each row; of ``sure`` ones the name can mean nothing else."""
    named = [each for each in columns if _plain(each) in (_SURE if sure else _COLUMNS)]
    return sorted(named, key=lambda each: _plain(each) not in _SURE)


def _plain(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign.isalnum())


def are_parts(stated: Collection[Part | None]) -> bool:
    """Whether what samples or files state are parts: training, and another."""
    return "train" in stated and len({*stated} - {None}) > 1


_POOLED = "are counted as one; a network is trained with those of"


def is_pooled(remark: str) -> bool:
    """Whether a remark is one of :func:`pooled_remark`."""
    return _POOLED in remark


def pooled_remark(names: Sequence[str], trained: str, command: str = "") -> str:
    """A sentence: the parts of these names are counted as one, and how those of the name ``trained`` are measured alone."""
    said = f"{', '.join(names[:-1])} and {names[-1]} {_POOLED} {trained} alone"
    return f"{said}: {command}" if command else said
