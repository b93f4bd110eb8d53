from __future__ import annotations

from pathlib import Path

import pytest

from tare.errors import DataError
from tare.labelled import ImageFiles, read_split
from tare.records import Skipped
from tests.images import rgb_folder


def made(root: Path, counts: dict[str, int]) -> Path:
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        rgb_folder(root / name, count)
    return root


def test_train_and_val_folders_are_taken_as_they_are(tmp_path: Path) -> None:
    split = read_split(made(tmp_path, {"train/a": 3, "train/b": 2, "val/a": 1, "val/b": 1}), seed=0)
    assert split.classes == ("a", "b")
    assert [file.label for file in split.train] == [0, 0, 0, 1, 1]
    assert len(split.val) == 2


def test_one_folder_is_split_by_the_seed_within_each_class(tmp_path: Path) -> None:
    root = made(tmp_path, {"a": 10, "b": 5})
    first, again, other = (read_split(root, seed) for seed in (0, 0, 1))
    assert first == again
    assert first.val != other.val
    assert [sum(file.label == label for file in first.val) for label in (0, 1)] == [2, 1]
    everything = {file.path for file in (*first.train, *first.val)}
    assert len(everything) == len(first.train) + len(first.val) == 15


def test_the_split_does_not_depend_on_the_order_in_which_the_disk_lists_files(tmp_path: Path) -> None:
    split = read_split(made(tmp_path, {"a": 6, "b": 6}), seed=0)
    assert list(split.train) == sorted(split.train, key=lambda file: (file.label, file.path))


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({}, "images in one folder per class, found none"),
        ({"a": 3}, "at least two classes, found only 'a'"),
        ({"a": 3, "b": 0}, "at least two classes, found only 'a'"),
        ({"a": 3, "b": 1}, "at least one validation image of every class, found none of 'b'"),
        ({"train/a": 2, "train/b": 2}, "a folder val/ beside"),
        ({"train/a": 2, "train/b": 2, "val/a": 1}, "at least one validation image of every class, found none of 'b'"),
        ({"train/a": 2, "train/b": 2, "val/a": 1, "val/c": 1}, "found 'c' only in validation"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(tmp_path: Path, counts: dict[str, int], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_split(made(tmp_path, counts), seed=0)


def test_unreadable_files_leave_the_split_and_an_emptied_class_is_refused(tmp_path: Path) -> None:
    split = read_split(made(tmp_path, {"a": 5, "b": 2}), seed=0)
    bad = split.train[0]
    assert bad not in split.without([Skipped(bad.path, "damaged")]).train
    only = next(file for file in split.val if file.label == 1)
    with pytest.raises(DataError, match="validation image of every class, found none of 'b'"):
        split.without([Skipped(only.path, "damaged")])


def test_the_listed_files_are_a_source_with_labels(tmp_path: Path) -> None:
    split = read_split(made(tmp_path, {"a": 5, "b": 5}), seed=0)
    source = ImageFiles("training", split.train)
    records = [record for chunk in source.chunks() for record in source.read(chunk)]
    assert [record.label for record in records if not isinstance(record, Skipped)] == [str(f.label) for f in split.train]
