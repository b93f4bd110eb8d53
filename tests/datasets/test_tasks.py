from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tare
from tare.datasets.options import LabelOptions
from tare.datasets.split import open_split
from tare.datasets.tasks import task_found
from tare.errors import DataError
from tests.images import random_rgb, save_png


def pairs(root: Path, inputs: str, targets: str, ending: str = ".png", number: int = 6) -> Path:
    for k in range(number):
        save_png(root / inputs / f"{k}.png", random_rgb(k))
        if ending.endswith(".png"):
            save_png(root / targets / f"{k}{ending}", (random_rgb(k)[..., 0] > 99).astype(np.uint8))
        else:
            (root / targets).mkdir(parents=True, exist_ok=True)
            (root / targets / f"{k}{ending}").write_text("0 0.5 0.5 0.1 0.1")
    return root


def found(labels: list[str]) -> tuple[str, str]:
    return task_found(None, ("label",), [(label,) for label in labels], "x.csv")


def split(data: Path, **options: Any) -> tuple[str, ...]:
    return open_split(LabelOptions(data=data, **options), 0).classes


@pytest.mark.parametrize(
    ("inputs", "targets", "ending", "what"),
    [
        ("images", "masks", ".png", "masks"),
        ("img", "mask", "_mask.png", "masks"),
        ("images", "labels", ".txt", "boxes or polygons"),
        ("JPEGImages", "SegmentationClass", ".png", "masks"),
        ("images", "annotations", ".xml", "boxes or polygons"),
        ("slides", "masks", ".png", "masks"),
        ("train/images", "train/masks", ".png", "masks"),
    ],
)
def test_images_beside_their_masks_are_a_segmentation_and_beside_boxes_no_classes(
    inputs: str, targets: str, ending: str, what: str, tmp_path: Path
) -> None:
    root = pairs(tmp_path, inputs, targets, ending)
    if inputs.startswith("train/"):
        pairs(tmp_path, inputs.replace("train", "val"), targets.replace("train", "val"), ending)
    if what == "masks":
        found = open_split(LabelOptions(data=root), 0)
        assert (found.task, found.classes) == ("segmentation", ("0", "1"))
    stated: dict[str, Any] = {"task": "classification"} if what == "masks" else {}
    with pytest.raises(DataError, match=rf"found {Path(inputs).name}/ beside .* 6 of 6 .*: {what} for each"):
        split(root, **stated)


@pytest.mark.parametrize("classes", [("mask", "no_mask"), ("cat", "dog"), ("label", "packet"), ("images", "photos"), ("x", "y")])
def test_folders_of_classes_stay_classes_though_their_files_have_the_same_names(classes: tuple[str, str], tmp_path: Path) -> None:
    for name in classes:
        for k in range(5):
            save_png(tmp_path / name / f"{k}.png", random_rgb(k + len(name)))
    assert split(tmp_path) == classes


def test_masks_are_not_measured_with_their_images_and_the_remedy_measures_the_foreground(tmp_path: Path) -> None:
    pairs(tmp_path, "images", "masks")
    with pytest.raises(DataError, match=r"images of one kind, found images/ beside masks/ .* --mask ") as raised:
        tare.measure(tmp_path)
    data, mask = str(raised.value).rpartition("tare measure ")[2].split(" --mask ")
    assert tare.measure(data).samples == tare.measure(data, mask=mask).samples == 6
    (tmp_path / "boxes").mkdir()
    pairs(tmp_path / "boxes", "images", "labels", ".txt")
    assert tare.measure(tmp_path / "boxes").samples == 6


@pytest.mark.parametrize("kind", ["other names", "deeper", "depth", "arrays", "some without"])
def test_masks_that_would_not_be_found_are_not_proposed_as_the_foreground(kind: str, tmp_path: Path) -> None:
    deeper = "/trimaps" if kind == "deeper" else ""
    pairs(tmp_path, "images", f"annotations{deeper}", "_P.png" if kind == "other names" else ".png", number=20)
    for k in range(20):
        image, mask = tmp_path / "images" / f"{k}.png", tmp_path / f"annotations{deeper}" / f"{k}.png"
        if kind == "depth":
            save_png(mask, random_rgb(k)[..., 0].astype(np.uint16) * 99)
        if kind == "arrays":
            np.save(image.with_suffix(".npy"), random_rgb(k))
            np.save(mask.with_suffix(".npy"), random_rgb(k) // 200)
            image.unlink()
            mask.unlink()
    if kind == "some without":
        (tmp_path / "annotations" / "7.png").unlink()
    with pytest.raises(
        DataError, match=r"images of one kind, found images/ beside annotations/ .*; measure .*images alone"
    ) as raised:
        tare.measure(tmp_path)
    assert "--mask" not in str(raised.value)
    assert tare.measure(str(raised.value).rpartition("tare measure ")[2]).samples == 20


def test_masks_of_several_endings_are_not_proposed_by_one(tmp_path: Path) -> None:
    pairs(tmp_path, ".", ".", "_mask.png")
    (tmp_path / "3_mask.png").rename(tmp_path / "3_seg.png")
    with pytest.raises(DataError, match=r"and so for 6 of 6 images: masks for each image; take the masks out$"):
        tare.measure(tmp_path)


def test_folders_of_training_and_testing_are_no_classes(tmp_path: Path) -> None:
    for part in ("Training", "Testing"):
        pairs(tmp_path / part, "cat", "dog")
    with pytest.raises(DataError, match=r"one folder per class, found Testing/ beside Training/ in .*parts of the data"):
        split(tmp_path)


def test_masks_in_one_folder_with_their_images_are_no_samples_and_no_images_of_a_class(tmp_path: Path) -> None:
    for name in ("benign", "normal"):
        pairs(tmp_path, name, name, "_mask.png")
    with pytest.raises(
        DataError, match=r"0_mask.png' beside .*0.png', and so for 12 of 12 images: masks for .* --mask=_mask.png"
    ):
        tare.measure(tmp_path)
    assert tare.measure(tmp_path, mask="_mask.png").samples == 12
    with pytest.raises(DataError, match=r"one folder per class, found .*0_mask.png' beside .*--task segmentation"):
        split(tmp_path)
    assert split(tmp_path, task="segmentation") == ("0", "1")


def test_a_stated_pattern_finds_classes_in_a_folder_of_masks(tmp_path: Path) -> None:
    for k in range(10):
        save_png(tmp_path / "images" / f"{'ab'[k % 2]}{k}.png", random_rgb(k))
        save_png(tmp_path / "masks" / f"{'ab'[k % 2]}{k}.png", random_rgb(k)[..., 0] // 200)
    assert split(tmp_path, label_pattern=r"images/([ab])") == ("a", "b")


@pytest.mark.parametrize(
    "labels",
    [
        ["cat;dog", "cat", "dog"],
        ["a|b", "c|d", "e"],
        ["cat,dog", "dog", "cat"],
        ["clear, haze", "haze", "water", "clear, water"],
        ["['cat', 'dog']", "['cat']"],
        ["[1, 0, 1]", "[0, 0, 1]"],
        ["cat dog", "cat", "dog"],
    ],
)
def test_lists_of_classes_are_a_multi_label_task(labels: list[str]) -> None:
    task, remark = found(labels * 4)
    assert task == "multi-label"
    assert "several labels in one text, such as" in remark


@pytest.mark.parametrize(
    "labels",
    [
        ["tench, Tinca tinca", "goldfish, Carassius auratus", "crane"],
        ["a;", "b"],
        ["[UNK]", "word"],
        ["1", "2", "3"],
        ["0.5", "1.0", "1.5"] * 9,
        [str(k) for k in range(100)] * 5,
        ["1e400", "inf", "nan"],
        ["images", "videos"],
        ["polar bear", "bear", "brown bear"],
        ["x", "y"],
    ],
)
def test_names_that_only_look_like_lists_or_numbers_are_classes(labels: list[str]) -> None:
    assert found(labels * 2) == ("classification", "")


@pytest.mark.parametrize("labels", [["3.292", "1.7", "2.25"], [f"{k}.5" for k in range(30)] * 9])
def test_broken_numbers_with_many_different_values_are_a_regression(labels: list[str]) -> None:
    task, remark = found(labels)
    assert task == "regression"
    assert remark.startswith(f"numbers with {len({*labels})} different values for {len(labels)} samples, such as")


def test_whole_numbers_that_hardly_recur_may_be_either_and_are_asked_for() -> None:
    labels = [str(k * 1000) for k in range(60)]
    with pytest.raises(DataError, match=r"whole numbers with 60 different values .*; state --task regression or --task class"):
        found(labels)
    for stated in ("regression", "classification"):
        assert task_found(stated, ("y",), [(label,) for label in labels], "x.csv") == (stated, "")


def test_several_columns_are_numbers_or_labels_or_refused() -> None:
    columns = ("a", "b")
    assert task_found(None, columns, [("0.5", "1"), ("2", "3")], "x.csv")[0] == "regression"
    assert task_found(None, columns, [("0", "1"), ("1", "1")], "x.csv")[0] == "multi-label"
    with pytest.raises(DataError, match=r"all numbers, or all 0 and 1, found 'cat' in one of a, b of 'x.csv'"):
        task_found(None, columns, [("cat", "1"), ("2", "3")], "x.csv")


def test_a_csv_with_lists_and_an_archive_with_measurements_are_opened_as_what_they_are(tmp_path: Path) -> None:
    for k in range(6):
        save_png(tmp_path / f"{k}.png", random_rgb(k))
    table = tmp_path / "multi.csv"
    table.write_text("path,label\n" + "".join(f'{k}.png,"{"cat,dog" if k % 2 else "cat"}"\n' for k in range(6)))
    many = open_split(LabelOptions(data=table), 0)
    assert (many.task, many.classes) == ("multi-label", ("cat", "dog"))
    assert {file.label for file in many.train} == {(1.0, 0.0), (1.0, 1.0)}
    x = np.random.default_rng(0).normal(size=(40, 3))
    np.savez(tmp_path / "x.npz", x=x, y=x[:, 0])
    numbers = open_split(LabelOptions(data=tmp_path / "x.npz"), 0, "vector")
    assert (numbers.task, numbers.classes, len(numbers.train), len(numbers.val)) == ("regression", ("y",), 32, 8)
    assert {file.label for file in (*numbers.train, *numbers.val)} == {(float(value),) for value in x[:, 0]}
    np.savez(tmp_path / "x.npz", x=x, y=(x > 0).astype(int))
    marks = open_split(LabelOptions(data=tmp_path / "x.npz"), 0, "vector")
    assert (marks.task, marks.classes) == ("multi-label", ("y0", "y1", "y2"))
