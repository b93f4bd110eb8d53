"""The same files in every command, whatever their names; what is left out is listed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import tare
from tare.datasets.options import LabelOptions
from tare.datasets.split import open_split
from tare.errors import DataError
from tests.images import random_rgb, save_png


def classes(root: Path, each: int = 6) -> None:
    for label in "ab":
        for number in range(each):
            place = root / label / f"{number}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            save_png(place, random_rgb(number))


def paths(root: Path, seed: int = 0) -> set[str]:
    split = open_split(LabelOptions(root), seed)
    return {os.path.relpath(file.path, root) for part in (split.train, split.val) for file in part}


def measured(root: Path) -> int:
    return tare.measure(root, max_skipped=1).samples


def test_files_without_an_ending_are_samples_of_every_command(tmp_path: Path) -> None:
    classes(tmp_path)
    for label in "ab":
        for number in (0, 1, 2):
            (tmp_path / label / f"{number}.png").rename(tmp_path / label / str(number))
    (tmp_path / "a" / "3.png").rename(tmp_path / "a" / "3.photo")
    assert len(paths(tmp_path)) == measured(tmp_path) == 12
    assert {"a/0", "a/3.photo"} <= paths(tmp_path)


def test_what_is_left_out_is_listed_by_number_and_first_names(tmp_path: Path) -> None:
    classes(tmp_path)
    for name in ("a/notes.txt", "b/.DS_Store", "top.png", ".cache/x.png", "c/only.txt", "c/z1", "c/z2"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"no image")
    save_png(tmp_path / "top.png", random_rgb(3))
    split = open_split(LabelOptions(tmp_path), 0)
    (remark,) = (remark for remark in split.remarks if "left out" in remark)
    named = ".cache, top.png, a/notes.txt, b/.DS_Store, c/only.txt, ..."
    assert remark == f"left out 7 files of {str(tmp_path)!r} that are no samples here: {named}"
    stats = tare.measure(tmp_path)
    assert stats.samples == 13  # measuring takes no class, so the image beside the classes counts
    assert len(stats.skipped) == 6
    assert stats.unreadable == ()


def test_a_linked_class_counts_once_in_every_command(tmp_path: Path) -> None:
    classes(tmp_path / "away")
    root = tmp_path / "data"
    root.mkdir()
    for name, target in {"a": "a", "b": "b", "again": "a"}.items():
        (root / name).symlink_to(tmp_path / "away" / target)
    (root / "b" / "loop").symlink_to(root)
    assert len(paths(root)) == measured(root) == 12


def test_a_folder_of_one_format_names_the_files_of_others(tmp_path: Path) -> None:
    for number in range(3):
        np.save(tmp_path / f"{number}.npy", np.zeros((4, 9, 8, 3), np.uint8) + number)
    (tmp_path / "about.csv").write_text("a,b\n1,2\n")
    (tmp_path / "readme").write_text("x")
    stats = tare.measure(tmp_path)
    assert f"left out 2 files of {str(tmp_path)!r} that are no samples here: about.csv, readme" in stats.extra["remarks"]


@pytest.mark.parametrize("data", ["gone://x/y", "d[1].csv", "gone/*.csv"])
def test_what_is_not_there_is_said_not_to_be(data: str) -> None:
    with pytest.raises(DataError):
        open_split(LabelOptions(data), 0)
