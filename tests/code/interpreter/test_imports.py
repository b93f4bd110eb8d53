"""Which files belong together, as their import statements say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.code.interpreter.imports import Imports
from tests.code.interpreted import documents


def groups(chosen: str, **texts: str) -> list[list[str]]:
    found = Imports(documents(**texts)).groups([f"{each}.py" for each in chosen.split()])
    return [[path.removesuffix(".py") for path in each] for each in found]


def test_files_that_import_each_other_are_one_group() -> None:
    assert groups("a b c", a="import b", b="", c="x = 1") == [["a", "b"], ["c"]]


def test_two_files_that_import_a_third_are_one_group_with_it() -> None:
    assert groups("a b c", a="import c", b="from c import x", c="") == [["a", "b", "c"]]


def test_a_file_that_is_not_chosen_connects_those_that_import_it() -> None:
    assert groups("a b", a="import u", b="import u", u="") == [["a", "b"]]
    assert groups("a b", a="import u", b="", u="import b") == [["a", "b"]]


@pytest.mark.parametrize("name", ["torch", "os", "missing.data"])
def test_libraries_connect_nothing(name: str) -> None:
    assert groups("a b", a=f"import {name}", b=f"import {name}") == [["a"], ["b"]]


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=12))
def test_groups_are_the_connected_parts_of_the_graph_of_imports(edges: list[tuple[int, int]]) -> None:
    texts = {f"m{number}": "".join(f"import m{other}\n" for one, other in edges if one == number) for number in range(8)}
    found = Imports(documents(**texts)).groups([f"m{number}.py" for number in range(8)])
    label = list(range(8))
    for _ in range(8):
        for one, other in edges:
            label[one] = label[other] = min(label[one], label[other])
    expected: dict[int, list[str]] = {}
    for number, each in enumerate(label):
        expected.setdefault(each, []).append(f"m{number}.py")
    assert found == list(expected.values())
