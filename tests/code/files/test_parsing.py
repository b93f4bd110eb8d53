from __future__ import annotations

import ast
import sys
import warnings

import pytest

from tare.code.files.parsing import MOST_CHARACTERS, NoTree, tree_of

NO_PYTHON = f"it is not Python {sys.version_info[0]}.{sys.version_info[1]}"


def reason(text: str) -> str:
    found = tree_of(text)
    assert isinstance(found, NoTree)
    assert "\n" not in found.reason
    return found.reason


def test_code_is_parsed_without_a_warning_and_without_running(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = tree_of("print('run')\nx = '\\d' is 1\n")
    assert isinstance(found, ast.Module)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "(" * 10_000 + ")" * 10_000,
        "x = " + "[" * 150 + "]" * 150 + " + 1" * 10_000,
        "x = " + "-" * 10_000 + "1",
        "x = " + "not " * 10_000 + "1",
        "x = 1" + " + 1" * 10_000,
        "x = a" + ".a" * 10_000,
        "x = a" + "()" * 10_000,
        "if a: pass\n" + "elif a: pass\n" * 10_000,
        "x = " + "lambda: " * 10_000 + "1",
        "".join(f"{' ' * depth}if a:\n" for depth in range(120)) + " " * 120 + "pass",
    ],
)
def test_deep_expressions_are_skipped(text: str) -> None:
    assert "its expressions are nested too deeply" in reason(text)


def test_large_code_is_skipped() -> None:
    assert reason("#" * (MOST_CHARACTERS + 1)).startswith(f"it has {MOST_CHARACTERS + 1:,} characters of code")


def test_a_number_of_thousands_of_digits_is_skipped() -> None:
    assert reason("x = " + "9" * 5000).startswith(f"line 1: {NO_PYTHON}: Exceeds the limit")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("import os\nprint 'mean'\n", 2),
        ("print mean\n", 1),
        ("try:\n    pass\nexcept ValueError, error:\n    pass\n", 3),
        ("raise ValueError, 'mean'\n", 1),
        ("exec 'x = 1'\n", 1),
        ("x = 0777\n", 1),
        ("if a <> b:\n    pass\n", 1),
        ("x = ur'mean'\n", 1),
        ("print >>sys.stderr, 'mean' % x\nprint\nprint 'x'", 3),
    ],
)
def test_python_2_is_named_as_such(text: str, line: int) -> None:
    assert reason(text) == f"line {line}: it is Python 2"


@pytest.mark.parametrize(
    "text", ["x = = 1", "def f(:\n    pass", "{{ cookiecutter.name }} = 1 2", "<<<<<<< HEAD\nx = 1\n", "x = 'a"]
)
def test_what_is_no_python_says_in_which_line(text: str) -> None:
    assert reason(text).startswith(f"line 1: {NO_PYTHON}: ")


def test_a_nul_byte_is_no_python() -> None:
    assert f"{NO_PYTHON}" in reason("x = 1\0")
