from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tare.datasets.held_out.opening import HeldOut, open_test
from tare.datasets.options import LabelOptions
from tare.datasets.split import open_split
from tare.errors import DataError
from tare.input_spec.geometry import SampleKind
from tests.datasets.test_masks import scene, scenes
from tests.images import save_png
from tests.labelled_images import dark_and_light


def opened(data: Any, test: Any, kind: SampleKind = "image", **options: Any) -> HeldOut:
    labelled = LabelOptions(data=data, **options)
    return open_test(test, labelled, open_split(labelled, 0, kind))


def test_the_folders_of_a_test_are_the_classes_of_training_in_its_order(tmp_path: Path) -> None:
    data = dark_and_light(tmp_path / "data")
    save_png(tmp_path / "test" / "light" / "a.png", np.full((4, 5, 3), 200, np.uint8))
    found = opened(data, tmp_path / "test")
    assert [(Path(file.path).name, file.label) for file in found.files] == [("a.png", 1)]
    assert found.absent == ("dark",)
    save_png(tmp_path / "test" / "blue" / "b.png", np.zeros((4, 5, 3), np.uint8))
    with pytest.raises(DataError, match=r"the classes of '.*test' among those of the training split, found 'blue' only there"):
        opened(data, tmp_path / "test")


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_without_a_sample_and_one_that_is_not_there_are_refused(there: bool, tmp_path: Path) -> None:
    data = dark_and_light(tmp_path / "data")
    if there:
        (tmp_path / "test").mkdir()
    with pytest.raises(DataError, match="at least one image to test on" if there else "does not exist"):
        opened(data, tmp_path / "test")


def test_an_archive_holds_its_test_beside_the_training_arrays(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    arrays: dict[str, Any] = {
        f"{part}_images": generator.integers(0, 255, (count, 6, 6), np.uint8)
        for part, count in (("train", 8), ("val", 4), ("test", 3))
    }
    labels: dict[str, Any] = {"train_labels": np.arange(8) % 2, "val_labels": np.arange(4) % 2}
    labels["test_labels"] = np.array([1, 1, 0])
    np.savez(tmp_path / "x.npz", **arrays, **labels)
    found = opened(tmp_path / "x.npz", tmp_path / "x.npz")
    assert [file.label for file in found.files] == [1, 1, 0]
    values = found.files[2].read("stored")
    assert isinstance(values, np.ndarray)
    assert (values[..., 0] == arrays["test_images"][2]).all()
    np.savez(tmp_path / "y.npz", train_images=arrays["train_images"], train_labels=labels["train_labels"])
    with pytest.raises(DataError, match=r"test samples and their labels, found the arrays train_images, train_labels"):
        opened(tmp_path / "x.npz", tmp_path / "y.npz")


def test_labels_of_lists_and_columns_are_put_in_the_order_of_training(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "d", "e"):
        save_png(tmp_path / f"{name}.png", np.full((4, 4, 3), ord(name), np.uint8))
    (tmp_path / "train.csv").write_text("path,tags\na.png,cat;dog\nb.png,owl\nc.png,dog\nd.png,cat\n")
    (tmp_path / "test.csv").write_text("path,tags\ne.png,owl;dog\nd.png,-\n")
    found = opened(tmp_path / "train.csv", tmp_path / "test.csv", label="tags")
    assert [file.label for file in found.files] == [(0.0, 1.0, 1.0), (0.0, 0.0, 0.0)]
    (tmp_path / "train.csv").write_text("path,cat,dog\na.png,1,1\nb.png,0,1\nc.png,0,0\nd.png,1,0\n")
    (tmp_path / "test.csv").write_text("path,dog,cat\ne.png,1,0\n")
    assert opened(tmp_path / "train.csv", tmp_path / "test.csv", label="cat,dog").files[0].label == (0.0, 1.0)
    (tmp_path / "test.csv").write_text("path,cow,cat\ne.png,1,0\n")
    with pytest.raises(DataError, match=r"cow|dog"):
        opened(tmp_path / "train.csv", tmp_path / "test.csv", label="cat,dog")


def test_the_columns_of_a_table_must_be_those_of_training(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("a,b,price\n" + "".join(f"{k}.5,{k},{k}.25\n" for k in range(9)))
    (tmp_path / "test.csv").write_text("a,b,price\n0.1,0.2,0.3\n")
    found = opened(tmp_path / "train.csv", tmp_path / "test.csv", "vector", label="price")
    assert found.files[0].label == (0.3,)
    (tmp_path / "test.csv").write_text("b,a,price\n0.1,0.2,0.3\n")
    with pytest.raises(DataError, match=r"the columns of the training rows: a, b, found b, a"):
        opened(tmp_path / "train.csv", tmp_path / "test.csv", "vector", label="price")


def test_masks_of_a_test_have_the_values_of_training(tmp_path: Path) -> None:
    data = scenes(tmp_path / "data")
    scene(tmp_path / "test", "0", 77)
    found = opened(data, tmp_path / "test", ignore=255)
    indices = found.files[0].label.read()  # type: ignore[union-attr]
    assert {*np.unique(indices).tolist()} == {0, 1, 255}
    save_png(tmp_path / "test" / "masks" / "0.png", np.full((20, 30), 3, np.uint8))
    with pytest.raises(DataError, match=r"masks with the values of the training split, \[0, 200, 255\], found \[3\]"):
        opened(data, tmp_path / "test", ignore=255)
