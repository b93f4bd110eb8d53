"""Labels are text: no two classes merge, missing ones are named, and what may be a slip is said."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from tare.datasets.options import LabelOptions
from tare.datasets.split import Split, open_split, read_split
from tare.errors import DataError
from tare.tasks.classification import natural
from tests.datasets.reading import opened
from tests.images import random_rgb

KINDS = (
    "01",
    "1",
    "007",
    "7",
    "1.0",
    "True",
    "true",
    "1e0",
    "+1",
    "0x1",
    "caf\u00e9",
    "CAF\u00c9",
    "nan",
    "NA",
    "null",
    "None",
    "\u0663",
)


def encoded(kind: str, seed: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(random_rgb(seed)).save(stream, kind)
    return stream.getvalue()


def table(path: Path, labels: list[str], *, sign: str = ",") -> Path:
    lines = [f"{index}.5{sign}{index % 3}{sign}{label}" for index, label in enumerate(labels)]
    path.write_text("\n".join([f"a{sign}b{sign}label", *lines]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_labels_of_a_table_are_its_texts(sign: str, tmp_path: Path) -> None:
    samples = opened(table(tmp_path / "a.csv", [*KINDS, *KINDS], sign=sign))
    assert samples.labels == (*KINDS, *KINDS)
    assert samples.channel_names == ("a", "b")


def split_of(path: Path) -> Split:
    return open_split(LabelOptions(data=path), 0, "vector")


def test_no_two_classes_merge_and_words_for_no_value_are_said(tmp_path: Path) -> None:
    split = split_of(table(tmp_path / "a.csv", [*KINDS] * 5))
    assert set(split.classes) == {*KINDS}
    assert len(split.classes) == len(KINDS)
    said = " ".join(split.remarks)
    assert "labels are text, so 'NA', 'None', 'nan', 'null' is a class" in said
    assert "'True', 'true'" in said


def test_the_order_of_classes_does_not_depend_on_the_run() -> None:
    orders = {tuple(sorted(KINDS[at:] + KINDS[:at], key=natural)) for at in range(len(KINDS))}
    assert len(orders) == 1
    assert sorted(["10", "9", "b", "a", "1"], key=natural) == ["1", "9", "10", "a", "b"]  # as it always was
    assert sorted(["9" * 5000, "1"], key=natural) == ["1", "9" * 5000]


@pytest.mark.parametrize("empty", ["", "   ", '""'])
def test_a_missing_label_is_named_and_no_class(empty: str, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", ["x", "y", empty, "x", "y", empty])
    with pytest.raises(DataError, match=r"a label for every sample, found 2 of 6 samples without one in .*, the first at \[2\]"):
        opened(path)


@pytest.mark.parametrize(("one", "other"), [("cat", "cat "), ("caf\u00e9", "cafe\u0301")])
def test_classes_that_look_the_same_are_refused(one: str, other: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="classes whose names differ by more than blanks or composed letters"):
        opened(table(tmp_path / "a.csv", [one, other, one, other]))
    for label in (one, other):
        (tmp_path / "photos" / label.strip()).mkdir(parents=True, exist_ok=True)
        for index in range(3):
            (tmp_path / "photos" / label.strip() / f"{index}.png").write_bytes(encoded("PNG", seed=index))
    if one != other.strip():
        with pytest.raises(DataError, match="composed letters"):
            read_split(tmp_path / "photos", 0)
    else:
        listed = tmp_path / "list.csv"
        listed.write_text("".join(["path,label\n", *(f"photos/cat/{k % 3}.png,{(one, other)[k % 2]}\n" for k in range(8))]))
        with pytest.raises(DataError, match="classes whose names differ by more than blanks"):
            open_split(LabelOptions(data=listed), 0)


def test_folders_that_differ_by_case_are_said(tmp_path: Path) -> None:
    for label in ("Cat", "cat"):
        (tmp_path / label).mkdir()
        for index in range(3):
            (tmp_path / label / f"{index}.png").write_bytes(encoded("PNG", seed=index))
    split = read_split(tmp_path, 0)
    assert split.classes == ("Cat", "cat")
    assert any("differ by their case alone are kept apart: 'Cat', 'cat'" in remark for remark in split.remarks)


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (pl.Series([1, 2, 1, 2]), ("1", "2", "1", "2")),
        (pl.Series([1.0, 1.5, 1.0, 1.5]), ("1.0", "1.5", "1.0", "1.5")),
        (pl.Series([True, False, True, False]), ("true", "false", "true", "false")),
        (pl.Series(["01", "1", "01", "1"], dtype=pl.Categorical), ("01", "1", "01", "1")),
        (pl.Series([2**60, 2**60 + 1] * 2), (str(2**60), str(2**60 + 1)) * 2),
        (pl.Series([1, None, 1, 2]), None),
        (pl.Series([1.0, float("nan"), 1.0, 2.0]), None),
        (pl.Series([None, "a", "b", "a"]), None),
    ],
)
def test_labels_of_typed_columns(column: pl.Series, texts: tuple[str, ...] | None, tmp_path: Path) -> None:
    pl.DataFrame({"a": [0.1, 0.2, 0.3, 0.4], "label": column}).write_parquet(tmp_path / "a.parquet")
    if texts is None:
        with pytest.raises(DataError, match="1 of 4 samples without one"):
            opened(tmp_path / "a.parquet")
    else:
        assert opened(tmp_path / "a.parquet").labels == texts


@pytest.mark.parametrize("label", [float("nan"), None, -1, 2])
def test_a_missing_label_beside_images_is_no_class(label: float | None, tmp_path: Path) -> None:
    data = [{"bytes": encoded("PNG", seed=index), "path": f"{index}.png"} for index in range(4)]
    whole = pa.table(
        {"image": data, "label": pa.array([0, 1, 0, label], pa.float64() if isinstance(label, float) else pa.int64())}
    )
    named = {b"huggingface": b'{"info": {"features": {"label": {"names": ["a", "b"]}}}}'}
    parquet.write_table(whole.replace_schema_metadata(named), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="1 of 4 samples without one"):
        opened(tmp_path / "a.parquet")


def test_a_missing_label_of_an_archive_is_no_class(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((4, 3)), y=np.array([0, 1, np.nan, 1]))
    with pytest.raises(DataError, match=r"NaN or infinity in 'y' .* the first at \[2\]"):
        opened(tmp_path / "a.npz")


def test_numbers_of_regression_are_parsed_and_words_of_programs_are_not(tmp_path: Path) -> None:
    options = LabelOptions(data=table(tmp_path / "a.csv", ["1", "01", "1.0", "2e0"] * 3), task="regression")
    split = open_split(options, 0, "vector")
    assert {file.label for file in (*split.train, *split.val)} == {(1.0,), (2.0,)}
    options = LabelOptions(data=table(tmp_path / "b.csv", ["1", "1_000", "2", "3"] * 3), task="regression")
    with pytest.raises(DataError, match="3 of 12 samples"):
        open_split(options, 0, "vector")


def test_classes_of_one_number_written_in_two_ways_are_told() -> None:
    from tare.datasets.samples import twin_remarks

    (told,) = twin_remarks(["1", "1.0", "2", "01", "cat", "1e3", "10"])
    assert told == "classes whose names are one number written in several ways are kept apart: '01', '1', '1.0'"
    assert twin_remarks(["1", "2", "x1", "1_0", "10", ""]) == ()
