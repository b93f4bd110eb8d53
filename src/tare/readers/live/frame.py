"""One method of a live network as it is followed: what its names hold, and what the network's own attributes decide."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: What may be held: the network's input is 0, what a layer makes of it the ``id`` of that layer.
Held = frozenset[int]
NOTHING: Held = frozenset()
INPUT: Held = frozenset({0})

#: The usual names of the image argument in models of Hugging Face, Lightning and torchvision.
USUAL_NAMES = ("pixel_values", "images", "image", "imgs", "img", "inputs", "input", "input_values", "x", "data")
#: Several arguments at once, of which it is not known which is which.
UNPACKED = "**"

_CONTAINERS = frozenset(f"torch.nn.modules.container.{name}" for name in ("Sequential", "ModuleList", "ModuleDict"))
#: Decorators that pass a method's arguments on as they are.
_HARMLESS = re.compile(
    r"(typing\.)?override$|(torch\.)?(no_grad|enable_grad|inference_mode|autocast|compile|jit\.\w+|compiler\.\w+|(cuda\.)?amp\.autocast)\b"
)
#: Functions that are true only where a graph is made of the network.
_NEVER = frozenset(
    {"torch.jit.is_scripting", "torch.jit.is_tracing", "torch.compiler.is_compiling", "torch.onnx.is_in_onnx_export"}
)
_PLAIN = (bool, int, float, str, type(None))
_LONGEST = 60


@dataclass(slots=True)
class Frame:
    """A method: whose it is, in which class it stands, what its local ``names`` hold, and the ``result`` so far.

    A name holds a module, or what may be the input. ``packed`` are the names of parameters that hold several arguments.
    """

    module: Any
    owner: type
    own_name: str
    names: dict[str, Any]
    packed: frozenset[str] = frozenset()
    result: Held = NOTHING

    @classmethod
    def of(
        cls, arguments: ast.arguments, module: Any, owner: type, given: Sequence[Held] | None, named: Mapping[str, Held]
    ) -> Frame:
        """The beginning of a method; without ``given`` the parameter that is most likely the network's input holds it."""
        first, *places = [each.arg for each in (*arguments.posonlyargs, *arguments.args)] or [""]
        rest, others = (each.arg if each else "" for each in (arguments.vararg, arguments.kwarg))
        every = [*places, *(each.arg for each in arguments.kwonlyargs)]
        if given is None:
            usual = next((name for name in USUAL_NAMES if name in every), None)
            names: dict[str, Any] = {usual or next(iter((*every, *filter(None, (rest, others)))), ""): INPUT}
        else:
            unpacked = named.get(UNPACKED, NOTHING)
            names = dict.fromkeys(every, unpacked)
            names |= dict(zip(places, given, strict=False)) | {name: held for name, held in named.items() if name in every}
            names[rest] = unpacked.union(*given[len(places) :])
            names[others] = unpacked.union(*(held for name, held in named.items() if name not in every))
        return cls(module, owner, first, names, frozenset({rest, others}))

    def held(self, name: str) -> Held:
        """What a name may hold of the input."""
        found = self.names.get(name, NOTHING)
        return found if isinstance(found, frozenset) else NOTHING

    def held_in(self, node: ast.AST) -> Held:
        """What the names anywhere inside of a piece of code may hold."""
        return NOTHING.union(*(self.held(each.id) for each in ast.walk(node) if isinstance(each, ast.Name)))

    def meet(self, ends: Sequence[Mapping[str, Any]]) -> None:
        """Go on behind several branches: a name may hold what it holds in any; modules that differ are not followed."""
        self.names = {name: _joined([end.get(name, NOTHING) for end in ends]) for end in ends for name in end}

    def module_of(self, node: ast.expr) -> Any | None:
        """The module that an expression names, None if it names none that is known."""
        match node:
            case ast.Name():
                held = self.module if node.id == self.own_name else self.names.get(node.id)
                return held if is_module(held) else None
            case ast.Attribute(value=base, attr=str(name)):
                of = self.module_of(base)
            case ast.Subscript(value=base, slice=ast.Constant(value=str() | int() as key)):
                name, of = str(key), self.module_of(base)
                of = of if is_container(of) else None
            case ast.Call(func=ast.Name(id="getattr"), args=[base, ast.Constant(value=str(name)), *_]):
                of = self.module_of(base)
            case _:
                return None
        found = None if of is None else parts_of(of).get(name, vars(of).get(name))
        return found if is_module(found) else None

    def truth(self, node: ast.expr) -> bool | None:
        """Whether a test holds, where the network's own attributes decide it; None where they do not."""
        match node:
            case ast.UnaryOp(op=ast.Not()):
                truth = self.truth(node.operand)
                return None if truth is None else not truth
            case ast.BoolOp():
                truths = {self.truth(each) for each in node.values}
                decides = isinstance(node.op, ast.Or)
                return decides if decides in truths else None if None in truths else not decides
            case ast.Compare(ops=[ast.Is() | ast.IsNot() as op], comparators=[ast.Constant(value=None)]):
                found = self._stated(node.left)
                return None if not found else (found[0] is None) == isinstance(op, ast.Is)
            case ast.Compare(ops=[ast.Eq() | ast.NotEq() as op], comparators=[ast.Constant(value=value)]):
                found = self._stated(node.left)
                return (found[0] == value) == isinstance(op, ast.Eq) if found and isinstance(found[0], _PLAIN) else None
        return False if isinstance(node, ast.Call) and ast.unparse(node.func) in _NEVER else _as_truth(self._stated(node))

    def _stated(self, node: ast.expr) -> tuple[Any] | None:
        """The value of a constant, or of an attribute of a module, which no code of its own computes; ``training`` changes."""
        if isinstance(node, ast.Constant):
            return (node.value,)
        of = self.module_of(node.value) if isinstance(node, ast.Attribute) else None
        if of is None or not isinstance(node, ast.Attribute) or node.attr == "training":
            return None
        places = (vars(of), *(vars(of).get(name, {}) for name in ("_modules", "_parameters", "_buffers")))
        return next(((place[node.attr],) for place in places if node.attr in place), None)


def tree_of(function: Any) -> ast.FunctionDef | str:
    """The syntax tree of a method, or the reason why it cannot be followed."""
    try:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function)))).body
    except (OSError, TypeError, SyntaxError, ValueError, tokenize.TokenError):
        return "its source is not at hand"
    if not isinstance(tree, ast.FunctionDef):
        return "it is no function of its own"
    strange = next((each for each in map(ast.unparse, tree.decorator_list) if not _HARMLESS.match(each)), None)
    return tree if strange is None else f"it is decorated with {strange}"


def is_module(thing: Any) -> bool:
    """Whether something holds named modules, as a ``torch.nn.Module`` does."""
    return isinstance(getattr(thing, "__dict__", {}).get("_modules"), dict)


def is_container(module: Any) -> bool:
    """Whether a module is one of torch's that hold others by number or name."""
    return any(f"{cls.__module__}.{cls.__qualname__}" in _CONTAINERS for cls in type(module).__mro__)


def parts_of(module: Any) -> dict[str, Any]:
    """The modules that a module holds, by name; no code of its own is run."""
    parts: dict[str, Any] = vars(module)["_modules"]
    return parts


def quoted(node: ast.AST) -> str:
    """A piece of code in one short line."""
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _joined(held: Sequence[Any]) -> Any:
    if all(each is held[0] for each in held):
        return held[0]
    return NOTHING.union(*(each for each in held if isinstance(each, frozenset)))


def _as_truth(found: tuple[Any] | None) -> bool | None:
    if not found or not (is_module(found[0]) or isinstance(found[0], _PLAIN)):
        return None
    return None if is_module(found[0]) and hasattr(type(found[0]), "__len__") else found[0] is not None and bool(found[0])
