"""The same data in every format and by every way, a short seeded run of the differential fuzzer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fuzz.differential import Tally, compare, table
from fuzz.formats import FAMILIES, Family, Format


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_format_and_way_gives_the_same_bits(family: Family) -> None:
    tally = Tally()
    compare(replace(family, dtypes=family.dtypes[:1]), 7, tally)
    assert tally.faults == []
    assert tally.read[family.name] > 3


@pytest.mark.long
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_so_do_all_types(family: Family) -> None:
    tally = Tally()
    compare(family, 8, tally)
    assert tally.faults == []


def test_a_format_that_gives_other_values_is_found() -> None:
    wrong = Format("wrong", lambda _, values: values + np.uint8(1), options={"layout": "NHWC"})
    right = Format("right", lambda _, values: values, options={"layout": "NHWC"})
    family = Family("bytes", ("uint8",), lambda g, d: g.integers(0, 200, (3, 4, 5, 1)).astype(d), (right, wrong))
    tally = Tally()
    compare(family, 0, tally)
    assert len(tally.faults) == 3
    assert "wrong, stream: 0.channels" in tally.faults[0]
    assert "| **all** | | **6** | **3** | **0** | **3** |" in table(tally, 1, 0)
