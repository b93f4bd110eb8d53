"""What names, branches and files say a pipeline is for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.code.interpreter.conditions import Condition
from tare.code.roles import role_of_decisions, role_of_file, role_of_names


@pytest.mark.parametrize(
    ("names", "role"),
    [
        (["val_transform"], "eval"),
        (["testTransform"], "eval"),
        (["transform_test"], "eval"),
        (["VAL_TF"], "eval"),
        (["testset"], "eval"),
        (["train_transform"], "train"),
        (["augmentations"], "train"),
        (["transform"], "unknown"),
        (["latest", "contest", "evaluator_free", "protest"], "unknown"),
        (["train_val_transform"], "mixed"),
        (["tta_test_transform"], "mixed"),
        (["val_transform", "train_transform"], "mixed"),
        (["transform", "val_transform"], "eval"),
        ([], "unknown"),
    ],
)
def test_names_state_a_role_by_whole_words(names: list[str], role: str) -> None:
    assert role_of_names(names) == role


def condition(subject: str, *values: object, holds: bool = True) -> Condition:
    return Condition(f"main.py::{subject}", frozenset(values), holds)


@pytest.mark.parametrize(
    ("given_condition", "role"),
    [
        (condition("train", True), "train"),
        (condition("train", True, holds=False), "eval"),
        (condition("self.is_train", True), "train"),
        (condition("is_test", True), "eval"),
        (condition("split", "val"), "eval"),
        (condition("phase", "val", "test"), "eval"),
        (condition("mode", "train", holds=False), "eval"),
        (condition("mode", "test", holds=False), "unknown"),
        (condition("augment", True, holds=False), "unknown"),
        (condition("len(train) > 3", True), "unknown"),
        (condition("model", "vit"), "unknown"),
    ],
)
def test_branches_state_a_role(given_condition: Condition, role: str) -> None:
    assert role_of_decisions(frozenset([given_condition])) == role


@given(
    st.sampled_from(["train", "val", "transform", "test", "aug"]), st.sampled_from(["train", "val", "transform", "test", "aug"])
)
def test_two_names_are_their_union_in_any_order(one: str, other: str) -> None:
    assert role_of_names([one, other]) == role_of_names([other, one])


@pytest.mark.parametrize(
    ("path", "text", "role"),
    [
        ("predict.py", "model(x)", "eval"),
        ("src/inference.py", "model(x)", "eval"),
        ("test.py", "model(x)", "eval"),
        ("test.py", "loss.backward()", "unknown"),
        ("test_data.py", "model(x)", "unknown"),
        ("tests/predict.py", "model(x)", "unknown"),
        ("inference.py", "use_tta = True", "unknown"),
        ("inference.py", "# TTA: mean over flips", "unknown"),
        ("train.py", "model(x)", "unknown"),
        ("main.py", "model(x)", "unknown"),
    ],
)
def test_a_script_named_after_evaluation_evaluates_if_it_trains_nothing(path: str, text: str, role: str) -> None:
    assert role_of_file(path, text) == role
