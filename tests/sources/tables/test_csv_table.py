"""Tables of comma-separated values that are not what they seem."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tare
from tare.errors import DataError
from tare.sources.tables import csv_table
from tare.sources.tables.csv_table import check_label
from tare.system.engines import loops


def test_a_quote_that_is_left_open_is_refused_and_swallows_no_lines(tmp_path: Path) -> None:
    (tmp_path / "open.csv").write_text('a,b\n1,"2\n' + "3,4\n" * 100)
    with pytest.raises(DataError, match=r"quotes that close, found an open one in .*open\.csv"):
        tare.measure(tmp_path / "open.csv")
    (tmp_path / "closed.csv").write_text('a,b\n1,"2"\n' + "3,4\n" * 100)
    assert tare.measure(tmp_path / "closed.csv").samples == 101


@pytest.mark.parametrize("text", ["# made by hand\n# a,b\n1,2\n3,4\n", "# made by hand\n"])
def test_a_comment_in_front_is_the_reason(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match="begins with a comment, '# made by hand'; remove the lines that begin with #"):
        tare.measure(tmp_path / "a.csv")


def test_a_quote_sign_within_a_cell_stands_for_itself(tmp_path: Path) -> None:
    (tmp_path / "nails.csv").write_text('name,v\n5" nail,3\n6" nail,4\nbolt,10\n7" nail,20\n')
    stats = tare.measure(tmp_path / "nails.csv")
    assert stats.samples == 4
    assert stats.mean == (9.25,)


plain = st.text("ab 5'\"", max_size=4).filter(lambda cell: not cell.startswith('"'))
quoted = st.text('ab,;\n"5', max_size=5).map(lambda cell: '"' + cell.replace('"', '""') + '"')
number = st.integers(-99, 99).map(str)


@pytest.mark.parametrize("least", [0, 1 << 62], ids=["compiled", "plain"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(plain | quoted, number | number.map('"{}"'.format), plain | quoted), min_size=1, max_size=8),
    cut=st.integers(4, 40),
)
def test_the_rows_are_those_of_pythons_csv(
    rows: list[tuple[str, str, str]], cut: int, least: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("rows") / "a.csv"
    text = "x,v,y\n" + "".join(",".join(row) + "\n" for row in rows)
    file.write_text(text)
    expected = [float(row[1]) for row in [*csv.reader(io.StringIO(text, newline=""))][1:]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loops, "_WORTH", least)
        patch.setattr(csv_table, "_BLOCK", cut)
        stats = tare.measure(file, columns=("v",), workers=1)
    assert stats.samples == len(expected)
    assert stats.mean[0] == pytest.approx(sum(expected) / len(expected), abs=1e-12)


def test_a_table_without_names_says_that_its_first_row_is_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,2,5\n3,4,6\n")
    with pytest.raises(DataError, match=r"'quality' for --label, and a table without a header.*for example --label 2 "):
        check_label(str(tmp_path / "a.csv"), "quality")
    check_label(str(tmp_path / "a.csv"), "2")


def test_a_missing_column_is_told_from_the_first_lines(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("acid, sugar\n1,2\n")
    with pytest.raises(DataError, match=r"one of the columns acid, sugar, found 'salt' for --label"):
        check_label(str(tmp_path / "a.csv"), "salt")
    check_label(str(tmp_path / "a.csv"), "sugar")
    check_label(str(tmp_path / "photos"), "salt")
