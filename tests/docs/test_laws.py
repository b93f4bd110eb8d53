"""Every test that the page of laws names exists, and those called properties draw their inputs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "laws.md"


def rows() -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """Law, kind and the tests of each row."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and "::" in cells[2]:
            yield cells[0], cells[1], re.findall(r"`([\w/.]+)::(\w+)`", cells[2])


def decorators(path: str, name: str) -> list[str] | None:
    """What stands above a test; None if there is no such test."""
    file = ROOT / path
    if not file.is_file():
        return None
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return [ast.unparse(decorator) for decorator in node.decorator_list]
    return None


LAWS = list(rows())


def test_the_page_states_laws_with_tests_of_three_kinds() -> None:
    assert len(LAWS) > 50
    assert {kind for _, kind, _ in LAWS} == {"property", "reference", "simulation"}


@pytest.mark.parametrize(("law", "kind", "tests"), LAWS, ids=[law for law, _, _ in LAWS])
def test_every_law_names_tests_that_exist(law: str, kind: str, tests: list[tuple[str, str]]) -> None:
    assert tests, law
    for path, name in tests:
        above = decorators(path, name)
        assert above is not None, f"{path}::{name} is not there"
        assert kind != "property" or any(decorator.startswith("given(") for decorator in above), f"{name} draws nothing"
