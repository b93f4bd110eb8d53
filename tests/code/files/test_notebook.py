from __future__ import annotations

import ast
import json
import sys
from typing import Any

import pytest

from tare.code.files.document import Document
from tare.code.files.notebook import Code, notebook_code
from tare.code.files.text import UnreadableTextError

NO_PYTHON = f"it is not Python {sys.version_info[0]}.{sys.version_info[1]}"


def notebook(*sources: str, **more: Any) -> bytes:
    cells = [{"cell_type": "code", "source": source.splitlines(keepends=True)} for source in sources]
    return json.dumps({"nbformat": 4, "metadata": {}, "cells": cells, **more}).encode()


def code(*sources: str) -> Code:
    return notebook_code(notebook(*sources))


def test_cells_follow_one_another_and_places_count_within_them() -> None:
    found = code("x = 1\ny = 2", "", "z = 3\n")
    assert found == Code("x = 1\ny = 2\n\nz = 3\n", (1, 3, 4))
    place = Document("n.ipynb", "notebook", found.text, found.cells).place(4, 5)
    assert (place.cell, place.line, place.column) == (3, 1, 5)
    assert str(place) == "n.ipynb:code cell 3:1:5"


def test_text_between_the_cells_is_no_code() -> None:
    cells = [{"cell_type": "markdown", "source": "# x = 1"}, {"cell_type": "code", "source": "x = 2"}, {"cell_type": "raw"}]
    assert notebook_code(json.dumps({"cells": cells}).encode()) == Code("x = 2\n", (1,))


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("%matplotlib inline\nx = 1", "\nx = 1"),
        ("!pip install timm\nimport timm", "\nimport timm"),
        ("x = 1\n%load_ext a\ny = 2\n!ls\nz = 3", "x = 1\n\ny = 2\n\nz = 3"),
        ("!echo a \\\n  b\nx = 1", "\n\nx = 1"),
        ("files = !ls\nx = 1", "\nx = 1"),
        ("t = %timeit -o f()\nx = 1", "\nx = 1"),
        ("?model\nmodel?\nmodel.fit??\nx = 1", "\n\n\nx = 1"),
        ("if a:\n    !ls\nx = 1", "if a:\n    pass\nx = 1"),
        ("%%writefile train.py\nx = 1\ny = 2", "\n\n"),
        ("%%bash\ncd x\nls", "\n\n"),
        ("\n%%time\nx = 1", "\n\nx = 1"),
        ("%%capture out\n!ls\nx = 1", "\n\nx = 1"),
        ("%%\nx", "\n"),
        ("x = (mean\n  % std)\n!ls", "x = (mean\n  % std)\n"),
        ("x = '''\n!ls\n'''", "x = '''\n!ls\n'''"),
        ("y = a if b else c # why?", "y = a if b else c # why?"),
        ("await f()", "await f()"),
    ],
)
def test_magics_are_blank_and_lines_keep_their_numbers(source: str, wanted: str) -> None:
    found = code(source)
    assert found == Code(f"{wanted}\n", (1,))
    ast.parse(found.text)


def test_a_broken_cell_is_blank_and_named() -> None:
    found = code("x = 1", "def f(:\n  !ls\n", "y = 2", "some words here")
    assert found.text == "x = 1\n\n\ny = 2\n\n"
    assert found.problem == f"cells 2, 4 left out: line 1: {NO_PYTHON}: invalid syntax"


def test_many_shell_lines_take_no_time() -> None:
    assert code("!ls\n" * 5000 + "x = 1").text == "\n" * 5000 + "x = 1\n"


def test_notebooks_of_nbformat_3_are_read() -> None:
    cells = [
        {"cell_type": "code", "language": "python", "input": ["x = 1\n", "y = 2"]},
        {"cell_type": "code", "language": "ruby", "input": "puts 1"},
        {"cell_type": "heading", "source": "title"},
    ]
    document = {"nbformat": 3, "metadata": {"name": ""}, "worksheets": [{"cells": cells}, {"cells": []}]}
    assert notebook_code(json.dumps(document).encode()) == Code("x = 1\ny = 2\n", (1,))


@pytest.mark.parametrize(
    "metadata", [{"kernelspec": {"language": "python", "name": "x"}}, {"language_info": {"name": "ipython"}}, []]
)
def test_a_notebook_of_python_may_say_so(metadata: object) -> None:
    assert notebook_code(notebook("x = 1", metadata=metadata)).text == "x = 1\n"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"no json", "it is no notebook: line 1 is no JSON"),
        (b'{"cells": [\n', "it is no notebook: line 2 is no JSON"),
        (b"", "it is no notebook: line 1 is no JSON"),
        (b"[]", "it is no notebook: its JSON is no object"),
        (b"{}", "it is no notebook: it has no list of cells"),
        (b'{"cells": 3}', "it is no notebook: it has no list of cells"),
        (b'{"worksheets": [3]}', "it is no notebook: it has no list of cells"),
        (b"[" * 100_000, "it is no notebook: its JSON is nested too deeply"),
        (b"\xff\xfe", "it is not utf-8: byte 0xff in line 1"),
        (b'{"cells": [' + b"9" * 5000 + b"]}", "it is no notebook: Exceeds the limit"),
        (notebook(*["x = 1\n" * 100_000] * 4), "it has 2,400,000 characters of code"),
        (notebook("x", metadata={"language_info": {"name": "julia"}}), "it is a notebook in julia"),
        (notebook("x", metadata={"language_info": {"name": "scala", "version": "2.12"}}), "it is a notebook in scala"),
        (notebook("x", metadata={"kernelspec": {"language": "R\n::error::"}}), "it is a notebook in R ::error::"),
        (notebook("x", metadata={"language_info": {"name": "python", "version": "2.7.18"}}), "it is a notebook in Python 2"),
    ],
)
def test_what_is_no_notebook_of_python_says_why(data: bytes, why: str) -> None:
    with pytest.raises(UnreadableTextError) as caught:
        notebook_code(data)
    assert str(caught.value).startswith(why)


def test_cells_of_any_form_are_read() -> None:
    cells = [3, None, {"cell_type": "code"}, {"cell_type": "code", "source": [1, "x = 1"]}, {"cell_type": "code", "source": {}}]
    assert notebook_code(json.dumps({"cells": cells}).encode()).text == "\nx = 1\n\n"
