"""The files that programs load networks from."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tare.checking.repository.rules.across.stored import Read, calls_named, plain, plain_path
from tare.checking.repository.rules.feeds import within
from tare.checking.repository.rules.linking import Program, program_of
from tare.code.facts import Facts
from tare.code.interpreter.source import Source
from tare.code.interpreter.values import Call

#: The formats of what functions load.
_READING = {
    "torch.load": "torch",
    "torch.jit.load": "script",
    "InferenceSession": "onnx",
    "load_model": "keras",
    "load_weights": "keras",
    "load_from_checkpoint": "torch",
}


def reads(facts: Facts, program: Program) -> tuple[Read, ...]:
    """The files that a program loads networks from, also those in calls that nobody has followed."""
    calls = [each for each in program.calls if _format_of(each) is not None]
    inner = [each for call in program.calls if call.last == "load_state_dict" for each in _arguments(call)]
    found = [read_of(each) for each in (*calls, *inner)]
    seen = {id(each.spot.node) for each in (*calls, *inner)}
    for source in facts.sources:
        if source.path == program.path:
            found += [_read(source, node) for node in calls_named(source, _UNFOLLOWED) if id(node) not in seen]
    return tuple(dict.fromkeys(each for each in found if each is not None))


_UNFOLLOWED = re.compile(r"(?:\w+\.)*(?:load_model|load_weights|load_from_checkpoint|InferenceSession)|torch\.(?:jit\.)?load")


def _arguments(call: Call) -> Iterator[Call]:
    return (each for value in call.args for each in within(value) if _format_of(each) is not None)


def _read(source: Source, node: ast.Call) -> Read:
    given = node.args[0] if node.args else None
    path = plain(given.value) if isinstance(given, ast.Constant) and isinstance(given.value, str) else ""
    function = ast.unparse(node.func)
    return Read(path, source.path, _READING[function if function in _READING else function.rpartition(".")[2]])


def _format_of(call: Call) -> str | None:
    if call.function in _READING:
        return _READING[call.function]
    return _READING.get(call.last) if call.last != "load" else None


def read_of(call: Call) -> Read | None:
    """The file that a call loads a network from; None for any other call."""
    kind = _format_of(call)
    path = call.argument(0, "f", "filepath", "path_or_bytes", "checkpoint_path")
    return None if kind is None else Read(plain_path(path), program_of(call), kind)


def state_of(call: Call) -> Read | None:
    """The file whose state a network gets by ``.load_state_dict``."""
    return next((found for each in _arguments(call) if (found := read_of(each)) is not None), None)
