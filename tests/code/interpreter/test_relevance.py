"""Which files and functions are followed at all."""

from __future__ import annotations

import ast

import pytest

from tare.code.files.document import Document
from tare.code.interpreter.imports import Imports
from tare.code.interpreter.relevance import is_test, relevant, that_matter
from tare.code.interpreter.source import Source, parsed
from tare.code.interpreter.vocabulary import Vocabulary
from tests.code.interpreted import documents

WORD = Vocabulary(("Normalize",))


def chosen(**texts: str) -> list[str]:
    found = documents(**texts)
    return [each.path for each in relevant(found, WORD, Imports(found))]


def test_a_file_without_the_word_is_left_out() -> None:
    assert chosen(a="Normalize", b="x = 1") == ["a.py"]


@pytest.mark.parametrize(
    "statement",
    [
        "import pkg.data",
        "import pkg.data as d",
        "from pkg import data",
        "from pkg.data import x",
        "from pkg import (\n    other,\n    data,\n)",
    ],
)
def test_a_file_that_imports_one_with_the_word_is_chosen(statement: str) -> None:
    assert chosen(pkg__data="Normalize", pkg__model="", main=statement) == ["pkg/data.py", "main.py"]


@pytest.mark.parametrize("statement", ["from .data import x", "from . import data", "from ..pkg.data import x"])
def test_relative_imports_count(statement: str) -> None:
    assert chosen(pkg__data="Normalize", pkg__main=statement) == ["pkg/data.py", "pkg/main.py"]


def test_a_file_of_the_same_name_elsewhere_does_not_count() -> None:
    assert chosen(one__data="Normalize", two__data="", two__main="from data import x") == ["one/data.py"]


def test_one_file_may_stand_between() -> None:
    assert chosen(a="Normalize", b="import a", c="import b") == ["a.py", "b.py", "c.py"]


@pytest.mark.parametrize(
    ("path", "text", "is_one"),
    [
        ("tests/test_a.py", "import pytest", True),
        ("test_a.py", "def test_it(): pass", True),
        ("test.py", "def test_it(): pass", False),
        ("test_model.py", "model.load_state_dict(x)", False),
        ("a.py", "def test_epoch(): pass", False),
    ],
)
def test_tests_of_code_are_told_from_scripts_that_test_a_network(path: str, text: str, is_one: bool) -> None:
    assert is_test(Document(path, "python", text)) is is_one


def test_functions_matter_that_say_something_or_call_one_that_does() -> None:
    text = (
        "def build(): return Normalize\ndef main(): build()\ndef train(): pass\n"
        "class D:\n    def __init__(self, t): self.t = t\n    def load(self): return Normalize\n    def __len__(self): return 1\n"
    )
    source = parsed(Document("a.py", "python", text))
    assert isinstance(source, Source)
    matter = that_matter([source], WORD)
    assert {each.name for each in matter if isinstance(each, ast.FunctionDef)} == {"build", "main", "__init__", "load"}


@pytest.mark.parametrize(
    "given",
    [
        "net = Normalize",
        "net, _ = Normalize, 1",
        "class A:\n    def __init__(self):\n        self.net = Normalize",
        "first: Net = Normalize\nnet = first.eval()",
        "def make():\n    return Normalize\nnet = make()",
    ],
)
@pytest.mark.parametrize("used", ["net(x)", "self.net(x)", "net.predict(x)"])
def test_a_function_matters_that_calls_a_variable_which_was_given_what_says_something(given: str, used: str) -> None:
    source = parsed(Document("a.py", "python", f"{given}\ndef feed(x):\n    {used}\ndef other(x):\n    x.net\n"))
    assert isinstance(source, Source)
    matter = {each.name for each in that_matter([source], WORD) if isinstance(each, ast.FunctionDef)}
    assert matter & {"feed", "other"} == {"feed"}
