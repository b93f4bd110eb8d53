from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tare.errors import DataError
from tare.studying.analysis.scores import check_table_columns, read_results, scores_of

ROWS: list[dict[str, Any]] = [
    {"strategy": "source", "seed": 0, "n": 10, "acc": 0.5},
    {"strategy": "target", "seed": 0, "n": 10, "acc": 0.75},
    {"strategy": "target", "seed": 1, "n": 10, "acc": 0.7},
    {"strategy": "source", "seed": 0, "n": 20, "acc": None},
]


def test_rows_become_pairs_within_groups_and_missing_scores_are_counted() -> None:
    scores = scores_of(ROWS, strategy="strategy", score="acc", pair=["seed"], group=["n"])
    assert scores.differences((("n", "10"),), "target", "source") == {("0",): 0.25}
    assert (scores.strategies, scores.missing, scores.largest) == (("source", "target"), 1, 0.75)


def test_a_score_that_is_infinite_is_refused() -> None:
    rows = [{**ROWS[0], "acc": float("inf")}]
    with pytest.raises(DataError, match="a finite number in 'acc', found inf in row 1"):
        scores_of(rows, strategy="strategy", score="acc", pair=["seed"])


def test_two_rows_for_one_cell_are_refused_with_the_cell() -> None:
    with pytest.raises(DataError, match="one row per strategy and pair, found two rows for target at n 10; name the columns"):
        scores_of(ROWS, strategy="strategy", score="acc", pair=["n"])


def test_text_for_a_score_and_a_table_without_scores_are_refused() -> None:
    with pytest.raises(DataError, match=r"a number in 'acc', found 'high' in row 1"):
        scores_of([{"strategy": "a", "acc": "high"}], strategy="strategy", score="acc", pair=[])
    with pytest.raises(DataError, match="at least one score, found 1 rows without a score"):
        scores_of([{"strategy": "a", "acc": float("nan")}], strategy="strategy", score="acc", pair=[])


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "json"])
def test_tables_of_every_kind_are_read(tmp_path: Path, suffix: str) -> None:
    path, table = tmp_path / f"results.{suffix}", pl.DataFrame({"s": ["a", "b"], "x": [0.5, 1.0]})
    if suffix == "parquet":
        table.write_parquet(path)
    elif suffix == "json":
        table.write_json(path)
    else:
        table.write_csv(path, separator="\t" if suffix == "tsv" else ",")
    assert read_results(path) == [{"s": "a", "x": 0.5}, {"s": "b", "x": 1.0}]


@pytest.mark.parametrize("score", ["1_0", "high", True, [0.5]])
def test_what_is_no_number_is_no_score(score: Any) -> None:
    with pytest.raises(DataError, match=r"a number in 'acc', found .* in row 1"):
        scores_of([{"strategy": "a", "acc": score}], strategy="strategy", score="acc", pair=[])


@pytest.mark.parametrize("column", ["strategy", "seed"])
@pytest.mark.parametrize("nothing", [None, ""])
def test_a_score_that_does_not_say_what_it_is_of_is_refused(column: str, nothing: str | None) -> None:
    """Two rows without a seed were a pair."""
    row: dict[str, Any] = {"strategy": "a", "seed": 1, "acc": 0.5}
    with pytest.raises(DataError, match=f"a value in '{column}', found none in row 2"):
        scores_of([row, {**row, column: nothing}], strategy="strategy", score="acc", pair=["seed"])


def test_a_table_of_another_country_is_read_as_measure_reads_it(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("s;seed;x\na;1;0,5\nb;1;1\n")
    assert read_results(tmp_path / "a.csv") == [{"s": "a", "seed": 1, "x": 0.5}, {"s": "b", "seed": 1, "x": 1.0}]


@pytest.mark.parametrize(
    ("known", "expected"),
    [((0.5, 0.7), (0, 0)), ((50, 70), (0, 0)), ((0.5, 70), (1, 1)), ((0.5, 700), (0, 0)), ((0, 70), (0, 0))],
)
def test_shares_beside_percent_are_counted(known: tuple[float, float], expected: tuple[int, int]) -> None:
    rows = [{"strategy": name, "acc": value} for name, value in zip("ab", known, strict=True)]
    assert scores_of(rows, strategy="strategy", score="acc", pair=[]).shares_beside_percent == expected


def test_a_damaged_or_absent_table_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"nonsense")
    for name in ("a.parquet", "none.csv"):
        with pytest.raises(DataError, match=r"^expected a readable table of results, found .*; check the file$"):
            read_results(tmp_path / name)


def test_a_column_that_is_not_there_is_named_with_its_neighbours() -> None:
    with pytest.raises(DataError, match="a column 'accuracy', found the columns strategy, seed, n, acc; did you mean acc"):
        check_table_columns(ROWS, ["accuracy"])
    with pytest.raises(DataError, match="a table with rows, found none"):
        check_table_columns([], ["a"])
