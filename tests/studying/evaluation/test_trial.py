from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tare.errors import DataError
from tare.studying.evaluation.trial import RESERVED, scores_of_trial

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
NAMES = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=60).filter(lambda name: name not in RESERVED)


@given(st.dictionaries(NAMES, NUMBERS, min_size=1))
def test_a_dict_of_numbers_is_kept_as_it_is(scores: dict[str, float]) -> None:
    assert scores_of_trial(scores) == scores
    assert list(scores_of_trial(scores)) == list(scores)


@pytest.mark.parametrize("number", [2, 2.0, np.float32(2), np.array(2), torch.tensor(2.0)])
def test_one_number_of_any_library_is_the_score(number: Any) -> None:
    assert scores_of_trial(number) == {"score": 2.0}


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, "a number, or a dict of numbers, returned by the function, found a NoneType as 'score'"),
        ("2.0", "found a str as 'score'"),
        (torch.zeros(3), "found a Tensor as 'score'"),
        ({}, "at least one score, found none"),
        ([], "at least one score, found none"),
        (math.inf, "finite scores, found inf as 'score'"),
        ({"a": 1.0, "b": math.nan}, "finite scores, found nan as 'b'"),
        ({1: 2.0}, "names of scores, of 1 to 60 signs, found 1"),
        ({"a\nb": 2.0}, "names of scores"),
        ({"x" * 61: 2.0}, "names of scores"),
        ({"seed": 2.0}, "names of scores that no column of the table has, found 'seed'; rename the key, as in seed_score"),
    ],
)
def test_whatever_is_no_finite_number_is_refused_with_its_name(returned: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        scores_of_trial(returned)
