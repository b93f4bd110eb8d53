"""The CSV of predictions, read back by three readers."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tare.predicting.result import Prediction
from tare.reporting.predictions import Tabled, write_predictions
from tare.tasks.classification import Classification

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12)


def written(paths: list[str], label: str, *, spreadsheet: bool = False) -> bytes:
    from tempfile import TemporaryDirectory

    answers = [Prediction(path, ((label, 0.5),)) for path in paths]
    with TemporaryDirectory() as folder:
        table = Tabled(Classification((label, "other")), 1, spreadsheet)
        write_predictions(answers, Path(folder, "x.csv"), "csv", "run", table, lambda _: None)
        return Path(folder, "x.csv").read_bytes()


@given(st.lists(NAMES, min_size=1, max_size=3), NAMES)
@example(["zz\rgood.png", 'a"b,c', "a\nb", " a ", "::error::x", "=1+1", "\u2028", "\x85\x1c\x0b\x0c", "\ufeff"], "x\r\ny")
def test_every_reader_gets_the_names_back(paths: list[str], label: str) -> None:
    data = written(paths, label)
    rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
    assert [(row[0], row[1]) for row in rows[1:]] == [(path, label) for path in paths]
    frame = polars.read_csv(io.BytesIO(data), infer_schema=False)
    assert frame["path"].to_list() == paths
    assert frame["label"].to_list() == [label] * len(paths)
    pandas = pytest.importorskip("pandas")
    table = pandas.read_csv(io.BytesIO(data), dtype=str, keep_default_na=False)
    assert table["path"].tolist() == paths
    assert table["label"].tolist() == [label] * len(paths)


@given(NAMES)
def test_no_line_begins_as_a_command_of_a_server(path: str) -> None:
    assert not any(line.startswith(("::", "##")) for line in written([f"::{path}", f"##{path}"], "x").decode().split("\n"))


@pytest.mark.parametrize("name", ["=1+1", "+a", "-a", "@a", "\ta", "\ra", "\uff1d1"])
def test_for_a_spreadsheet_no_text_begins_as_a_formula(name: str) -> None:
    rows = list(csv.reader(io.StringIO(written([name], name, spreadsheet=True).decode(), newline="")))
    assert rows[1][:3] == [f"'{name}", f"'{name}", "0.500000"]


def test_for_a_spreadsheet_numbers_stay_numbers() -> None:
    rows = list(csv.reader(io.StringIO(written(["-1.5"], "+2", spreadsheet=True).decode(), newline="")))
    assert rows[1][:2] == ["-1.5", "+2"]
