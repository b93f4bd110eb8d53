from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from tare.errors import DataError
from tare.samples.records import Sample
from tare.statistics.state import DatasetState
from tare.statistics.state_json import state_from_json, state_to_json
from tests.statistics.test_state import record_lists, sample


def through_json(state: DatasetState) -> DatasetState:
    return state_from_json(json.loads(json.dumps(state_to_json(state), allow_nan=False)))


@given(record_lists)
def test_a_state_comes_back_to_the_bit(records: list[Any]) -> None:
    state = DatasetState.of(records)
    assert through_json(state) == state


def test_nan_infinities_notes_and_extreme_floats_come_back() -> None:
    values = np.array([[np.nan], [np.inf], [1e300], [-5e-324], [0.1]])
    state = DatasetState.of([Sample("a", values, notes=("alpha channel dropped",)), Sample("b", values[:2])])
    assert through_json(state) == state
    assert through_json(DatasetState()) == DatasetState()


def test_a_state_that_went_through_json_merges_like_the_original() -> None:
    a, b = DatasetState.of([sample(1, "float32", 3)]), DatasetState.of([sample(2, "float32", 3)])
    assert through_json(a).merge(through_json(b)) == a.merge(b)


@pytest.mark.parametrize("document", [None, [], {}, {"schema": "tare.state/2"}, {"schema": "tare.stats/2"}])
def test_another_schema_or_version_is_refused(document: Any) -> None:
    with pytest.raises(DataError, match=r"a JSON object with schema 'tare\.state/1'"):
        state_from_json(document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("groups",), 3),
        (("skipped",), None),
        (("notes",), []),
        (("groups", 0, "dtype"), "no dtype"),
        (("groups", 0, "channels", 0, "moments", "total"), ["zz", 0]),
        (("groups", 0, "channels", 0, "moments", "low"), "low"),
        (("groups", 0, "channels", 0, "counts", "buckets"), "not base 64"),
        (("groups", 0, "channels", 0, "counts", "buckets"), "eJwDAAAAAAE="),
        (("groups", 0, "channels", 0, "counts", "low"), "-0x1p9"),
        (("groups", 0, "channels", 0, "moments", "cross_nn"), ["0x1", -1]),
    ],
)
def test_a_damaged_state_is_refused_in_one_line(path: tuple[Any, ...], value: Any) -> None:
    document = state_to_json(DatasetState.of([sample(1, "float32", 1)]))
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(DataError, match=r"a complete 'tare\.state/1' object") as caught:
        state_from_json(document)
    assert "\n" not in str(caught.value)
