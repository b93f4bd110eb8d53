"""Statements carried out on abstract values: both branches of a test that cannot be told, loops once or item by item."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from tare.code.interpreter.conditions import ALWAYS, Decisions, of_test
from tare.code.interpreter.frame import Frame
from tare.code.interpreter.operators import NAMES, computed, lifted, truth
from tare.code.interpreter.syntax.expressions import evaluate as _evaluated
from tare.code.interpreter.syntax.importing import imported, imported_from
from tare.code.interpreter.syntax.loading import of_decorator
from tare.code.interpreter.syntax.making import function, made
from tare.code.interpreter.syntax.mutation import changed_in_place
from tare.code.interpreter.syntax.patterns import bind
from tare.code.interpreter.syntax.subscripts import element
from tare.code.interpreter.values import UNKNOWN, Class, Function, Items, Literal, Table, Value

_MOST_ROUNDS = 8
#: How deep blocks are followed; each ``elif`` is a block within the one before.
_DEEPEST = 80


def execute(frame: Frame, body: Sequence[ast.stmt]) -> None:
    """Carry out statements until one leaves the block."""
    run = frame.run
    for statement in body:
        if not frame.alive:
            return
        run.steps += 1
        if run.steps > run.limit:
            run.overrun()
        act = _KINDS.get(type(statement))
        if act is not None and frame.depth >= _DEEPEST:
            run.deep.add(frame.source.path)
        elif act is not None:
            frame.depth += 1
            act(frame, statement)
            frame.depth -= 1


def _expression(frame: Frame, node: ast.Expr) -> None:
    value = _evaluated(frame, node.value)
    if isinstance(node.value, ast.Call):
        changed_in_place(frame, node.value, value)


def _assign(frame: Frame, node: ast.Assign) -> None:
    value = _evaluated(frame, node.value)
    for target in node.targets:
        bind(frame, target, value)


def _annotated(frame: Frame, node: ast.AnnAssign) -> None:
    if node.value is not None:
        bind(frame, node.target, _evaluated(frame, node.value))


def _augmented(frame: Frame, node: ast.AugAssign) -> None:
    load = ast.copy_location(ast.parse("0", mode="eval").body, node.target)
    if isinstance(node.target, ast.Name | ast.Attribute | ast.Subscript):
        load = node.target
    left, right, symbol, spot = _evaluated(frame, load), _evaluated(frame, node.value), NAMES[type(node.op)], frame.spot(node)

    def act(one: Value, other: Value) -> Value:
        if frame.loops and isinstance(one, Literal):
            return UNKNOWN
        found = computed(symbol, one, other, spot)
        return made(frame, f"operator.{symbol}", (one, other), node) if found is None else found

    bind(frame, node.target, lifted(act, left, right))


def _if(frame: Frame, node: ast.If) -> None:
    known = True if _is_main(node.test) else truth(_evaluated(frame, node.test))
    if known is not None:
        frame.run.engine.execute(frame, node.body if known else node.orelse)
        return
    yes, no = frame.tested(node.test)
    frame.branch([(yes, _arm(frame, node.body)), (no, _arm(frame, node.orelse))])


def _arm(frame: Frame, body: Sequence[ast.stmt]) -> Callable[[], None]:
    return lambda: frame.run.engine.execute(frame, body)


def _is_main(test: ast.expr) -> bool:
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Name)
        and test.left.id == "__name__"
        and isinstance(test.ops[0], ast.Eq)
    )


def _for(frame: Frame, node: ast.For | ast.AsyncFor) -> None:
    over = _evaluated(frame, node.iter)
    if isinstance(over, Table) and not over.spread:
        over = Items(tuple(Literal(key) for key in over.entries))
    if isinstance(over, Items) and len(over.items) <= _MOST_ROUNDS and not frame.loops:
        for each in over.items:
            _round(frame, node, each)
    else:
        frame.loops += 1
        _round(frame, node, element(frame, over, node))
        frame.loops -= 1
    frame.run.engine.execute(frame, node.orelse)


def _round(frame: Frame, node: ast.For | ast.AsyncFor, value: Value) -> None:
    bind(frame, node.target, value)
    before = frame.decisions
    frame.run.engine.execute(frame, node.body)
    frame.alive, frame.decisions = True, before


def _while(frame: Frame, node: ast.While) -> None:
    _evaluated(frame, node.test)
    before = frame.decisions
    frame.loops += 1
    frame.run.engine.execute(frame, node.body)
    frame.loops -= 1
    frame.alive, frame.decisions = True, before


def _with(frame: Frame, node: ast.With | ast.AsyncWith) -> None:
    for each in node.items:
        value = _evaluated(frame, each.context_expr)
        if each.optional_vars is not None:
            bind(frame, each.optional_vars, value)
    frame.run.engine.execute(frame, node.body)


def _try(frame: Frame, node: ast.Try | ast.TryStar) -> None:
    """The body as if nothing went wrong; a handler begins where it began, and its names count where the body gave them none."""
    before = dict(frame.names)
    frame.run.engine.execute(frame, node.body)
    alive, decisions, names = frame.alive, frame.decisions, dict(frame.names)
    for handler in node.handlers:
        mark = frame.run.heap.mark()
        frame.alive, kept = True, len(frame.returns)
        frame.names.clear()
        frame.names.update(before)
        frame.run.engine.execute(frame, handler.body)
        frame.run.heap.rolled_back(mark)
        del frame.returns[kept:]
        new = {key: value for key, value in frame.names.items() if key not in names}
        frame.names.clear()
        frame.names.update(new | names)
    frame.alive, frame.decisions = alive, decisions
    frame.run.engine.execute(frame, node.orelse)
    if frame.alive:
        frame.run.engine.execute(frame, node.finalbody)


def _return(frame: Frame, node: ast.Return) -> None:
    value = Literal(None) if node.value is None else _evaluated(frame, node.value)
    frame.returns.append((frame.decisions, value))
    frame.alive = False


def _leave(frame: Frame, node: ast.stmt) -> None:
    del node
    frame.alive = False


def _define(frame: Frame, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    decorators = [_last_name(each) for each in node.decorator_list]
    made_here = function(frame, node, node.name)
    if any(each in ("property", "cached_property", "staticmethod", "classmethod") for each in decorators):
        made_here.kind = next(
            each for each in decorators if each in ("property", "cached_property", "staticmethod", "classmethod")
        )
    for each in node.decorator_list:
        _decorate(frame, each, made_here)
    frame.names[node.name] = made_here
    if frame.nodes:
        frame.run.inner.add(node)
        frame.run.handed.append(made_here)


#: Decorators that give values to parameters.
_GIVING = frozenset(("main", "option", "argument"))


def _decorate(frame: Frame, node: ast.expr, made_here: Function) -> None:
    """Give parameters the values that a command line's options or Hydra give them."""
    if not isinstance(node, ast.Call) or _last_name(node) not in _GIVING:
        return
    callee = _evaluated(frame, node.func)
    args = tuple(_evaluated(frame, each) for each in node.args)
    keywords = {each.arg: _evaluated(frame, each.value) for each in node.keywords if each.arg}
    given = of_decorator(frame, callee, args, keywords)
    parameters = [each.arg for each in made_here.node.args.args]
    if given is not None and parameters:
        made_here.defaults = {**made_here.defaults, given[0] or parameters[0]: given[1]}


def _last_name(node: ast.expr) -> str:
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _class(frame: Frame, node: ast.ClassDef) -> None:
    bases = tuple(_evaluated(frame, each) for each in node.bases)
    inner = Frame(
        frame.run,
        frame.source,
        {},
        (frame.names, *frame.enclosing),
        frame.decisions,
        frame.within,
        frame.nodes,
        f"{frame.source.path}:{node.name}",
        depth=frame.depth,
    )
    frame.run.engine.execute(inner, node.body)
    attributes = inner.names
    for each in attributes.values():  # a method does not see the names of its class
        if isinstance(each, Function):
            each.closure = (frame.names, *frame.enclosing)
    frame.names[node.name] = Class(node, frame.source, node.name, bases, attributes)


def _match(frame: Frame, node: ast.Match) -> None:
    _evaluated(frame, node.subject)
    arms: list[tuple[Decisions, Callable[[], None]]] = []
    past: Decisions = ALWAYS
    for case in node.cases:
        test = _case_test(node.subject, case.pattern)
        if test is None:
            arms.append((past, _arm(frame, case.body)))
            break
        yes, no = of_test(test, frame.scope)
        arms.append((past | yes, _arm(frame, case.body)))
        past |= no
    else:
        arms.append((past, lambda: None))
    frame.branch(arms)


def _case_test(subject: ast.expr, pattern: ast.pattern) -> ast.expr | None:
    if isinstance(pattern, ast.MatchValue):
        return ast.Compare(subject, [ast.Eq()], [pattern.value])
    if isinstance(pattern, ast.MatchOr) and all(isinstance(each, ast.MatchValue) for each in pattern.patterns):
        values = [each.value for each in pattern.patterns if isinstance(each, ast.MatchValue)]
        return ast.Compare(subject, [ast.In()], [ast.Tuple(values, ast.Load())])
    if isinstance(pattern, ast.MatchAs) and pattern.pattern is None:
        return None
    return ast.Constant(f"<pattern {id(pattern)}>")


def _global(frame: Frame, node: ast.Global) -> None:
    frame.shared.update(node.names)


def _delete(frame: Frame, node: ast.Delete) -> None:
    for each in node.targets:
        if isinstance(each, ast.Name):
            frame.names.pop(each.id, None)


_KINDS: dict[type[ast.stmt], Callable[[Frame, Any], None]] = {
    ast.Expr: _expression,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.If: _if,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.Return: _return,
    ast.Raise: _leave,
    ast.Break: _leave,
    ast.Continue: _leave,
    ast.FunctionDef: _define,
    ast.AsyncFunctionDef: _define,
    ast.ClassDef: _class,
    ast.Import: imported,
    ast.ImportFrom: imported_from,
    ast.Match: _match,
    ast.Delete: _delete,
    ast.Global: _global,
}
