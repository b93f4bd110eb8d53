from __future__ import annotations

import pytest

from tare.errors import DataError
from tare.sources.tables.label_columns import label_columns, named_columns


def test_a_label_is_a_usual_name_a_given_one_or_a_number() -> None:
    columns = ("acid", "label", "sugar")
    assert label_columns(columns, None) == ("label",)
    assert label_columns(columns, "sugar") == ("sugar",)
    assert label_columns(columns, "2,acid") == ("sugar", "acid")
    assert label_columns(("acid",), None) == ()
    assert named_columns(columns, "other") == ("other",)


def test_a_column_named_twice_is_refused() -> None:
    with pytest.raises(DataError, match="each column of labels once, found 'y,y'"):
        label_columns(["a", "y"], "y,y")
