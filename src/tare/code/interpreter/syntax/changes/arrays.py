"""Arrays and tensors that are changed in place: by ``x.sub_(y)``, ``x /= y``, ``out=x``, ``inplace=True`` and the like."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from tare.code.interpreter.frame import Frame
from tare.code.interpreter.memory.views import bases
from tare.code.interpreter.operators import computed
from tare.code.interpreter.source import Source
from tare.code.interpreter.values import UNKNOWN, Call, Items, Library, Literal, Table, Value, alternatives

#: Methods of tensors that end as those that change values do, and change none.
_MOST_STEPS = 12
_HARMLESS = frozenset(("requires_grad_", "detach_", "share_memory_", "retain_grad_"))
_SYMBOLS = {"add_": "+", "sub_": "-", "mul_": "*", "div_": "/"}
#: Functions that change what they are given first.
_CHANGING = frozenset(
    (
        *("random.shuffle", "numpy.random.shuffle", "numpy.copyto", "numpy.put", "numpy.place", "numpy.putmask"),
        *("heapq.heapify", "heapq.heappush", "heapq.heappop", "bisect.insort", "operator.setitem", "operator.delitem"),
        *("numpy.fill_diagonal", "cv2.mixChannels"),
    )
)
#: Functions of NumPy on two arrays, whose third argument gets the result.
_OF_TWO = frozenset(f"numpy.{each}" for each in ("add", "subtract", "multiply", "divide", "true_divide", "maximum", "minimum"))


def is_in_place(name: str) -> bool:
    """Whether a method of tensors changes its tensor."""
    return name.endswith("_") and not name.startswith("_") and name not in _HARMLESS


def changed_by_call(frame: Frame, callee: Value, value: Value, args: Sequence[Value], keywords: Mapping[str, Value]) -> None:
    """Note what a call of a library, which returned ``value``, changed in place."""
    if isinstance(callee, Call) and callee.function[-1] == "_" and is_in_place(callee.function[1:]):
        change(frame, callee.receiver, _result(callee, value, args))
        return
    if isinstance(callee, Call) and callee.function == "@register_forward_pre_hook":
        frame.run.write(callee.receiver, "forward", UNKNOWN)  # it gives the network something else
    for key in ("out", "dst") if keywords else ():
        if key in keywords:
            change(frame, keywords[key], value)
    if args:
        _by_position(frame, callee, value, args, keywords)


def _by_position(frame: Frame, callee: Value, value: Value, args: Sequence[Value], keywords: Mapping[str, Value]) -> None:
    name = callee.name if isinstance(callee, Library) else ""
    if name in _CHANGING:
        for each in (part for arg in args for part in (arg.items if isinstance(arg, Items) else ()) or (arg,)):
            change(frame, each, UNKNOWN)
        change(frame, args[0], UNKNOWN)
    elif name in _OF_TWO and len(args) > 2:
        change(frame, args[2], value)
    elif name.startswith("cv2.") and len(args) > 1:
        root = frame.run.heap.root
        destination = args[1] if name == "cv2.normalize" else next((x for x in args[2:] if root(x) is root(args[0])), None)
        if isinstance(destination, Call | Items) and not isinstance(args[0], Literal):
            change(frame, destination, value)
    elif _is_inplace(name, keywords) or (isinstance(callee, Call) and _is_inplace(callee.function, callee.keywords)):
        change(frame, args[0], value)


def _is_inplace(name: str, keywords: Mapping[str, Value]) -> bool:
    """Whether a function or a step normalises in place; what layers do inside a network is not looked at."""
    stated = keywords.get("inplace") if keywords and name.endswith("ormalize") else None
    return stated is not None and not (isinstance(stated, Literal) and stated.value is False)


def _result(callee: Call, value: Value, args: Sequence[Value]) -> Value:
    """What a tensor is after a method in place."""
    owner, symbol = callee.receiver, _SYMBOLS.get(callee.function[1:])
    if not isinstance(owner, Items):
        return value
    found = computed(symbol, owner, args[0], callee.spot) if symbol and len(args) == 1 else None
    return UNKNOWN if found is None else found


def change(frame: Frame, owner: Value, after: Value) -> None:
    """An array has other values from now on; so have those whose values it shares, in a way that is not told."""
    if not any(_is_told(one) for _, one in alternatives(owner)):
        return
    frame.run.change(owner, lambda one: after if _is_told(one) else None)
    for _, one in alternatives(owner):
        for each in bases(one):
            frame.run.change(each, lambda base: _partly(frame, base))


_OF_ITS_ARGUMENT = ("()", "operator.", ".", "@")


def _is_told(value: Value) -> bool:
    """Whether anything is known of where an array comes from; of what came in as a parameter nobody says anything."""
    for _ in range(_MOST_STEPS):
        if not isinstance(value, Call):
            return isinstance(value, Items | Table)
        if not value.function.startswith(_OF_ITS_ARGUMENT):
            return True
        value = value.receiver if value.function[0] in ".@" else value.args[0] if value.args else value.receiver
    return True


def _partly(frame: Frame, base: Value) -> Value:
    """An array of which a part was changed."""
    if not isinstance(base, Call):
        return UNKNOWN
    entry = frame.run.entry
    return Call("operator.changed", (base,), {}, base.spot, UNKNOWN, frame.decisions, frame.within, entry)


#: What such a function says in any case; reading its text takes a tenth of the time of going through its tree.
_REACHING = re.compile(r"\bglobal\b|\][ \t]*(?:[-+*/|&]|\*\*|//)?=(?!=)|\][ \t]*,[^\n()=]*=(?!=)")


def reaches_out(source: Source, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> bool:
    """Whether a function changes variables of its module, or the lists and dictionaries in them."""
    if isinstance(node, ast.Lambda) or not _REACHING.search(source.segment(node)):
        return False
    parts = list(ast.walk(node))
    if any(isinstance(each, ast.Global) for each in parts):
        return True
    own = {each.arg for each in parts if isinstance(each, ast.arg)}
    own |= {each.id for each in parts if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
    return any(
        isinstance(each, ast.Subscript)
        and isinstance(each.ctx, ast.Store)
        and isinstance(each.value, ast.Name)
        and each.value.id not in own
        for each in parts
    )


#: Methods that change a list or dictionary.
_METHODS = frozenset(
    ("append", "extend", "insert", "pop", "remove", "clear", "update", "setdefault", "reverse", "sort", "add", "popitem")
)


@lru_cache(maxsize=256)
def changed_parameters(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Mapping[str, frozenset[str]]:
    """The names of which a function changes the object in place, as its text says, with the attributes that it sets of it."""
    found: dict[str, set[str]] = {}
    for each in ast.walk(node):
        target: ast.AST | None = None
        if isinstance(each, ast.Subscript | ast.Attribute) and not isinstance(each.ctx, ast.Load):
            target = each.value
        elif isinstance(each, ast.AugAssign):
            target = each.target
        elif isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute):
            target = each.func.value if each.func.attr in _METHODS or is_in_place(each.func.attr) else None
        while isinstance(target, ast.Subscript | ast.Attribute):
            target = target.value
        if isinstance(target, ast.Name):
            attributes = found.setdefault(target.id, set())
            if isinstance(each, ast.Attribute):
                attributes.add(each.attr)
    return {name: frozenset(attributes) for name, attributes in found.items()}
