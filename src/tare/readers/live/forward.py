"""Which layers of a live network its input reaches first, told from the source of each ``forward``.

Nothing is run. Names, branches, loops and the methods of a network are followed as far as they hold the input itself, or what
one of the layers makes of it. Whatever else is done to it, or cannot be followed, ends the route and is quoted.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tare.readers.live.frame import INPUT, NOTHING, UNPACKED, Frame, Held, is_container, parts_of, quoted, tree_of

_DEEPEST, _MOST_LAYERS, _MOST_METHODS = 24, 64, 2000
#: Modules that pass their arguments to the one inside, which they have under this name.
_WRAPPERS = {
    "torch._dynamo.eval_frame.OptimizedModule": "_orig_mod",
    "torch.nn.parallel.data_parallel.DataParallel": "module",
    "torch.nn.parallel.distributed.DistributedDataParallel": "module",
    "torch.distributed.fsdp.fully_sharded_data_parallel.FullyShardedDataParallel": "module",
}
_SEQUENTIAL, _IDENTITY = "torch.nn.modules.container.Sequential", "torch.nn.modules.linear.Identity"
#: Attributes and methods that say how a tensor looks, and functions that do; they leave its values.
_LOOKS = frozenset(
    {"shape", "dtype", "device", "ndim", "layout", "size", "dim", "ndimension", "numel", "stride", "is_cuda", "requires_grad"}
    | {"is_floating_point", "is_complex", "is_contiguous", "get_device"}
)
_LOOKING = frozenset(
    {"isinstance", "len", "type", "id", "hasattr", "callable"}
    | {"torch.is_tensor", "torch.is_floating_point", "torch.is_complex", "torch._assert", "torch.numel"}
)
#: Methods whose result holds the same values, in another place or type, and those that reach into a batch.
_KEEPING = frozenset(
    {"to", "type", "type_as", "float", "double", "half", "bfloat16", "cpu", "cuda", "contiguous", "clone", "detach"}
)
_INTO = frozenset({"get", "values", "items"})
_PACKING = frozenset({"tuple", "list", "dict", "iter", "reversed", "enumerate", "zip"})
_INTEGERS = re.compile(r"int|long|short|bool|byte|char", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Route:
    """The ``layers`` that the input passes one after another, each the only one that takes what the one before makes.

    ``end`` says what comes then. ``decided`` says whether that is a layer, and nothing was done to the values on the way.
    """

    layers: tuple[tuple[str, Any], ...]
    end: str
    decided: bool


def route_of_input(network: Any, wanted: Callable[[Any], bool]) -> Route:
    """Follow the input of ``network`` through the layers that are ``wanted``, to the first other one.

    A module with none of them inside counts as one layer.
    """
    flow = _Flow(network, wanted)
    flow.call(network, None, {})
    held, layers = INPUT, list[tuple[str, Any]]()
    while True:
        changes = [change for token in held for change in flow.changes.get(token, ())]
        uses = {id(layer): layer for token in held for layer in flow.uses.get(token, ())}
        names = [flow.name(layer) for layer in uses.values()]
        if changes or not uses:
            return Route(tuple(layers), changes[0] if changes else "no layer is seen to take the input", decided=False)
        if len(uses) > 1:
            end = f"the input is given to {' and to '.join(map(repr, names[:3]))}"
            return Route(tuple(layers), end, decided=not any(map(wanted, uses.values())))
        ((token, layer),) = uses.items()
        again = any(each is layer for _, each in layers)
        layers.append((names[0], layer))
        if again or not wanted(layer):
            return Route(tuple(layers), f"the input is given to {names[0]!r}", decided=True)
        held = frozenset({token})


class _Flow:
    """Follow what may be the input through the modules of a network; ``uses`` and ``changes`` say what happens to it."""

    def __init__(self, network: Any, wanted: Callable[[Any], bool]) -> None:
        self.uses: dict[int, list[Any]] = {}
        self.changes: dict[int, list[str]] = {}
        self._names = {id(module): name for name, module in network.named_modules()}
        self._wanted = {id(module) for module in network.modules() if wanted(module)}
        self._running: list[tuple[int, type, str]] = []
        self._followed = 0

    def name(self, module: Any) -> str:
        """The name of a module in the network, or of its class where it has none."""
        return self._names.get(id(module)) or type(module).__name__

    def call(self, module: Any, given: Sequence[Held] | None, named: Mapping[str, Held]) -> Held:
        """What a module makes of its arguments; ``given`` is None for the network itself, whose arguments are not known."""
        kinds = {f"{cls.__module__}.{cls.__qualname__}" for cls in type(module).__mro__}
        inner = next((parts_of(module).get(name) for kind, name in _WRAPPERS.items() if kind in kinds), None)
        if inner is not None:
            return self.call(inner, given, named)
        held = INPUT if given is None else NOTHING.union(*given, *named.values())
        if given is not None and vars(module).get("_forward_pre_hooks"):
            return self._changed(held, f"{self.name(module)!r} has a forward pre-hook")
        if self._is_layer(module):
            return held if _IDENTITY in kinds else self._used(module, held)
        if _SEQUENTIAL in kinds and type(module).forward.__qualname__ == "Sequential.forward":
            for layer in parts_of(module).values():
                held = self.call(layer, [held], {})
            return held
        caller = next((cls.__module__ for cls in type(module).__mro__ if "__call__" in vars(cls)), "")
        if not caller.startswith("torch."):
            return self._changed(held, f"the {type(module).__name__} has a __call__ of its own")
        return self._method(module, "forward", given, named)

    def _is_layer(self, module: Any) -> bool:
        return id(module) in self._wanted or not any(id(each) in self._wanted for each in module.modules())

    def _used(self, layer: Any, held: Held) -> Held:
        for token in held:
            self.uses.setdefault(token, []).append(layer)
        return frozenset({id(layer)}) if held else NOTHING

    def _changed(self, held: Held, what: str) -> Held:
        """Note what is done to the values, which then are no longer followed."""
        for token in held:
            self.changes.setdefault(token, []).append(what)
        return NOTHING

    def _computed(self, held: Held, node: ast.AST) -> Held:
        return self._changed(held, f"the input is used in {quoted(node)}")

    def _method(
        self, module: Any, name: str, given: Sequence[Held] | None, named: Mapping[str, Held], after: type | None = None
    ) -> Held:
        """What a method of a module makes of its arguments, or the same method of the classes ``after`` one of its own."""
        held = INPUT if given is None else NOTHING.union(*given, *named.values())
        if not held or 0 in self.changes:  # the route has ended where it begins
            return NOTHING
        classes = type(module).__mro__
        classes = classes[classes.index(after) + 1 :] if after in classes else classes
        owner = next((cls for cls in classes if name in vars(cls)), None)
        said = f"the {name} of the {type(module).__name__} cannot be followed"
        self._followed += 1
        too_far = len(self._running) > _DEEPEST or self._followed > _MOST_METHODS
        if owner is None or name in vars(module) or too_far or (id(module), owner, name) in self._running:
            return self._changed(held, said)
        tree = tree_of(vars(owner)[name])
        if isinstance(tree, str):
            return self._changed(held, f"{said}: {tree}")
        self._running.append((id(module), owner, name))
        frame = Frame.of(tree.args, module, owner, given, named)
        self._body(tree.body, frame)
        self._running.pop()
        return frame.result

    def _body(self, body: Iterable[ast.stmt], frame: Frame) -> bool:
        """Follow statements in their order; False if they end the method."""
        return all(self._statement(each, frame) for each in body)

    def _statement(self, node: ast.stmt, frame: Frame) -> bool:
        if isinstance(node, _PASSED_OVER):
            return True
        act = _STATEMENTS.get(type(node))
        if act is not None:
            return act(self, node, frame)
        self._computed(frame.held_in(node), node)
        return True

    def _return(self, node: ast.Return, frame: Frame) -> bool:
        frame.result |= self._value(node.value, frame)
        return False

    def _raise(self, _: ast.Raise, __: Frame) -> bool:
        return False

    def _expression(self, node: ast.Expr, frame: Frame) -> bool:
        self._value(node.value, frame)
        return True

    def _assign(self, node: ast.Assign | ast.AnnAssign, frame: Frame) -> bool:
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            value = node.value
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
                taken = [self._taken(each, frame) for each in value.elts]
                for part, each in zip(target.elts, taken, strict=True):
                    self._bind(part, each, frame)
            elif value is not None:
                self._bind(target, self._taken(value, frame), frame)
        return True

    def _change_in_place(self, node: ast.AugAssign, frame: Frame) -> bool:
        held = self._value(node.value, frame) | self._value(node.target, frame)
        self._bind(node.target, self._computed(held, node), frame)
        return True

    def _if(self, node: ast.If, frame: Frame) -> bool:
        truth = frame.truth(node.test)
        if truth is not None:
            return self._body(node.body if truth else node.orelse, frame)
        self._value(node.test, frame)
        return self._either([node.body, node.orelse], frame)

    def _either(self, bodies: Iterable[Iterable[ast.stmt]], frame: Frame) -> bool:
        """Follow each of several bodies from here, and go on from the ends of those that do not end the method."""
        before, ends = frame.names, list[dict[str, Any]]()
        for body in bodies:
            frame.names = dict(before)
            if self._body(body, frame):
                ends.append(frame.names)
        frame.meet(ends)
        return bool(ends)

    def _for(self, node: ast.For, frame: Frame) -> bool:
        over = frame.module_of(node.iter)
        if over is not None and is_container(over):
            may_skip = any(isinstance(each, ast.Break | ast.Continue) for each in ast.walk(node))
            goes_on = True
            for layer in list(parts_of(over).values())[:_MOST_LAYERS]:
                self._bind(node.target, layer, frame)
                goes_on = goes_on and self._either([node.body, []] if may_skip else [node.body], frame)
            return goes_on and self._body(node.orelse, frame)
        held = self._value(node.iter, frame)
        for _ in range(2):  # the second time with what the first has left
            self._bind(node.target, held, frame)
            self._either([node.body, []], frame)
        return self._body(node.orelse, frame)

    def _while(self, node: ast.While, frame: Frame) -> bool:
        for _ in range(2):
            self._value(node.test, frame)
            self._either([node.body, []], frame)
        return self._body(node.orelse, frame)

    def _with(self, node: ast.With, frame: Frame) -> bool:
        for item in node.items:
            self._value(item.context_expr, frame)
        return self._body(node.body, frame)

    def _try(self, node: ast.Try, frame: Frame) -> bool:
        goes_on = self._either([[*node.body, *node.orelse], *(each.body for each in node.handlers)], frame)
        return self._body(node.finalbody, frame) and goes_on

    def _taken(self, value: ast.expr, frame: Frame) -> Any:
        """The module that an expression names, else what it may hold."""
        module = frame.module_of(value)
        return self._value(value, frame) if module is None else module

    def _bind(self, target: ast.expr, held: Any, frame: Frame) -> None:
        match target:
            case ast.Name():
                frame.names[target.id] = held
            case ast.Tuple() | ast.List():
                for part in target.elts:
                    self._bind(part, held, frame)
            case ast.Starred():
                self._bind(target.value, held, frame)
            case _:  # into an object, where it is not followed, or into the values themselves
                held = held if isinstance(held, frozenset) else NOTHING
                self._changed(held | frame.held_in(target), f"the input is used in {quoted(target)} = ...")

    def _value(self, node: ast.expr | None, frame: Frame) -> Held:
        """What an expression may hold; what it does to the values is noted."""
        act = _EXPRESSIONS.get(type(node))
        if act is not None:
            return act(self, node, frame)
        held = self._parts(node, frame)
        return held if node is None or isinstance(node, _HOLDING) else self._computed(held, node)

    def _parts(self, node: ast.expr | None, frame: Frame) -> Held:
        parts = () if node is None else ast.iter_child_nodes(node)
        return NOTHING.union(*(self._value(each, frame) for each in parts if isinstance(each, ast.expr)))

    def _attribute(self, node: ast.Attribute, frame: Frame) -> Held:
        held = self._value(node.value, frame)
        if node.attr in _LOOKS:
            return NOTHING
        return held if node.attr == "data" else self._computed(held, node)

    def _subscript(self, node: ast.Subscript, frame: Frame) -> Held:
        """An argument out of a batch, or the values with an axis in front; anything else takes some of them."""
        held = self._value(node.value, frame)
        self._computed(self._value(node.slice, frame), node)
        key = node.slice.value if isinstance(node.slice, ast.Constant) else ...
        packed = isinstance(node.value, ast.Name) and node.value.id in frame.packed
        return held if key is None or isinstance(key, str) or (packed and isinstance(key, int)) else self._computed(held, node)

    def _chosen(self, node: ast.IfExp, frame: Frame) -> Held:
        truth = frame.truth(node.test)
        if truth is not None:
            return self._value(node.body if truth else node.orelse, frame)
        self._value(node.test, frame)
        return self._value(node.body, frame) | self._value(node.orelse, frame)

    def _compared(self, node: ast.Compare, frame: Frame) -> Held:
        held = self._parts(node, frame)
        looks = all(isinstance(each, ast.Is | ast.IsNot | ast.In | ast.NotIn) for each in node.ops)
        return NOTHING if looks else self._computed(held, node)

    def _named(self, node: ast.NamedExpr, frame: Frame) -> Held:
        self._bind(node.target, self._taken(node.value, frame), frame)
        return frame.held(node.target.id)

    def _lambda(self, node: ast.Lambda, frame: Frame) -> Held:
        return self._computed(frame.held_in(node), node)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, frame: Frame) -> Held:
        before, frame.names = frame.names, dict(frame.names)
        for each in node.generators:
            self._bind(each.target, self._value(each.iter, frame), frame)
            for test in each.ifs:
                self._value(test, frame)
        elements = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        held = NOTHING.union(*(self._value(each, frame) for each in elements))
        frame.names = before
        return held

    def _called(self, node: ast.Call, frame: Frame) -> Held:
        """What a call makes: of a module, of a module's method, of a tensor's method, or of a function."""
        given = [self._value(each, frame) for each in node.args]
        named = {each.arg or UNPACKED: self._value(each.value, frame) for each in node.keywords}
        if any(isinstance(each, ast.Starred) for each in node.args):
            named[UNPACKED] = named.get(UNPACKED, NOTHING).union(*given)
            given = []
        called = frame.module_of(node.func)
        if called is not None:
            return self.call(called, given, named)
        if isinstance(node.func, ast.Attribute):
            if _is_super(node.func.value):
                return self._method(frame.module, node.func.attr, given, named, frame.owner)
            of = frame.module_of(node.func.value)
            if of is not None and self._is_layer(of):
                return self._used(of, NOTHING.union(*given, *named.values()))
            if of is not None:
                return self._method(of, node.func.attr, given, named)
        return self._of_tensor(node, NOTHING.union(*given, *named.values()), frame)

    def _of_tensor(self, node: ast.Call, held: Held, frame: Frame) -> Held:
        """What a tensor's method, or a function that is not the network's own, makes of its arguments."""
        name = ast.unparse(node.func)
        if name in _LOOKING:
            return NOTHING
        if name in _PACKING:
            return held
        own = self._value(node.func.value if isinstance(node.func, ast.Attribute) else node.func, frame)
        if own and isinstance(node.func, ast.Attribute):
            integers = any(_INTEGERS.search(ast.unparse(each)) for each in (*node.args, *node.keywords))
            if node.func.attr in _LOOKS:
                return NOTHING
            if node.func.attr in _INTO or (node.func.attr in _KEEPING and not integers):
                return own
        return self._computed(held | own, node)


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"


_PASSED_OVER = (ast.Assert, ast.Pass, ast.Break, ast.Continue, ast.Import, ast.ImportFrom, ast.Delete, ast.Global, ast.Nonlocal)
_STATEMENTS: dict[type, Callable[[_Flow, Any, Frame], bool]] = {
    ast.Return: _Flow._return,
    ast.Raise: _Flow._raise,
    ast.Expr: _Flow._expression,
    ast.Assign: _Flow._assign,
    ast.AnnAssign: _Flow._assign,
    ast.AugAssign: _Flow._change_in_place,
    ast.If: _Flow._if,
    ast.For: _Flow._for,
    ast.While: _Flow._while,
    ast.With: _Flow._with,
    ast.Try: _Flow._try,
}
#: Expressions that hold what their parts do.
_HOLDING = (ast.Tuple, ast.List, ast.Set, ast.Dict, ast.BoolOp, ast.Starred)
_EXPRESSIONS: dict[type, Callable[[_Flow, Any, Frame], Held]] = {
    ast.Name: lambda _, node, frame: frame.held(node.id),
    ast.Attribute: _Flow._attribute,
    ast.Subscript: _Flow._subscript,
    ast.IfExp: _Flow._chosen,
    ast.Compare: _Flow._compared,
    ast.NamedExpr: _Flow._named,
    ast.Lambda: _Flow._lambda,
    ast.ListComp: _Flow._comprehension,
    ast.SetComp: _Flow._comprehension,
    ast.GeneratorExp: _Flow._comprehension,
    ast.DictComp: _Flow._comprehension,
    ast.Call: _Flow._called,
}
