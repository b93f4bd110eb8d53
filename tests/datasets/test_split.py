from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from tare.datasets.options import LabelOptions
from tare.datasets.split import open_split, read_split
from tare.errors import DataError
from tare.samples.records import Skipped
from tests.datasets.reading import class_folders


def test_train_and_val_folders_are_taken_as_they_are(tmp_path: Path) -> None:
    split = read_split(class_folders(tmp_path, {"train/a": 3, "train/b": 2, "val/a": 1, "val/b": 1}), seed=0)
    assert split.classes == ("a", "b")
    assert [file.label for file in split.train] == [0, 0, 0, 1, 1]
    assert len(split.val) == 2


def test_one_folder_is_split_by_the_seed_within_each_class(tmp_path: Path) -> None:
    root = class_folders(tmp_path, {"a": 10, "b": 5})
    first, again, other = (read_split(root, seed) for seed in (0, 0, 1))
    assert first == again
    assert first.val != other.val
    assert [sum(file.label == label for file in first.val) for label in (0, 1)] == [2, 1]
    everything = {file.path for file in (*first.train, *first.val)}
    assert len(everything) == len(first.train) + len(first.val) == 15


def test_the_split_does_not_depend_on_the_order_in_which_the_disk_lists_files(tmp_path: Path) -> None:
    split = read_split(class_folders(tmp_path, {"a": 6, "b": 6}), seed=0)
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
        read_split(class_folders(tmp_path, counts), seed=0)


def test_unreadable_files_leave_the_split_and_an_emptied_class_is_refused(tmp_path: Path) -> None:
    split = read_split(class_folders(tmp_path, {"a": 5, "b": 2}), seed=0)
    bad = split.train[0]
    assert bad not in split.without([Skipped(bad.path, "damaged")]).train
    only = next(file for file in split.val if file.label == 1)
    with pytest.raises(DataError, match="validation image of every class, found none of 'b'"):
        split.without([Skipped(only.path, "damaged")])


def test_images_of_any_labelled_source_are_split_by_class(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 9, 8), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", x=images, y=[2, 10] * 10)
    split = open_split(LabelOptions(tmp_path / "a.npz"), seed=0)
    assert split.classes == ("2", "10")
    assert (len(split.train), len(split.val)) == (16, 4)
    assert {file.path for file in split.train}.isdisjoint(file.path for file in split.val)
    for file in (*split.train, *split.val):
        index = int(file.path.rpartition("[")[2][:-1])
        np.testing.assert_array_equal(file.read("rgb"), np.repeat(images[index][..., None], 3, axis=-1))
        assert file.label == index % 2


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "npz"])
def test_the_ending_of_a_name_means_the_same_in_capitals(tmp_path: Path, suffix: str) -> None:
    rows = pl.DataFrame({"b": np.arange(20.0), "a": np.ones(20), "label": ["yes", "no"] * 10})
    plain, capitals = tmp_path / f"t.{suffix}", tmp_path / f"T.{suffix.upper()}"
    if suffix == "npz":
        np.savez(plain, x=rows.select("b", "a").to_numpy(), y=rows["label"].to_numpy().astype(str))
    elif suffix == "parquet":
        rows.write_parquet(plain)
    else:
        rows.write_csv(plain, separator="," if suffix == "csv" else "\t")
    capitals.write_bytes(plain.read_bytes())
    first, second = (open_split(LabelOptions(path), 0, "vector") for path in (plain, capitals))
    assert (second.classes, second.channel_names) == (first.classes, first.channel_names)
    for one, other in zip(first.train, second.train, strict=True):
        np.testing.assert_array_equal(np.asarray(one.read("stored")), np.asarray(other.read("stored")))


def test_validation_arrays_are_the_validation_split(tmp_path: Path) -> None:
    images = np.zeros((4, 9, 8), np.uint8)
    np.savez(tmp_path / "a.npz", train_images=images, train_labels=[0, 1, 0, 1], val_images=images[:2], val_labels=[1, 0])
    split = open_split(LabelOptions(tmp_path / "a.npz"), seed=0)
    assert [file.label for file in split.val] == [1, 0]
    np.savez(tmp_path / "b.npz", train_images=images, train_labels=[0, 1, 0, 1], val_images=images[:2], val_labels=[1, 2])
    with pytest.raises(DataError, match=r"the classes of .* among those of .*, found '2' only in validation"):
        open_split(LabelOptions(tmp_path / "b.npz"), seed=0)


def test_a_folder_stays_a_folder_of_files(tmp_path: Path) -> None:
    for name in ("ants", "bees"):
        (tmp_path / name).mkdir()
        for index in range(3):
            Image.new("RGB", (4, 4)).save(tmp_path / name / f"{index}.png")
    assert open_split(LabelOptions(tmp_path), seed=0) == read_split(tmp_path, seed=0)


def test_rows_of_numbers_are_no_images(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,label\n1,a\n2,b\n")
    with pytest.raises(DataError, match="labelled images, found a vector per sample"):
        open_split(LabelOptions(tmp_path / "a.csv"), seed=0)


@pytest.mark.parametrize(("file", "said"), [("scan.nii.gz", r"volumes \(NIfTI or DICOM\)"), ("clip.mp4", "video")])
def test_what_is_no_image_is_told_as_what_it_is(tmp_path: Path, file: str, said: str) -> None:
    for name in ("ill", "well"):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_bytes(b"")
    with pytest.raises(
        DataError,
        match=rf"found {said} below .*; name a network whose first layer is 3-D, or write ",
    ):
        read_split(tmp_path, 0)


def test_an_archive_in_its_own_folder_and_numbers_taken_for_classes_are_told_what_to_do(tmp_path: Path) -> None:
    class_folders(tmp_path / "photos", {"photos/a": 5, "photos/b": 5})
    with pytest.raises(DataError, match=r"at least two classes, found only 'photos' .*did you mean '.*photos/photos'\?"):
        read_split(tmp_path / "photos", seed=0)
    (tmp_path / "t.csv").write_text("a,n\n" + "".join(f"{i},{i // 4 if i > 3 else 99}\n" for i in range(120)) + "1,500\n")
    with pytest.raises(DataError, match=r"found none of '500' .*learn the 31 numbers with --task regression, add"):
        open_split(LabelOptions(tmp_path / "t.csv", label="n", task="classification"), 0, "vector")
