from __future__ import annotations

from typing import Any

import pytest

from tare.errors import SpecError
from tare.networks.inputs import NetworkOptions


@pytest.mark.parametrize("values", [0.5, "0.5,0.5,0.5", [0.5, float("nan"), 0.5], [0.5, "x"]])
@pytest.mark.parametrize("name", ["mean", "std"])
def test_constants_that_are_no_finite_numbers_are_refused_where_they_are_written(name: str, values: Any) -> None:
    with pytest.raises(SpecError, match=rf"finite numbers for --{name}, one per channel or one, found .*; write them as \[0.5\]"):
        NetworkOptions("timm:resnet18", **{name: values})
