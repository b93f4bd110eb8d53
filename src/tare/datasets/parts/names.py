"""The words by which folders, files and tables name the parts of a dataset."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

Part = Literal["train", "val", "test"]

#: Usual names of the parts, in lower case without separators; FER2013 has a public and a private test.
_PARTS: dict[str, Part] = {
    **dict.fromkeys(("train", "training", "trainset", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "dev", "eval", "publictest"), "val"),
    **dict.fromkeys(("test", "testing", "testset", "tst", "privatetest", "holdout", "heldout"), "test"),
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
    found = {_PARTS[word] for word in re.findall(r"[a-z]+", name.lower()) if word in _PARTS}
    if found:
        return found.pop() if len(found) == 1 else None
    return next((part for folder in reversed(folders) if (part := part_of(folder)) is not None), None)


def part_column(columns: Sequence[str], *, sure: bool = False) -> str | None:
    """The column that would state the part of each row, by its name; ``sure`` if the name can mean nothing else."""
    return next((each for each in columns if _plain(each) in (_SURE if sure else _COLUMNS)), None)


def _plain(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign.isalnum())


def parts_of(stated: Sequence[Part | None]) -> tuple[Part, ...] | None:
    """The part of each sample or file; None unless each states one, and training is one of several."""
    known = tuple(part for part in stated if part is not None)
    return known if len(known) == len(stated) and len({*known}) > 1 and "train" in known else None


def pooled_remark(names: Sequence[str], trained: str, command: str = "") -> str:
    """A sentence: the parts of these names are counted as one, and how those of the name ``trained`` are measured alone."""
    said = f"{', '.join(names[:-1])} and {names[-1]} are counted as one; a network is trained with those of {trained} alone"
    return f"{said}: {command}" if command else said
