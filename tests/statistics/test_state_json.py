from __future__ import annotations

import copy
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tare.errors import DataError
from tare.samples.records import Sample, Skipped
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
        (("groups", 0, "channels", 0, "moments", "cross_nn"), []),
        (("groups", 0, "channels", 0, "moments", "total"), ["0x5087b", 1000000000]),
        (("groups", 0, "channels", 0, "moments", "total"), ["0x1", -1000000000]),
        (("groups", 0, "channels", 0, "moments", "total"), ["0x1", 0, 0]),
        (("groups", 0, "channels", 0, "moments", "total"), ["0x" + "f" * 1000000, 0]),
        (("groups", 0, "channels", 0, "moments", "total"), ["0x1", True]),
        (("groups", 0, "channels", 0, "moments", "total"), ["0x1", 900]),
        (("groups", 0, "channels", 0, "moments", "squares"), ["-0x1", 0]),
        (("groups", 0, "channels", 0, "moments", "count"), -1),
        (("groups", 0, "channels", 0, "moments", "samples"), 1.0),
        (("groups", 0, "channels", 0, "moments", "samples"), True),
        (("groups", 0, "channels", 0, "moments", "nan"), 10**40),
        (("groups", 0, "channels", 0, "moments", "low"), "nan"),
        (("groups", 0, "channels", 0, "moments", "high"), "0x1p900"),
        (("groups", 0, "channels", 0, "counts", "at_low"), 10**9),
        (("groups", 0, "channels"), []),
        (("groups", 0, "samples"), float("nan")),
        (("groups", 0, "dtype"), "object"),
        (("groups", 0, "example"), 3),
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


#: What no field, or next to none, may be.
_STRANGE: list[Any] = [
    *(None, True, False, -1, 0, 1, 1.5, math.nan, math.inf, -math.inf, 1e308, 2**62, 10**400),
    *("", "x", "1", "nan", "inf", "0x1p2000", "-0x1p4", "eJwDAAAAAAE=", "A" * 1000),
    *([], {}, [[]], [1], ["0x1"], ["0x1", 0, 0], ["0x5087b", 10**9], ["0x1", -(10**9)], ["0x1", 16384], ["0x1", -16384]),
    *(["0x" + "f" * 5000, 0], ["0x1", "1"], [1, 2], ["-0x3", 2], ["0x0", 5], {"a": 1}),
]
_CLUSTERED = [Sample(str(i), np.arange(14.0).reshape(7, 2) + i, notes=("n",), facts=(("a", "b"),)) for i in range(4)]
_STATES = [
    state_to_json(DatasetState.of([*_CLUSTERED, Skipped("p", "r")], cluster_of=lambda path: str(int(path) % 2))),
    state_to_json(DatasetState.of([sample(1, "uint8", 3), sample(2, "uint16", 1), sample(3, "float32", 1)])),
]


def _places(document: Any) -> list[tuple[Any, ...]]:
    """Where the parts of a document are."""
    keys = document if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    return [(key, *rest) for key in keys for rest in ((), *_places(document[key]))]


@settings(max_examples=300, deadline=1000)  # milliseconds: none of them takes longer
@given(st.data())
def test_a_changed_state_is_refused_or_a_state(data: st.DataObject) -> None:
    document = copy.deepcopy(data.draw(st.sampled_from(_STATES)))
    path = data.draw(st.sampled_from([path for path in _places(document) if path != ("schema",)]))
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    if data.draw(st.booleans()) and isinstance(place[path[-1]], int | str | list):
        place[path[-1]] = data.draw(st.sampled_from(_STRANGE))
    else:
        place[path[-1]] = data.draw(st.integers() | st.text() | st.lists(st.text("0x1f-") | st.integers(), max_size=3))
    try:
        state = state_from_json(document)
    except DataError:
        return
    assert through_json(state) == state
    assert state.merge(state).samples == 2 * state.samples
    for group in state.groups.values():
        for channel in group.channels:
            assert channel.moments.std >= 0 or not channel.moments.count
            assert channel.histogram.quantile(0.5) <= channel.moments.high or not channel.moments.count
