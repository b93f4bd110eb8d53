from __future__ import annotations

from pathlib import Path

import pytest

from tare.errors import DataError
from tare.sources.tables.label_columns import check_label, label_columns, named_columns


def test_a_label_is_a_usual_name_a_given_one_or_a_number() -> None:
    columns = ("acid", "label", "sugar")
    assert label_columns(columns, None) == ("label",)
    assert label_columns(columns, "sugar") == ("sugar",)
    assert label_columns(columns, "2,acid") == ("sugar", "acid")
    assert label_columns(("acid",), None) == ()
    assert named_columns(columns, "other") == ("other",)


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


def test_a_column_named_twice_is_refused() -> None:
    with pytest.raises(DataError, match="each column of labels once, found 'y,y'"):
        label_columns(["a", "y"], "y,y")
