from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tare.errors import DataError
from tare.tasks.classification import Classification
from tare.tasks.regression import Regression
from tare.tasks.table import task_of_json

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)


def test_columns_are_read_as_numbers_and_missing_ones_are_counted() -> None:
    names, targets = Regression.read(("a", "b"), [("1.5", "2"), ("-3", "4e2")], "x.csv")
    assert (names, targets) == (("a", "b"), [(1.5, 2.0), (-3.0, 400.0)])
    rows = [("1",), ("nan",), ("inf",), ("cat",), ("2",)]
    with pytest.raises(DataError, match=r"3 of 5 samples with missing, NaN, infinite .* the first 'nan' at sample 1"):
        Regression.read(("a",), rows, "x.csv")


def test_a_constant_target_has_no_std_and_is_refused() -> None:
    with pytest.raises(DataError, match=r"'b' is 7 for all 3 training samples of 'x.csv': std 0"):
        Regression.of(("a", "b"), [(1.0, 7.0), (2.0, 7.0), (3.0, 7.0)], "x.csv")


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=20))
def test_answers_undo_what_was_taught(rows: list[tuple[float, float]]) -> None:
    values = np.array(rows)
    if (values.std(axis=0) <= 1e-9 * np.abs(values).max()).any():
        return
    task = Regression.of(("a", "b"), rows, "x")
    taught = np.array([task.taught(row) for row in rows])
    assert taught.mean(axis=0) == pytest.approx([0, 0], abs=1e-6)
    assert taught.std(axis=0) == pytest.approx([1, 1])
    answers = task.answers(torch.from_numpy(taught)).numpy()
    assert answers == pytest.approx(values, rel=1e-9, abs=1e-6)


def test_targets_that_float32_cannot_tell_apart_are_refused() -> None:
    rows = [(1e8 + k, 2e3 + k) for k in range(6)]
    task = Regression.of(("stamp", "year"), rows, "x.csv")
    with pytest.raises(DataError, match=r"'stamp' with mean 100000002.5 and std 1.708 in 'x.csv'; subtract a constant"):
        task.check_unit("x.csv")
    replace(task, channels=(0, 1)).check_unit("x.csv")  # a forecast is mapped back in float64
    Regression.of(("year",), [row[1:] for row in rows], "x.csv").check_unit("x.csv")


def test_a_shipped_layer_gives_the_targets_own_units_and_is_restored_afterwards() -> None:
    task = Regression(("a", "b"), (100.0, -3.0), (20.0, 0.5))
    layer, features = nn.Linear(4, 2), torch.randn(6, 4)
    before = layer(features)
    with task.shipped(layer) as shipped:
        assert shipped.answers(layer(features)).detach() == pytest.approx(task.answers(before).detach(), rel=1e-5)
        assert shipped != task
    assert torch.equal(layer(features), before)


def test_a_task_survives_its_json_and_nonsense_is_told() -> None:
    task = Regression(("a",), (1.5,), (2.5,), undone=True)
    assert task_of_json(("a",), json.loads(json.dumps(task.to_json()))) == task
    assert task_of_json(("a", "b"), None) == Classification(("a", "b"))
    for std in ([0.0], [float("nan")], [1.0, 2.0]):
        with pytest.raises(ValueError, match="one std above zero"):
            task_of_json(("a",), {"name": "regression", "targets": {"mean": [0.0], "std": std}, "undone": True})
    with pytest.raises(KeyError):
        task_of_json(("a",), {"name": "poetry"})


def test_targets_that_a_double_would_round_are_refused() -> None:
    with pytest.raises(DataError, match="whole numbers up to 2"):
        Regression.read(("y",), [(str(2**60 + 1),), ("3",)], "t.csv")
    assert Regression.read(("y",), [(str(2**60),), ("3",)], "t.csv")[1] == [(2.0**60,), (3.0,)]
