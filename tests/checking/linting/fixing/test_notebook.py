"""Characters of cells in the JSON of a notebook."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.checking.linting.fixing.notebook import cells_of
from tare.code.place import Place


def notebook(*sources: Any, **settings: Any) -> str:
    cells = [{"cell_type": "code", "metadata": {"a": [1, {}]}, "source": source, "outputs": []} for source in sources]
    return json.dumps({"nbformat": 4, "cells": [{"cell_type": "markdown", "source": "text"}, *cells], "metadata": {}}, **settings)


@given(st.lists(st.text(), max_size=4), st.booleans(), st.sampled_from([None, 1]))
def test_the_code_is_that_of_a_json_parser_and_every_character_stands_where_it_is_said(
    sources: list[str], ascii_only: bool, indent: int | None
) -> None:
    text = notebook(*sources, ensure_ascii=ascii_only, indent=indent)
    cells = cells_of(text)
    assert [cell.lines.text for cell in cells] == sources
    for cell in cells:
        written = [json.loads(f'"{text[start:end]}"') for start, end in cell.spans]
        assert written == [*cell.lines.text]


def test_lists_of_lines_are_joined() -> None:
    (cell,) = cells_of(notebook(["a = 1\n", "b = 'é'\n"], indent=2))
    assert cell.lines.line(2) == "b = 'é'"


def test_a_place_is_found_behind_escapes() -> None:
    text = notebook(['s = "\t\U0001f600"; std = 0.255\n'])
    (cell,) = cells_of(text)
    column = cell.lines.line(1).index("0.255") + 1
    start, end = cell.offsets(Place("a.ipynb", 1, column, 1, column + 5, 1))
    assert text[start:end] == "0.255"


def test_a_place_in_two_strings_is_refused() -> None:
    (cell,) = cells_of(notebook(["a = (1,\n", "2)\n"]))
    with pytest.raises(ValueError, match="more than one string"):
        cell.offsets(Place("a.ipynb", 1, 1, 2, 2, 1))
    with pytest.raises(ValueError, match="empty"):
        cell.offsets(Place("a.ipynb", 1, 1))


def test_the_third_format_has_worksheets() -> None:
    cell = {"cell_type": "code", "language": "python", "input": ["x = 1\n"]}
    other = {**cell, "language": "julia"}
    (found,) = cells_of(json.dumps({"nbformat": 3, "worksheets": [{"cells": [other, cell]}]}))
    assert found.lines.text == "x = 1\n"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"cells": {}}', '{"cells": [{]}', '{"cells": 3}', '{"worksheets": [{"a": 1}]}'])
def test_what_is_no_notebook_is_refused(text: str) -> None:
    with pytest.raises((ValueError, LookupError)):
        cells_of(text)
