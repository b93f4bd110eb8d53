from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import tare
from tare.datasets.tables import load_table
from tare.errors import DataError
from tare.sources.tables.csv_table import read_head
from tests.datasets.reading import opened, value


@pytest.mark.parametrize("kind", ["csv", "tsv", "semicolons", "parquet"])
def test_a_table_learns_its_label_column_from_the_others(tmp_path: Path, kind: str) -> None:
    table = pl.DataFrame({"acid": [0.1, 0.2, 0.3], "label": ["red", "white", "red"], "sugar": [1, 2, None]})
    path = tmp_path / {"tsv": "a.tsv", "parquet": "a.parquet"}.get(kind, "a.csv")
    if kind == "parquet":
        table.write_parquet(path)
    else:
        table.write_csv(path, separator={"tsv": "\t", "semicolons": ";"}.get(kind, ","))
    samples = opened(path)
    assert (samples.kind, samples.labels, samples.channel_names) == ("vector", ("red", "white", "red"), ("acid", "sugar"))
    np.testing.assert_array_equal(value(samples, 1), [0.2, 2.0])
    assert np.isnan(value(samples, 2)[1])


@pytest.mark.parametrize("kind", ["Int64", "UInt64"])
def test_whole_numbers_that_no_double_holds_are_refused_as_in_measuring(tmp_path: Path, kind: str) -> None:
    names = pl.Series("name", [2**60 + k for k in range(4)], getattr(pl, kind))
    pl.DataFrame({"name": names, "acid": [0.1, 0.2, 0.3, 0.4], "label": ["a", "b"] * 2}).write_parquet(tmp_path / "a.parquet")
    said = r"whole numbers up to 2\*\*53, which a double holds exactly, found \d+ in column 'name' .*; leave the column out"
    for read in (opened, tare.measure):
        with pytest.raises(DataError, match=said):
            read(tmp_path / "a.parquet")


def test_an_input_that_is_called_as_labels_are_is_told(tmp_path: Path) -> None:
    table = pl.DataFrame({"label": ["a", "b"] * 3, "y": range(6), "Target": [0, 1] * 3, "acid": range(6)})
    table.write_csv(tmp_path / "a.csv")
    (told,) = [each for each in opened(tmp_path / "a.csv").remarks if "usual name" in each]
    assert told == "a column with a usual name of labels among the inputs: 'Target'; drop what tells the label"
    table.drop("Target").write_csv(tmp_path / "b.csv")
    assert not any("usual name" in each for each in opened(tmp_path / "b.csv").remarks)


def test_columns_that_are_left_out_are_called_what_they_are(tmp_path: Path) -> None:
    table = {"pose": [[1.0, 2.0], [3.0, 4.0]], "acid": [0.1, 0.2], "colour": pl.Series(["red", "white"], dtype=pl.Categorical)}
    pl.DataFrame({**table, "label": ["a", "b"]}).write_parquet(tmp_path / "a.parquet")
    left_out = ("left out 'pose': a column of List(Float64)", "left out 'colour': a column of text, for example 'red'")
    assert opened(tmp_path / "a.parquet").remarks == left_out


def test_a_table_without_header_has_its_label_by_number(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,0.5,0.25\n2,0.75,1\n")
    samples = opened(tmp_path / "a.csv", label="0")
    assert samples.labels == ("1", "2")
    np.testing.assert_array_equal(value(samples, 1), [0.75, 1.0])


def test_a_column_of_text_and_a_column_that_is_not_there_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("label,size,colour\n1,2,red\n")
    samples = opened(tmp_path / "a.csv")
    assert samples.channel_names == ("size",)
    assert samples.remarks == ("left out 'colour': a column of text, for example 'red'",)
    (tmp_path / "b.csv").write_text("label,colour\n1,red\n")
    with pytest.raises(DataError, match=r"columns of numbers, found text in 'colour' .*; choose others with --columns"):
        opened(tmp_path / "b.csv")
    with pytest.raises(DataError, match=r"one of the columns label, size, colour, found 'age' for --label"):
        opened(tmp_path / "a.csv", label="age")


def test_a_damaged_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d.parquet").write_bytes(b"PAR1 nonsense")
    with pytest.raises(DataError, match="a readable table, found"):
        opened(tmp_path / "d.parquet")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("acid,sugar,label\n1,2,red\n3,4,white\n", ("acid", "sugar", "label")),
        ("1,2,red\n3,4,white\n5,6,red\n", ("c0", "c1", "c2")),
        ("1,2,7\n3,4,8\n", ("c0", "c1", "c2")),
        ("1990,1991,country\n3,4,fr\n5,6,de\n", ("1990", "1991", "country")),
        ("acid;sugar;label\n1;2;3\n", ("acid", "sugar", "label")),
    ],
)
def test_whether_a_table_has_a_header_is_decided_once_for_all_commands(tmp_path: Path, text: str, names: tuple[str, ...]) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    assert read_head(str(path)).names == tuple(load_table(str(path)).columns) == names
    label = "2" if names[0] in ("c0", "1990") else names[2]
    samples = opened(path, label=label)
    assert samples.channel_names == names[:2]
    assert len(samples) == tare.measure(path, columns=names[0]).samples
    assert samples.labels == tuple(line.replace(";", ",").split(",")[2] for line in text.splitlines())[-len(samples) :]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_break_in_a_quoted_name_is_part_of_the_name(tmp_path: Path, mark: str, end: str) -> None:
    rows = ("0.1,0.2,0.3,yes", '0.4,0.5,0.6,"n\no"', "0.7,0.8,0.9,yes")
    text = end.join((f'{mark}a<b>,"b\nc","d""",y', *rows, ""))
    (tmp_path / "t.csv").write_bytes(text.encode())
    samples = opened(tmp_path / "t.csv", label="y")
    assert (samples.channel_names, samples.labels) == (("a<b>", "b\nc", 'd"'), ("yes", "n\no", "yes"))
    np.testing.assert_array_equal(value(samples, 2), [0.7, 0.8, 0.9])
    assert [channel.name for channel in tare.measure(tmp_path / "t.csv", columns=["a<b>", "b\nc"]).channels] == ["a<b>", "b\nc"]
