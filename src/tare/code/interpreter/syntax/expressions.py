"""The values of expressions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from tare.code.interpreter.conditions import Decisions, agree, united
from tare.code.interpreter.frame import DEEPEST_EXPRESSION, Frame
from tare.code.interpreter.memory.views import VIEWS
from tare.code.interpreter.operators import LONGEST, NAMES, compared, computed, lifted, operated, truth
from tare.code.interpreter.syntax.changes.arrays import changed_by_call
from tare.code.interpreter.syntax.changes.methods import merged
from tare.code.interpreter.syntax.comprehensions import comprehension, dict_comprehension
from tare.code.interpreter.syntax.making import function, made, note_constants
from tare.code.interpreter.syntax.patterns import bind
from tare.code.interpreter.syntax.subscripts import got, subscript
from tare.code.interpreter.values import (
    UNKNOWN,
    Call,
    Choice,
    Items,
    Library,
    Literal,
    Table,
    Value,
    alternatives,
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
        "globals",
    ]
)


def evaluate(frame: Frame, node: ast.expr) -> Value:
    """The value of an expression; UNKNOWN below a depth that no code written by hand has."""
    run = frame.run
    run.steps += 1
    if run.steps > run.limit:
        run.overrun()
    kind = type(node)
    if kind is ast.Name:  # half of all expressions are names and constants, which have no depth
        value = _name(frame, node)  # type: ignore[arg-type]
        return _now(frame, value) if run.heap.moved and type(value) in _HOLDING else value
    if kind is ast.Constant:
        return _constant(frame, node)  # type: ignore[arg-type]
    act = _KINDS.get(kind)
    if act is None or frame.depth > DEEPEST_EXPRESSION:
        if act is not None:
            run.deep.add(frame.source.path)
        return UNKNOWN
    frame.depth += 1
    try:
        value = act(frame, node)
    finally:
        frame.depth -= 1
    return _now(frame, value) if run.heap.moved and type(value) in _HOLDING else value


#: What may be changed in place, or hold such a thing.
_HOLDING = frozenset((Call, Choice, Items, Table))


def _now(frame: Frame, value: Value) -> Value:
    """What a value holds after what was changed in place."""
    kind, moved = type(value), frame.run.heap.moved
    if kind is Call:
        is_moved = value in moved
        if not is_moved and value.function in VIEWS:  # type: ignore[attr-defined]
            return UNKNOWN if frame.run.is_stale(value, frame.run.entry) else value  # type: ignore[arg-type]
    elif kind is Choice:
        is_moved = False
        for _, each in value.options:  # type: ignore[attr-defined]
            if each in moved or getattr(each, "origin", None) in moved:
                is_moved = True
                break
    else:
        is_moved = value in moved or value.origin in moved  # type: ignore[attr-defined]
    return frame.run.now(value, frame.decisions) if is_moved else value


def _constant(frame: Frame, node: ast.Constant) -> Value:
    found = frame.run.literals.get(node)
    if found is None:
        found = frame.run.literals[node] = Literal(node.value, frame.spot(node))
    return found


def _name(frame: Frame, node: ast.Name) -> Value:
    found = frame.look_up(node.id)
    if found is not None:
        return found
    if node.id in _BUILTINS:
        return Library(f"builtins.{node.id}")
    stars = frame.run.stars.get(frame.source.path)
    return Library(f"{stars[-1]}.{node.id}") if stars else UNKNOWN


def _sequence(frame: Frame, node: ast.List | ast.Tuple | ast.Set) -> Value:
    found: list[Value] = []
    spread = False
    for each in node.elts[: _MOST_ITEMS + 1]:
        value = evaluate(frame, each.value if isinstance(each, ast.Starred) else each)
        if not isinstance(each, ast.Starred):
            found.append(value)
        elif isinstance(value, Items):
            found.extend(value.items)
        else:
            spread = True
            found.append(value)
    if len(found) > LONGEST:
        return UNKNOWN
    if spread:
        return made(frame, "operator.spread", tuple(found), node)
    if len(node.elts) > _MOST_ITEMS:
        return UNKNOWN
    return Items(tuple(found), frame.spot(node), type(node).__name__.lower())


def _dictionary(frame: Frame, node: ast.Dict) -> Value:
    entries: dict[object, Value] = {}
    spread = False
    for key, each in zip(node.keys, node.values, strict=True):
        value = evaluate(frame, each)
        if key is None:
            before, spread = merged(entries, spread, value if isinstance(value, Table) else UNKNOWN)
            entries = {**before}
            continue
        name = evaluate(frame, key)
        if isinstance(name, Literal) and isinstance(name.value, str | int | float | bool):
            entries[name.value] = named(value, str(name.value))
            note_constants(frame, each, str(name.value), value)
        else:
            entries, spread = {}, True
    return Table(entries, frame.spot(node), spread)


def _attribute(frame: Frame, node: ast.Attribute) -> Value:
    owner = evaluate(frame, node.value)
    return frame.run.engine.attribute(frame, owner, node.attr, frame.spot(node))


def _binary(frame: Frame, node: ast.BinOp) -> Value:
    left, right = evaluate(frame, node.left), evaluate(frame, node.right)
    symbol = NAMES[type(node.op)]
    spot = frame.spot(node)

    def act(one: Value, other: Value) -> Value:
        found = computed(symbol, one, other, spot)
        return made(frame, f"operator.{symbol}", (one, other), node) if found is None else found

    return operated(act, left, right)


def _unary(frame: Frame, node: ast.UnaryOp) -> Value:
    value = evaluate(frame, node.operand)
    if isinstance(node.op, ast.Not):
        return lifted(lambda one: _negated(frame, one, node), value)
    if isinstance(node.op, ast.USub) and isinstance(value, Literal) and isinstance(value.value, int | float):
        return Literal(-value.value, frame.spot(node), value.soft)
    return value if isinstance(node.op, ast.UAdd) else UNKNOWN


def _negated(frame: Frame, value: Value, node: ast.UnaryOp) -> Value:
    known = truth(value)
    if known is not None:
        return Literal(not known, frame.spot(node))
    if value is not UNKNOWN or not isinstance(node.operand, ast.Name):
        return UNKNOWN
    yes, no = frame.tested(node.operand)
    return Choice(((yes, Literal(False, frame.spot(node))), (no, Literal(True, frame.spot(node)))))


def _all(frame: Frame, node: ast.BoolOp) -> Value:
    values = [evaluate(frame, each) for each in node.values]
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
    yes, no = frame.tested(node.values[0])
    return joined([(yes, values[0]), (no, values[1])]) if len(values) == 2 else UNKNOWN


def _compare(frame: Frame, node: ast.Compare) -> Value:
    left = evaluate(frame, node.left)
    rights = [evaluate(frame, each) for each in node.comparators]
    if len(rights) != 1:
        return UNKNOWN
    test = type(node.ops[0])
    return lifted(lambda one, other: compared(test, one, other) or UNKNOWN, left, rights[0])


def _conditional(frame: Frame, node: ast.IfExp) -> Value:
    tested = evaluate(frame, node.test)
    known = truth(tested)
    if known is not None:
        return evaluate(frame, node.body if known else node.orelse)
    found: list[tuple[Decisions, Value]] = []

    def arm(each: ast.expr) -> Callable[[], None]:
        return lambda: found.append((frame.decisions, evaluate(frame, each)))

    frame.branch([(decisions, arm(node.body if holds else node.orelse)) for decisions, holds in forks(frame, node.test, tested)])
    return joined(found)


def _call(frame: Frame, node: ast.Call) -> Value:
    callee = evaluate(frame, node.func)
    args: list[Value] = []
    spread = False
    for each in node.args:
        value = evaluate(frame, each.value if isinstance(each, ast.Starred) else each)
        if isinstance(each, ast.Starred):
            spread |= not isinstance(value, Items)
            args.extend(value.items if isinstance(value, Items) else ())
        else:
            args.append(value)
    keywords: dict[str, Value] = {}
    for keyword in node.keywords:
        value = evaluate(frame, keyword.value)
        if keyword.arg is not None:
            keywords[keyword.arg] = named(value, keyword.arg)
        elif isinstance(value, Table):
            spread |= value.spread
            keywords |= {str(key): each for key, each in value.entries.items()}
        else:
            spread = True
    spot = frame.spot(node)
    found_entry = got(frame, node, callee, args)
    if found_entry is not None:
        return found_entry
    if not isinstance(callee, Choice):
        value = frame.run.engine.call(frame, callee, tuple(args), keywords, spot, spread=spread)
        if type(callee) is Library or type(callee) is Call:
            changed_by_call(frame, callee, value, args, keywords)
        return value
    found: list[tuple[Decisions, Value]] = []

    def arm(each: Value) -> Callable[[], None]:
        return lambda: found.append(
            (frame.decisions, frame.run.engine.call(frame, each, tuple(args), keywords, spot, spread=spread))
        )

    frame.branch([(decisions, arm(each)) for decisions, each in callee.options])
    return joined(found)


#: The most alternatives of what is tested that are followed one by one.
_MOST_FORKS = 6


def forks(frame: Frame, test: ast.expr, value: Value) -> list[tuple[Decisions, bool]]:
    """The ways that a test may come out, first those where it holds: by the alternatives of its value, where these tell it."""
    yes, no = frame.tested(test)
    if type(value) is not Choice:
        return [(yes, True), (no, False)] if truth(value) is None else [(yes, True)] if truth(value) else [(no, False)]
    known = [(decisions, truth(each)) for decisions, each in alternatives(value)]
    if len(known) > _MOST_FORKS or all(holds is None for _, holds in known):
        return [(yes, True), (no, False)]
    held = [(united(yes, decisions), True) for decisions, holds in known if holds is not False and agree(yes, decisions)]
    return held + [(united(no, decisions), False) for decisions, holds in known if holds is not True and agree(no, decisions)]


def _lambda(frame: Frame, node: ast.Lambda) -> Value:
    made_here = function(frame, node, "<lambda>")
    frame.run.handed.append(made_here)
    return made_here


def _joined_text(frame: Frame, node: ast.JoinedStr) -> Value:
    parts = [evaluate(frame, each.value if isinstance(each, ast.FormattedValue) else each) for each in node.values]
    if not all(isinstance(each, Literal) for each in parts):
        return UNKNOWN
    try:
        texts = [str(each.value) for each in parts if isinstance(each, Literal)]
    except ValueError:  # a number of thousands of digits
        return UNKNOWN
    return Literal("".join(texts), frame.spot(node)) if sum(map(len, texts)) < LONGEST else UNKNOWN


def _walrus(frame: Frame, node: ast.NamedExpr) -> Value:
    value = evaluate(frame, node.value)
    bind(frame, node.target, value)
    return value


def _inner(frame: Frame, node: ast.Await | ast.Starred) -> Value:
    return evaluate(frame, node.value)


def _yielded(frame: Frame, node: ast.Yield | ast.YieldFrom) -> Value:
    if node.value is not None:
        evaluate(frame, node.value)
    return UNKNOWN


_KINDS: dict[type[ast.expr], Callable[[Frame, Any], Value]] = {
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
    ast.Subscript: subscript,
    ast.ListComp: comprehension,
    ast.GeneratorExp: comprehension,
    ast.SetComp: comprehension,
    ast.DictComp: dict_comprehension,
    ast.Lambda: _lambda,
    ast.JoinedStr: _joined_text,
    ast.NamedExpr: _walrus,
    ast.Await: _inner,
    ast.Starred: _inner,
    ast.Yield: _yielded,
    ast.YieldFrom: _yielded,
}
