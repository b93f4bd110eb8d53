"""Which names ``from y import *`` gives, as Python has it."""

from __future__ import annotations

import pytest

from tests.code.interpreted import shown

BEFORE = "import lib\nA = _A = 0\nfrom y import *\nlib.show(A)\nlib.show(_A)\n"

#: What ``y`` says before ``A = 1`` and ``_A = 2``, and what the two are in a file with values of its own.
EXPORTED = {
    "": [1, 0],
    "__all__ = ['A', '_A']": [1, 2],
    "__all__ = ['_A']": [0, 2],
    "__all__ = ('_A',)": [0, 2],
    "__all__ = []": [0, 0],
    "__all__: list[str] = ['_A']": [0, 2],
    "__all__ = ['B']\nB = 3": [0, 0],
    "__all__ = ['B']\n__all__ += ['A']\nB = 3": [1, 0],
    "__all__ = []\n__all__.extend(['_A'])": [0, 2],
    "__all__ = []\n__all__.extend(('_A', 'A'))": [1, 2],
    "__all__ = []\n__all__.append('_A')": [0, 2],
    "__all__ = ['A', '_A']\n__all__.remove('A')": [0, 2],
    "__all__ = ['A']\n__all__.clear()": [0, 0],
    "import z\n__all__ = ['A', *z.__all__]": [1, 2],
    "import z\n__all__ = ['A'] + z.__all__": [1, 2],
    "__all__ = ['A']\nif unknown:\n    __all__ += ['_A']": [1, {0, 2}],
    "__all__ = names()": ["?", "?"],
    "__all__ = [each for each in dir() if each != 'A']": ["?", "?"],
    "__all__ = ['A', name]": ["?", "?"],
    "import z\n__all__ = z.missing": ["?", "?"],
}


@pytest.mark.parametrize("said", EXPORTED)
def test_a_star_gives_the_names_of_all_or_those_without_an_underscore(said: str) -> None:
    z = "__all__ = ['_A']"
    assert shown(a=BEFORE, y=f"{said}\nA = 1\n_A = 2\n", z=z) == EXPORTED[said]
    assert shown(a=BEFORE, y=f"A = 1\n_A = 2\n{said}\n", z=z) == EXPORTED[said]


def test_a_name_of_all_may_be_a_module_below_or_one_of_a_library() -> None:
    a = "import lib\nfrom pkg import *\nlib.show(data.X)\nlib.show(data.missing)\n"
    assert shown(a=a, **{"pkg/__init__": "__all__ = ['data']", "pkg/data": "X = 1"}) == [1, "?"]
    assert shown(a="from y import *\nshow(1)\n", y="from lib import *\n__all__ = ['show']\n") == [1]


def test_stars_in_a_row_give_what_each_file_gives() -> None:
    assert shown(a=BEFORE, y="from z import *\n", z="A = 1\n_A = 2\n") == [1, 0]
    assert shown(a=BEFORE, y="from z import *\n__all__ = ['_A']\n", z="__all__ = ['A', '_A']\nA = 1\n_A = 2\n") == [0, 2]


def test_all_itself_is_not_given() -> None:
    assert shown(a="import lib\n__all__ = ['mine']\nfrom y import *\nlib.show(__all__)\n", y="__all__ = f()\n") == [("mine",)]


def test_a_folder_that_code_puts_first_may_have_the_module() -> None:
    first = "import sys, lib\nsys.path.insert(0, '..')\nfrom conf import x\nlib.show(x)"
    both = {"tools/conf": "x = 1", "conf": "x = 2"}
    assert shown(**{"tools/a": first}, **both) == ["?"]
    assert shown(**{"tools/a": first.replace("insert(0, ", "append(")}, **both) == [1]
    assert shown(**{"tools/a": first, "tools/conf": "x = 1"}) == [1]
    assert shown(**{"tools/a": first, "conf": "x = 2"}) == [2]


def test_a_folder_that_a_program_goes_to_may_have_the_configuration() -> None:
    code = "import json, os, lib\n{}lib.show(json.load(open('c.json'))['x'])"
    both = {"tools/c.json": '{"x": 1}', "c.json": '{"x": 2}'}
    assert shown(**{"tools/a": code.format("os.chdir('..')\n")}, **both) == ["?"]
    assert shown(**{"tools/a": code.format("")}, **both) == [1]
    assert shown(**{"tools/a": code.format("os.chdir('..')\n"), "tools/c.json": '{"x": 1}'}) == [1]
