"""Small programs as the interpreter sees them."""

from __future__ import annotations

from textwrap import dedent

from tare.code.files.document import Document
from tare.code.interpreter.frame import Run
from tare.code.interpreter.operators import NOT_PLAIN, plain
from tare.code.interpreter.program import Program
from tare.code.interpreter.repository import Repository
from tare.code.interpreter.values import Call, Value, alternatives


def documents(**texts: str) -> list[Document]:
    """Files by the names of their paths: ``pkg__data`` and ``pkg/data`` are ``pkg/data.py``, and ``conf/a.yaml`` is itself."""
    return [
        Document(name, "configuration", dedent(text))
        if "." in name
        else Document(f"{name if '/' in name else name.replace('__', '/')}.py", "python", dedent(text))
        for name, text in texts.items()
    ]


def run(**texts: str) -> Run:
    """A run in which every call is logged, after every file was carried out."""
    program = Program(Repository(documents(**texts)))
    found = Run(program, lambda _: True)
    program.run = found
    paths = [each.path for each in documents(**texts) if each.kind == "python"]
    for path in paths:
        program.module(path)
    for path in paths:
        program.carry_out(path)
    program.settle()
    return found


def calls(function: str, **texts: str) -> list[Call]:
    """The calls of a function of a library."""
    return [each for each in run(**texts).log if each.function == function]


def shown(**texts: str) -> list[object]:
    """What ``lib.show(x)`` is given, in order: constants, a set of alternatives, or "?"."""
    return [_plain(call.args[0]) for call in calls("lib.show", **texts)]


def _plain(value: Value) -> object:
    options = [plain(each) for _, each in alternatives(value)]
    known = ["?" if each is NOT_PLAIN else each for each in options]
    return known[0] if len(known) == 1 else set(known)
