from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tare.datasets.files import LabelledFile, LabelledItem
from tare.datasets.held_out.overlap import check_disjoint, copies
from tare.datasets.samples import InMemory, LabelledSamples
from tare.errors import DataError
from tare.input_spec.geometry import SampleKind


def photos(folder: Path, seeds: range, suffix: str = ".png") -> list[LabelledFile]:
    folder.mkdir(exist_ok=True)
    for seed in seeds:
        pixels = np.random.default_rng(seed).integers(0, 256, (9, 8, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{seed}{suffix}")
    return [LabelledFile(str(folder / f"{seed}{suffix}"), 0) for seed in seeds]


def check(known: list[LabelledFile], test: list[LabelledFile], kind: SampleKind = "image") -> tuple[str, ...]:
    return check_disjoint(known, test, kind, "stored", 2, lambda _: None)


def rows(values: list[list[float]]) -> list[LabelledFile]:
    samples = LabelledSamples("x", "vector", ("a",) * len(values), InMemory(np.array(values)))
    return [LabelledItem(f"x[{index}]", 0, samples, index) for index in range(len(values))]


def test_images_are_the_same_by_their_pixels_whatever_their_names_and_formats(tmp_path: Path) -> None:
    known = photos(tmp_path / "a", range(4))
    assert check(known, photos(tmp_path / "b", range(4, 8))) == ()
    with pytest.raises(DataError, match=r"found 2 of 4 with the same content: '.*b/2.tiff' is '.*a/2.png', .*; take them out"):
        check(known, photos(tmp_path / "b", range(2, 6), ".tiff"))


def test_copies_in_training_and_validation_are_told(tmp_path: Path) -> None:
    train, val = photos(tmp_path / "a", range(4)), photos(tmp_path / "b", range(4, 8))
    assert copies(train, val, "image") == ()
    shutil.copy(train[0].path, val[2].path)
    (remark,) = copies([*train, LabelledFile(str(tmp_path / "gone"), 0)], val, "image")
    assert "1 of 4 validation images are copies of training images, the first" in remark
    assert f"{val[2].path!r} of {train[0].path!r}: figures of validation are too good" in remark


def test_only_the_first_of_many_copies_are_named(tmp_path: Path) -> None:
    known = photos(tmp_path / "a", range(9))
    with pytest.raises(DataError) as error:
        check(known, photos(tmp_path / "b", range(9)))
    assert str(error.value).count(" is '") == 5
    assert "..." in str(error.value)


def test_the_shape_counts_and_blank_images_are_no_copies(tmp_path: Path) -> None:
    folder = tmp_path
    line = np.arange(12, dtype=np.uint8)
    for name, pixels in {"a": line.reshape(3, 4), "b": line.reshape(4, 3), "c": line[:9].reshape(3, 3) * 0}.items():
        Image.fromarray(pixels).save(folder / f"{name}.png")
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(folder / "d.png")
    files = {name: LabelledFile(str(folder / f"{name}.png"), 0) for name in "abcd"}
    assert check([files["a"], files["c"]], [files["b"], files["d"]]) == ()


def test_some_rows_may_repeat_but_not_all() -> None:
    known, test = rows([[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]]), rows([[3.0, 4.0], [5.0, 6.0]])
    assert check(known, test, "vector") == (
        "1 of 2 test rows equal rows of training or validation, as repeated measurements may",
    )
    with pytest.raises(DataError, match=r"test rows that are neither in training nor in validation, found 1 of 1"):
        check(known, test[:1], "vector")
