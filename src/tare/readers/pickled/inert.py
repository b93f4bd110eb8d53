"""What a pickle would build, as inert values: its opcodes are read as data, and nothing is imported or called.

A pickle is a program for a stack machine (Python's ``pickletools`` documents its opcodes). Here the machine makes a
:class:`Call` where Python would call something, and a :class:`Name` where Python would import something.
"""

from __future__ import annotations

import math
import pickletools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SKIPPED = frozenset(("PROTO", "FRAME"))
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_VALUES = frozenset(
    (
        "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
        "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
    )
)  # fmt: skip
_EMPTY = {"EMPTY_TUPLE": tuple, "EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_SET": list}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_NUMBERS = frozenset(("f8", "f4", "i8", "i4", "u8", "u4", "u1", "b1"))
_MOST_STEPS = 1 << 20


@dataclass(frozen=True)
class Name:
    """What Python would import, by its full name."""

    name: str


@dataclass
class Call:
    """What Python would build by calling ``what``, and the state that it would be given."""

    what: Any
    arguments: Any
    state: Any = None


@dataclass
class _Machine:
    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def since_mark(self) -> list[Any]:
        """Take everything above the last mark."""
        place = self.marks.pop()
        taken, self.stack[place:] = self.stack[place:], []
        return taken

    def step(self, name: str, argument: Any) -> None:
        """Carry out one opcode. Raises ValueError for one that no known writer of statistics uses."""
        if name in _SKIPPED:
            return
        if name in _VALUES:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            self.stack.append(_EMPTY[name]())
        elif name in _TUPLES:
            count = _TUPLES[name]
            taken, self.stack[-count:] = tuple(self.stack[-count:]), []
            self.stack.append(taken)
        elif not self._kept(name, argument) and not self._filled(name) and not self._called(name, argument):
            raise ValueError(f"the opcode {name}, which no known writer of statistics uses")

    def _kept(self, name: str, argument: Any) -> bool:
        """Marks and the memo."""
        if name == "MARK":
            self.marks.append(len(self.stack))
        elif name in ("BINPUT", "LONG_BINPUT"):
            self.memo[argument] = self.stack[-1]
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = self.stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            self.stack.append(self.memo[argument])
        elif name == "POP":
            self.stack.pop()
        else:
            return False
        return True

    def _filled(self, name: str) -> bool:
        """Tuples, lists and dictionaries."""
        if name == "TUPLE":
            self.stack.append(tuple(self.since_mark()))
        elif name in ("SETITEM", "SETITEMS"):
            taken = self.since_mark() if name == "SETITEMS" else [self.stack.pop(), self.stack.pop()][::-1]
            if isinstance(self.stack[-1], dict):
                self.stack[-1].update(
                    (key, value) for key, value in zip(taken[::2], taken[1::2], strict=True) if isinstance(key, str)
                )
        elif name in ("APPEND", "APPENDS", "ADDITEMS"):
            taken = [self.stack.pop()] if name == "APPEND" else self.since_mark()
            if isinstance(self.stack[-1], list):
                self.stack[-1].extend(taken)
        else:
            return False
        return True

    def _called(self, name: str, argument: Any) -> bool:
        """What Python would import, call or build."""
        if name == "GLOBAL":
            self.stack.append(Name(str(argument).replace(" ", ".", 1)))
        elif name == "STACK_GLOBAL":
            attribute, module = self.stack.pop(), self.stack.pop()
            self.stack.append(Name(f"{module}.{attribute}"))
        elif name in ("REDUCE", "NEWOBJ"):
            arguments, what = self.stack.pop(), self.stack.pop()
            self.stack.append(Call(what, arguments))
        elif name == "BUILD":
            state = self.stack.pop()
            if isinstance(self.stack[-1], Call):
                self.stack[-1].state = state
        else:
            return False
        return True


def inert(data: bytes) -> Any:
    """What a pickle would build. Raises ValueError if it is damaged, too long, or uses other opcodes than statistics need."""
    machine = _Machine()
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if opcode.name == "STOP":
                return machine.stack[-1]
            if count > _MOST_STEPS:
                raise ValueError(f"more than {_MOST_STEPS} opcodes")
            machine.step(opcode.name, argument)
    except (IndexError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"an opcode without what it needs ({type(error).__name__})") from None
    raise ValueError("no end")


def array_of(value: Any) -> NDArray[Any]:
    """The array or number that NumPy pickled. Raises ValueError for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return np.array(value)
    name = value.what.name if isinstance(value, Call) and isinstance(value.what, Name) else ""
    try:
        if name.endswith(".multiarray._reconstruct"):
            _, shape, kind, fortran, data = value.state
            return _filled(data, kind, shape, "F" if fortran else "C")
        if name.endswith(".numeric._frombuffer"):
            data, kind, shape, order = value.arguments
            return _filled(data, kind, shape, order)
        if name.endswith(".multiarray.scalar"):
            kind, data = value.arguments
            return _filled(data, kind, (), "C")
    except (TypeError, ValueError) as error:
        raise ValueError(f"an array that NumPy did not write ({error})") from None
    raise ValueError("no array of NumPy")


def _bytes(data: Any) -> Any:
    """Bytes as protocol 2 writes them, which has none: a text in Latin 1, or an empty call."""
    name = data.what.name if isinstance(data, Call) and isinstance(data.what, Name) else ""
    if name == "_codecs.encode" and isinstance(data.arguments, tuple) and data.arguments[1:] == ("latin1",):
        return str(data.arguments[0]).encode("latin1")
    return b"" if name in ("__builtin__.bytes", "builtins.bytes") and not data.arguments else data


def _filled(data: Any, kind: Any, shape: Any, order: str) -> NDArray[Any]:
    word = kind.arguments[0] if isinstance(kind, Call) and isinstance(kind.arguments, tuple) and kind.arguments else None
    data = _bytes(data)
    if word not in _NUMBERS or not isinstance(data, bytes | bytearray):
        raise ValueError(f"values of {word!r}")
    endian = kind.state[1] if isinstance(kind.state, tuple) and len(kind.state) > 1 else "<"
    dtype = np.dtype(f"{endian if endian in '<>' else '='}{word}")
    if len(data) != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{len(data)} bytes for the shape {shape}")
    return np.frombuffer(bytes(data), dtype).reshape(shape, order="F" if order == "F" else "C")
