"""Numbers of a CSV: what is read, what is said, and what is refused, the same when measuring and when training."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from benchmarks.hostile.bad_values import Values, tables
from pyarrow import parquet

import tare
from tare.datasets.tables import load_table
from tare.errors import DataError
from tare.sources.tables.number_words import number_of, style_of


@pytest.mark.parametrize("name", tables())
def test_a_table_is_right_or_refused_and_training_reads_what_is_measured(name: str, tmp_path: Path) -> None:
    each: Values = tables()[name]
    path = tmp_path / name
    each.write(path)
    if each.means is None:
        with pytest.raises(DataError) as raised:
            tare.measure(path)
        assert "\n" not in str(raised.value)
        return
    stats = tare.measure(path)
    assert stats.mean == pytest.approx(each.means)
    said = " ".join((*stats.extra.get("remarks", ()), *(f"{skipped.path} {skipped.reason}" for skipped in stats.skipped)))
    assert each.said in said
    if path.suffix in (".csv", ".tsv"):
        table = load_table(str(path))
        assert [table[channel.name].mean() for channel in stats.channels] == pytest.approx(each.means)


@pytest.mark.parametrize(
    ("cells", "style"),
    [
        (["1.5", "2", "NA", ""], "plain"),
        (["1,5", "2"], "decimal comma"),
        (["1,234", "2,5"], "decimal comma"),
        (["1,234,567", "2"], "thousands comma"),
        (["1,234.5", "2,345.25"], "thousands comma"),
        (["a", "1"], None),
        (["1,2,3", "4"], None),
        (["1_000"], None),
    ],
)
def test_a_column_is_decided_from_all_its_cells(cells: list[str], style: str | None) -> None:
    assert style_of(cells, "a", "x.csv") == style


@pytest.mark.parametrize("cells", [["1,234"], ["1,234", "5"], ["1.234,5"], ["1,5", "2.5"], ["1,234.5", "1,5"]])
def test_what_may_be_two_numbers_is_refused(cells: list[str]) -> None:
    with pytest.raises(DataError, match="numbers that can be read in one way"):
        style_of(cells, "a", "x.csv")


def test_whole_numbers_beyond_a_double_are_no_numbers() -> None:
    assert number_of(str(2**53)) == 2.0**53
    assert number_of(str(2**60)) == 2.0**60  # a double holds this one
    assert number_of(str(2**60 + 1)) is None
    assert number_of("9" * 5000) is None
    assert number_of("1e300") == 1e300


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_cells_are_split_by_the_sign_that_all_lines_share(sign: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"a{sign}b\n1.5{sign}2\n3{sign}4\n")
    np.testing.assert_allclose(tare.measure(tmp_path / "a.csv").mean, [2.25, 3])


def test_whole_numbers_of_a_column_are_exact_or_refused(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"a": [2**53, 2**53 - 1, None]}), tmp_path / "a.parquet")
    assert tare.measure(tmp_path / "a.parquet", exclude_nan=True).channels[0].max == 2.0**53
    parquet.write_table(pa.table({"a": [2**53 + 1, 1]}), tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"whole numbers up to 2\*\*53, .*, found 9007199254740993 in column 'a'"):
        tare.measure(tmp_path / "b.parquet")
    decimals = pa.array([Decimal(2**53 + 1), Decimal(1)], pa.decimal128(38, 0))
    parquet.write_table(pa.table({"a": decimals}), tmp_path / "c.parquet")
    with pytest.raises(DataError, match=r"whole numbers up to 2\*\*53, .*, found 9007199254740993 in column 'a'"):
        tare.measure(tmp_path / "c.parquet")
    parquet.write_table(
        pa.table({"a": pa.array([Decimal("0.25"), Decimal("0.75")], pa.decimal128(9, 2))}), tmp_path / "d.parquet"
    )
    assert tare.measure(tmp_path / "d.parquet").channels[0].mean == 0.5
