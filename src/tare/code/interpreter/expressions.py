"""The values of expressions."""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from tare.code.interpreter.conditions import of_test
from tare.code.interpreter.frame import DEEPEST_EXPRESSION, Frame
from tare.code.interpreter.mutation import mutated
from tare.code.interpreter.operators import NAMES, compared, computed, lifted, plain, truth
from tare.code.interpreter.patterns import bind
from tare.code.interpreter.values import (
    UNKNOWN,
    Call,
    Choice,
    Function,
    Items,
    Library,
    Literal,
    Table,
    Value,
    joined,
    named,
)

_MOST_ITEMS = 256
_BUILTINS = frozenset(
    [
        "len",
        "list",
        "tuple",
        "set",
        "dict",
        "range",
        "zip",
        "map",
        "int",
        "float",
        "str",
        "bool",
        "sorted",
        "reversed",
        "enumerate",
        "round",
        "sum",
        "min",
        "max",
        "abs",
        "isinstance",
        "getattr",
        "super",
        "print",
        "open",
        "property",
        "type",
        "any",
        "all",
        "next",
        "iter",
        "vars",
        "filter",
        "hasattr",
        "setattr",
    ]
)


def evaluate(frame: Frame, node: ast.expr) -> Value:
    """The value of an expression; UNKNOWN below a depth that no code written by hand has."""
    frame.run.step()
    act = _KINDS.get(type(node))
    if act is None or frame.depth > DEEPEST_EXPRESSION:
        return UNKNOWN
    frame.depth += 1
    try:
        return act(frame, node)
    finally:
        frame.depth -= 1


def made(frame: Frame, function: str, args: Sequence[Value], node: ast.AST, receiver: Value = UNKNOWN, **more: object) -> Call:
    """A call that is not followed, entered in the log if a library's table has its name."""
    keywords = more.get("keywords")
    call = Call(
        function,
        tuple(args),
        keywords if isinstance(keywords, Mapping) else {},
        frame.spot(node),
        receiver,
        frame.decisions,
        frame.within,
        frame.run.entry,
        bool(more.get("spread")),
    )
    if frame.run.interesting(call.last) or "std" in call.keywords or "image_std" in call.keywords:
        frame.run.log.append(call)
    for value in (*call.args, *call.keywords.values()):
        if isinstance(value, Function):
            frame.run.handed.append(value)
    return call


def _constant(frame: Frame, node: ast.Constant) -> Value:
    return Literal(node.value, frame.spot(node))


def _name(frame: Frame, node: ast.Name) -> Value:
    found = frame.look_up(node.id)
    if found is not None:
        return found
    if node.id in _BUILTINS:
        return Library(f"builtins.{node.id}")
    for star in reversed(frame.stars):
        return Library(f"{star}.{node.id}")
    return UNKNOWN


def _sequence(frame: Frame, node: ast.List | ast.Tuple | ast.Set) -> Value:
    found: list[Value] = []
    for each in node.elts[: _MOST_ITEMS + 1]:
        value = frame.run.engine.evaluate(frame, each.value if isinstance(each, ast.Starred) else each)
        if not isinstance(each, ast.Starred):
            found.append(value)
        elif isinstance(value, Items):
            found.extend(value.items)
        else:
            return made(frame, "operator.spread", (), node)
    if len(node.elts) > _MOST_ITEMS:
        return UNKNOWN
    return Items(tuple(found), frame.spot(node), type(node).__name__.lower())


def _dictionary(frame: Frame, node: ast.Dict) -> Value:
    entries: dict[object, Value] = {}
    spread = False
    for key, each in zip(node.keys, node.values, strict=True):
        value = frame.run.engine.evaluate(frame, each)
        if key is None:
            spread |= not isinstance(value, Table) or value.spread
            entries |= value.entries if isinstance(value, Table) else {}
            continue
        name = frame.run.engine.evaluate(frame, key)
        if isinstance(name, Literal) and isinstance(name.value, str | int | float | bool):
            entries[name.value] = named(value, str(name.value))
        else:
            spread = True
    return Table(entries, frame.spot(node), spread)


def _attribute(frame: Frame, node: ast.Attribute) -> Value:
    owner = frame.run.engine.evaluate(frame, node.value)
    return frame.run.engine.attribute(frame, owner, node.attr, frame.spot(node))


def _binary(frame: Frame, node: ast.BinOp) -> Value:
    left, right = frame.run.engine.evaluate(frame, node.left), frame.run.engine.evaluate(frame, node.right)
    symbol = NAMES[type(node.op)]
    spot = frame.spot(node)

    def act(one: Value, other: Value) -> Value:
        found = computed(symbol, one, other, spot)
        return made(frame, f"operator.{symbol}", (one, other), node) if found is None else found

    return lifted(act, left, right)


def _unary(frame: Frame, node: ast.UnaryOp) -> Value:
    value = frame.run.engine.evaluate(frame, node.operand)
    if isinstance(node.op, ast.Not):
        known = truth(value)
        return UNKNOWN if known is None else Literal(not known, frame.spot(node))
    if isinstance(node.op, ast.USub) and isinstance(value, Literal) and isinstance(value.value, int | float):
        return Literal(-value.value, frame.spot(node), value.soft)
    return value if isinstance(node.op, ast.UAdd) else UNKNOWN


def _all(frame: Frame, node: ast.BoolOp) -> Value:
    values = [frame.run.engine.evaluate(frame, each) for each in node.values]
    wanted = isinstance(node.op, ast.Or)
    for value in values[:-1]:
        known = truth(value)
        if known is None:
            return _either(frame, node, values) if wanted else UNKNOWN
        if known is wanted:
            return value
    return values[-1]


def _either(frame: Frame, node: ast.BoolOp, values: Sequence[Value]) -> Value:
    """``transform or default``: what is used where nobody gives another."""
    if len(values) == 2 and isinstance(values[0], Literal) and values[0].soft and not values[0].value:
        return values[1]
    yes, no = of_test(node.values[0], frame.scope)
    return joined([(yes, values[0]), (no, values[1])]) if len(values) == 2 else UNKNOWN


def _compare(frame: Frame, node: ast.Compare) -> Value:
    left = frame.run.engine.evaluate(frame, node.left)
    rights = [frame.run.engine.evaluate(frame, each) for each in node.comparators]
    if len(rights) != 1:
        return UNKNOWN
    test = type(node.ops[0])
    return lifted(lambda one, other: compared(test, one, other) or UNKNOWN, left, rights[0])


def _conditional(frame: Frame, node: ast.IfExp) -> Value:
    known = truth(frame.run.engine.evaluate(frame, node.test))
    if known is not None:
        return frame.run.engine.evaluate(frame, node.body if known else node.orelse)
    found: list[tuple[frozenset[object], Value]] = []

    def arm(each: ast.expr) -> Callable[[], None]:
        return lambda: found.append((frame.decisions, frame.run.engine.evaluate(frame, each)))

    yes, no = of_test(node.test, frame.scope)
    frame.branch([(yes, arm(node.body)), (no, arm(node.orelse))])
    return joined(found)  # type: ignore[arg-type]


def _call(frame: Frame, node: ast.Call) -> Value:
    callee = frame.run.engine.evaluate(frame, node.func)
    args: list[Value] = []
    spread = False
    for each in node.args:
        value = frame.run.engine.evaluate(frame, each.value if isinstance(each, ast.Starred) else each)
        if isinstance(each, ast.Starred):
            spread |= not isinstance(value, Items)
            args.extend(value.items if isinstance(value, Items) else ())
        else:
            args.append(value)
    keywords: dict[str, Value] = {}
    for keyword in node.keywords:
        value = frame.run.engine.evaluate(frame, keyword.value)
        if keyword.arg is not None:
            keywords[keyword.arg] = named(value, keyword.arg)
        elif isinstance(value, Table):
            spread |= value.spread
            keywords |= {str(key): each for key, each in value.entries.items()}
        else:
            spread = True
    spot = frame.spot(node)
    changed = mutated(frame, node, args)
    if changed is None:
        changed = _got(frame, node, callee, args)
    if changed is not None:
        return changed
    if not isinstance(callee, Choice):
        return frame.run.engine.call(frame, callee, tuple(args), keywords, spot, spread=spread)
    found: list[tuple[frozenset[object], Value]] = []

    def arm(each: Value) -> Callable[[], None]:
        return lambda: found.append(
            (frame.decisions, frame.run.engine.call(frame, each, tuple(args), keywords, spot, spread=spread))
        )

    frame.branch([(decisions, arm(each)) for decisions, each in callee.options])
    return joined(found)  # type: ignore[arg-type]


def _got(frame: Frame, node: ast.Call, callee: Value, args: Sequence[Value]) -> Value | None:
    """``table.get(key)`` with a key that is not known: any of the values, each where the key is its own."""
    if not isinstance(callee, Call) or callee.function != "@get" or not isinstance(callee.receiver, Table) or not args:
        return None
    owner = callee.receiver
    if (isinstance(args[0], Literal) and not args[0].soft) or owner.spread or isinstance(node.args[0], ast.Starred):
        return None
    keys = of_key(node.args[0], frame.scope, list(owner.entries))
    _, absent = of_test(_is_one_of(node.args[0], list(owner.entries)), frame.scope)
    default = args[1] if len(args) > 1 else Literal(None, frame.spot(node))
    return joined([*zip(keys, owner.entries.values(), strict=True), (absent, default)])


def _is_one_of(node: ast.expr, keys: Sequence[object]) -> ast.Compare:
    return ast.Compare(node, [ast.In()], [ast.Tuple([ast.Constant(key) for key in keys], ast.Load())])  # type: ignore[arg-type]


def _subscript(frame: Frame, node: ast.Subscript) -> Value:
    owner = frame.run.engine.evaluate(frame, node.value)
    if any(isinstance(each, ast.Slice) for each in ast.walk(node.slice)):
        return lifted(lambda one: _sliced(frame, one, node), owner)
    index = frame.run.engine.evaluate(frame, node.slice)
    return lifted(lambda one, key: item(frame, one, key, node), owner, index)


def _sliced(frame: Frame, owner: Value, node: ast.Subscript) -> Value:
    if not isinstance(owner, Items) or not isinstance(node.slice, ast.Slice):
        text = ast.unparse(node.slice)[:80]
        return made(frame, "operator.slice", (owner, Literal(text, frame.spot(node))), node)
    ends = (node.slice.lower, node.slice.upper, node.slice.step)
    numbers = [None if each is None else plain(frame.run.engine.evaluate(frame, each)) for each in ends]
    if any(not isinstance(each, int | None) for each in numbers) or numbers[2] == 0:
        return UNKNOWN
    start, stop, step = (each if isinstance(each, int) else None for each in numbers)
    return Items(owner.items[start:stop:step], owner.spot, owner.kind, owner.soft)


def item(frame: Frame, owner: Value, key: Value, node: ast.AST) -> Value:
    """An item of a list or dictionary; of a dictionary under a key that is not known, any of its values."""
    if isinstance(owner, Table):
        return _entry(frame, owner, key, node)
    if isinstance(owner, Items):
        if isinstance(key, Literal) and isinstance(key.value, int) and -len(owner.items) <= key.value < len(owner.items):
            return owner.items[key.value]
        return UNKNOWN
    return made(frame, "operator.item", (owner, key), node)


def _entry(frame: Frame, owner: Table, key: Value, node: ast.AST) -> Value:
    if isinstance(key, Literal) and not key.soft:
        return owner.entries.get(key.value, UNKNOWN)
    if owner.spread or not owner.entries or not isinstance(node, ast.Subscript):
        return UNKNOWN
    from_key = of_key(node.slice, frame.scope, list(owner.entries))
    return joined(list(zip(from_key, owner.entries.values(), strict=True)))


def of_key(node: ast.expr, scope: str, keys: Sequence[object]) -> list[frozenset[object]]:  # type: ignore[type-arg]
    """The decisions under which an index that is not known is each of the keys."""
    tests = [ast.Compare(node, [ast.Eq()], [ast.Constant(key)]) for key in keys]  # type: ignore[arg-type]
    return [of_test(test, scope)[0] for test in tests]  # type: ignore[misc]


def _comprehension(frame: Frame, node: ast.ListComp | ast.GeneratorExp | ast.SetComp) -> Value:
    if len(node.generators) != 1:
        return UNKNOWN
    generator = node.generators[0]
    over = frame.run.engine.evaluate(frame, generator.iter)
    saved = dict(frame.names)

    def act(items: Value) -> Value:
        if not isinstance(items, Items) or generator.ifs or len(items.items) > _MOST_ITEMS:
            bind(frame, generator.target, UNKNOWN)
            return made(frame, "operator.each", (frame.run.engine.evaluate(frame, node.elt),), node)
        found = [_element(frame, generator.target, each, node.elt) for each in items.items]
        return Items(tuple(found), frame.spot(node), "list", items.soft)

    result = lifted(act, over)
    frame.names.clear()
    frame.names.update(saved)
    return result


def _element(frame: Frame, target: ast.expr, value: Value, body: ast.expr) -> Value:
    bind(frame, target, value)
    return frame.run.engine.evaluate(frame, body)


def _lambda(frame: Frame, node: ast.Lambda) -> Value:
    made_here = function(frame, node, "<lambda>")
    frame.run.handed.append(made_here)
    return made_here


def function(frame: Frame, node: ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> Function:
    """The function that a definition makes here."""
    given = [*node.args.posonlyargs, *node.args.args]
    defaults = dict(zip((each.arg for each in given[len(given) - len(node.args.defaults) :]), node.args.defaults, strict=True))
    defaults |= {
        each.arg: value for each, value in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if value is not None
    }
    values = {key: named(frame.run.engine.evaluate(frame, value), key) for key, value in defaults.items()}
    return Function(node, frame.source, name, values, chained(frame.names, *frame.enclosing), decisions=frame.decisions)


def chained(*names: Mapping[str, Value]) -> Mapping[str, Value]:
    """The variables around a function, as they are when it runs."""
    return ChainMap(*(cast("dict[str, Value]", each) for each in names))


def _joined_text(frame: Frame, node: ast.JoinedStr) -> Value:
    parts = [
        frame.run.engine.evaluate(frame, each.value if isinstance(each, ast.FormattedValue) else each) for each in node.values
    ]
    if all(isinstance(each, Literal) for each in parts):
        return Literal("".join(str(each.value) for each in parts if isinstance(each, Literal)), frame.spot(node))
    return UNKNOWN


def _walrus(frame: Frame, node: ast.NamedExpr) -> Value:
    value = frame.run.engine.evaluate(frame, node.value)
    bind(frame, node.target, value)
    return value


def _inner(frame: Frame, node: ast.Await | ast.Starred) -> Value:
    return frame.run.engine.evaluate(frame, node.value)


def _yielded(frame: Frame, node: ast.Yield | ast.YieldFrom) -> Value:
    if node.value is not None:
        frame.run.engine.evaluate(frame, node.value)
    return UNKNOWN


def _dict_comprehension(frame: Frame, node: ast.DictComp) -> Value:
    generator = node.generators[0]
    over = frame.run.engine.evaluate(frame, generator.iter)
    if len(node.generators) != 1 or generator.ifs or not isinstance(over, Items):
        return UNKNOWN
    saved, entries = dict(frame.names), {}
    for each in over.items[:_MOST_ITEMS]:
        bind(frame, generator.target, each)
        key = frame.run.engine.evaluate(frame, node.key)
        value = frame.run.engine.evaluate(frame, node.value)
        if not isinstance(key, Literal) or not isinstance(key.value, str | int):
            return UNKNOWN
        entries[key.value] = named(value, str(key.value))
    frame.names.clear()
    frame.names.update(saved)
    return Table(dict(entries), frame.spot(node))


_KINDS: dict[type[ast.expr], Callable[[Frame, ast.expr], Value]] = {  # type: ignore[assignment]
    ast.Constant: _constant,
    ast.Name: _name,
    ast.List: _sequence,
    ast.Tuple: _sequence,
    ast.Set: _sequence,
    ast.Dict: _dictionary,
    ast.Attribute: _attribute,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _all,
    ast.Compare: _compare,
    ast.IfExp: _conditional,
    ast.Call: _call,
    ast.Subscript: _subscript,
    ast.ListComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.SetComp: _comprehension,
    ast.DictComp: _dict_comprehension,
    ast.Lambda: _lambda,
    ast.JoinedStr: _joined_text,
    ast.NamedExpr: _walrus,
    ast.Await: _inner,
    ast.Starred: _inner,
    ast.Yield: _yielded,
    ast.YieldFrom: _yielded,
}
