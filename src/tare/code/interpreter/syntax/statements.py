"""Statements carried out on abstract values: both branches of a test that cannot be told, loops once or item by item."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from tare.code.interpreter.conditions import ALWAYS, Condition, Decisions, of_test
from tare.code.interpreter.frame import Frame, Leaving
from tare.code.interpreter.operators import NAMES, compared, computed, operated, truth
from tare.code.interpreter.syntax.changes import arrays
from tare.code.interpreter.syntax.changes.attributes import delete
from tare.code.interpreter.syntax.changes.classes import made_by_others
from tare.code.interpreter.syntax.changes.methods import merged, without
from tare.code.interpreter.syntax.expressions import evaluate as _evaluated
from tare.code.interpreter.syntax.expressions import forks
from tare.code.interpreter.syntax.importing import imported, imported_from
from tare.code.interpreter.syntax.loading import of_decorator
from tare.code.interpreter.syntax.loops import carry_out_for, carry_out_while
from tare.code.interpreter.syntax.making import function, made
from tare.code.interpreter.syntax.patterns import bind, bind_name, name_in_place
from tare.code.interpreter.syntax.subscripts import ends_of
from tare.code.interpreter.values import (
    UNKNOWN,
    Call,
    Class,
    Function,
    Items,
    Literal,
    Table,
    Value,
    alternatives,
    joined,
    same,
)

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


#: Functions that end the program.
_ENDING = frozenset(("sys.exit", "os._exit", "builtins.exit", "builtins.quit"))


def _expression(frame: Frame, node: ast.Expr) -> None:
    value = _evaluated(frame, node.value)
    if not isinstance(node.value, ast.Call) or not isinstance(value, Call):
        return
    if value.function in _ENDING:
        frame.leave("raise")
    name_in_place(frame, node.value, value)


def _assign(frame: Frame, node: ast.Assign) -> None:
    value = _evaluated(frame, node.value)
    for target in node.targets:
        bind(frame, target, value)


def _annotated(frame: Frame, node: ast.AnnAssign) -> None:
    if node.value is not None:
        bind(frame, node.target, _evaluated(frame, node.value))


def _augmented(frame: Frame, node: ast.AugAssign) -> None:
    load: ast.expr = node.target
    symbol, spot = NAMES[type(node.op)], frame.spot(node)
    left, right = _evaluated(frame, load), _evaluated(frame, node.value)

    def act(one: Value, other: Value) -> Value:
        if frame.loops and isinstance(one, Literal):
            return UNKNOWN
        found = _in_place(symbol, one, other)
        if found is None:
            found = computed(symbol, one, other, spot)
        return made(frame, f"operator.{symbol}", (one, other), node) if found is None else found

    after = operated(act, left, right)
    _share(frame, left, right, after)
    if not isinstance(left, Items | Table) or not isinstance(node.target, ast.Subscript):
        bind(frame, node.target, after)


def _in_place(symbol: str, one: Value, other: Value) -> Value | None:
    """A list or dictionary after ``+=`` or ``|=``; None for anything else."""
    if isinstance(one, Table) and symbol == "|":
        entries, spread = merged(one.entries, one.spread, other)
        return Table(entries, one.spot, spread)
    if isinstance(one, Items) and one.kind == "list" and symbol == "+" and isinstance(other, Items) and other.kind != "list":
        return Items((*one.items, *other.items), one.spot, one.kind, one.soft, one.name)
    return None


def _share(frame: Frame, left: Value, right: Value, after: Value) -> None:
    """Let all who hold a list or an array see that it was changed by ``x += y``; numbers and texts are new ones."""
    if isinstance(right, Literal) and isinstance(right.value, str):
        return
    if isinstance(left, Call):
        arrays.change(frame, left, UNKNOWN)
        return
    single = len(list(alternatives(left))) == 1
    for _, one in alternatives(left):
        if isinstance(one, Table) or (isinstance(one, Items) and one.kind != "tuple"):
            arrays.change(frame, one, after if single else UNKNOWN)


def _if(frame: Frame, node: ast.If) -> None:
    if _is_main(node.test):
        # Python leaves the block out where the file is imported.
        frame.run.exported.setdefault(frame.source.path, dict(frame.names))
        frame.run.engine.execute(frame, node.body)
        return
    tested = _evaluated(frame, node.test)
    known = truth(tested)
    if known is not None:
        frame.run.engine.execute(frame, node.body if known else node.orelse)
        return
    arms = {True: _arm(frame, node.body), False: _arm(frame, node.orelse)}
    frame.branch([(decisions, arms[holds]) for decisions, holds in forks(frame, node.test, tested)])


def _arm(frame: Frame, body: Sequence[ast.stmt]) -> Callable[[], None]:
    return lambda: frame.run.engine.execute(frame, body)


def _is_main(test: ast.expr) -> bool:
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Name)
        and test.left.id == "__name__"
        and isinstance(test.ops[0], ast.Eq)
    )


def _with(frame: Frame, node: ast.With | ast.AsyncWith) -> None:
    before = None
    for each in node.items:
        value = _evaluated(frame, each.context_expr)
        if isinstance(value, Call) and value.function == "contextlib.suppress":
            before = dict(frame.names)
        if each.optional_vars is not None:
            bind(frame, each.optional_vars, value)
    frame.run.engine.execute(frame, node.body)
    if before is not None:
        _may_be_cut_short(frame, node, before)


def _may_be_cut_short(frame: Frame, node: ast.stmt, otherwise: Mapping[str, Value]) -> None:
    """Constants that are others after a block that comes to its end than where something is raised in it: both are possible.

    Of networks, images and what is imported the block's own are taken: nobody writes a handler for what is usual.
    """
    if not frame.alive:
        return
    changed = [name for name, value in otherwise.items() if frame.names.get(name, value) is not value]
    if not changed:
        return
    subject = f"{frame.scope}#{node.lineno}::nothing is raised after line {node.lineno}"
    yes, no = (frozenset([Condition(subject, frozenset([True]), holds)]) for holds in (True, False))
    for name in changed:
        one, other = frame.names[name], otherwise[name]
        if _is_constant(one) and _is_constant(other) and not same(one, other):
            frame.names[name] = joined([(yes, one), (no, other)])


def _is_constant(value: Value) -> bool:
    """Whether a value is a text, or a list or dictionary of constants, in each of its alternatives."""
    return all(_is_plain(each, ()) for _, each in alternatives(value))


def _is_plain(value: Value, within: tuple[Value, ...]) -> bool:
    if isinstance(value, Literal):
        return bool(within) or isinstance(value.value, str)
    if not isinstance(value, Items | Table) or value in within:
        return False
    parts = value.items if isinstance(value, Items) else value.entries.values()
    return all(_is_plain(each, (*within, value)) for each in parts)


_RAISE: frozenset[Leaving] = frozenset(("raise",))


def _try(frame: Frame, node: ast.Try | ast.TryStar) -> None:
    """The body as if nothing went wrong that it does not raise itself.

    Of what may go wrong otherwise a handler begins where the body began, and its names count where the body gave them none. A
    constant to which both give a value may be either.
    """
    before, begin, mark = dict(frame.names), len(frame.exits), frame.run.heap.mark()
    if node.handlers:
        frame.try_marks.append(mark)
    frame.run.engine.execute(frame, node.body)
    if node.handlers:
        frame.try_marks.pop()
    raised = [each for each in frame.exits[begin:] if each.how == "raise"] if node.handlers else []
    frame.exits[begin:] = [each for each in frame.exits[begin:] if each not in raised]
    if raised and not frame.alive and not frame.exits[begin:]:
        frame.exits += raised
        frame.meet(_RAISE, begin, mark)
        decisions, kept = frame.decisions, [(ALWAYS, _arm(frame, each.body)) for each in node.handlers]
        frame.branch(kept)
        frame.decisions = decisions
    else:
        _handlers(frame, node, before)
        frame.run.engine.execute(frame, node.orelse)
    frame.run.heap.let_go(mark)
    _finally(frame, node)


def _handlers(frame: Frame, node: ast.Try | ast.TryStar, before: dict[str, Value]) -> None:
    alive, decisions, names = frame.alive, frame.decisions, dict(frame.names)
    ends: list[dict[str, Value]] = []
    for handler in node.handlers:
        mark = frame.run.heap.mark()
        frame.alive, kept, exits = True, len(frame.returns), len(frame.exits)
        frame.names.clear()
        frame.names.update(before)
        if handler.name:
            frame.names[handler.name] = UNKNOWN
        frame.run.engine.execute(frame, handler.body)
        frame.run.heap.rolled_back(mark)
        frame.run.heap.let_go(mark)
        del frame.returns[kept:]
        del frame.exits[exits:]
        if frame.alive:
            ends.append(dict(frame.names))
        new = {key: value for key, value in frame.names.items() if key not in names and key != handler.name}
        frame.names.clear()
        frame.names.update(new | names)
    frame.alive, frame.decisions = alive, decisions
    for each in ends:
        _may_be_cut_short(frame, node, each)


def _finally(frame: Frame, node: ast.Try | ast.TryStar) -> None:
    """What is done at the end, also where the body has left the function."""
    alive = frame.alive
    frame.alive = True
    frame.run.engine.execute(frame, node.finalbody)
    frame.alive = frame.alive and alive


def _return(frame: Frame, node: ast.Return) -> None:
    value = Literal(None) if node.value is None else _evaluated(frame, node.value)
    frame.returns.append((frame.decisions, value))
    frame.leave("return")


def _leave(how: Leaving) -> Callable[[Frame, ast.stmt], None]:
    def act(frame: Frame, node: ast.stmt) -> None:
        del node
        frame.leave(how)

    return act


def _define(frame: Frame, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    decorators = [_last_name(each) for each in node.decorator_list]
    made_here = function(frame, node, node.name)
    if any(each in ("property", "cached_property", "staticmethod", "classmethod") for each in decorators):
        made_here.kind = next(
            each for each in decorators if each in ("property", "cached_property", "staticmethod", "classmethod")
        )
    for each in node.decorator_list:
        _decorate(frame, each, made_here)
    found: Value = made_here
    for each in reversed(node.decorator_list):
        found = _wrapped(frame, each, found)
    setter = next((each for each in node.decorator_list if isinstance(each, ast.Attribute) and each.attr == "setter"), None)
    # A property stays what it is read by; what sets it stands beside it under a name that no code has.
    frame.names[node.name if setter is None else f"{node.name}.setter"] = made_here if found is made_here else found
    if frame.nodes:
        frame.run.inner.add(node)
        frame.run.handed.append(made_here)


def _wrapped(frame: Frame, node: ast.expr, value: Value) -> Value:
    """What a decorator of the repository that calculates makes of a function; all others are taken to leave it as it is."""
    name = node.func if isinstance(node, ast.Call) else node
    owner = frame.look_up(name.id) if isinstance(name, ast.Name) else None
    if not isinstance(owner, Function) or not _calculates(owner.node):
        return value
    return frame.run.engine.call(frame, _evaluated(frame, node), (value,), {}, frame.spot(node))


@lru_cache(maxsize=1024)
def _calculates(node: ast.AST) -> bool:
    """Whether a function inside of one calculates: what a decorator puts in the place of a function."""
    inner = [each for each in ast.walk(node) if each is not node and isinstance(each, ast.FunctionDef | ast.Lambda)]
    return any(
        (isinstance(part, ast.BinOp) and isinstance(part.op, ast.Sub | ast.Div | ast.Mult))
        or (isinstance(part, ast.Attribute) and part.attr == "normalize")
        for each in inner
        for part in ast.walk(each)
    )


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
    made_here = Class(node, frame.source, node.name, bases, attributes)
    frame.names[node.name] = made_here
    made_by_others(frame, node, made_here)


def _match(frame: Frame, node: ast.Match) -> None:
    subject = _evaluated(frame, node.subject)
    arms: list[tuple[Decisions, Callable[[], None]]] = []
    past: Decisions = ALWAYS
    for case in node.cases:
        test, certain = _case_test(node.subject, case.pattern), _matches(frame, subject, case.pattern)
        if certain is False:
            continue
        yes, no = (ALWAYS, None) if test is None or certain else of_test(test, frame.scope, frame.number)
        arms.append((past | yes, _case(frame, case, subject)))
        if case.guard is not None:  # the others are possible in any case
            guarded, otherwise = frame.tested(case.guard)
            arms[-1] = (past | yes | guarded, arms[-1][1])
            past |= otherwise if no is None else ALWAYS
        elif no is None:
            break
        else:
            past |= no
    else:
        arms.append((past, lambda: None))
    frame.branch(arms)


def _case(frame: Frame, case: ast.match_case, subject: Value) -> Callable[[], None]:
    def act() -> None:
        _capture(frame, case.pattern, subject)
        if case.guard is None or truth(_evaluated(frame, case.guard)) is not False:
            frame.run.engine.execute(frame, case.body)

    return act


def _capture(frame: Frame, pattern: ast.pattern, value: Value) -> None:
    """Give the names of a pattern their parts of what it matches."""
    if isinstance(pattern, ast.MatchAs):
        if pattern.pattern is not None:
            _capture(frame, pattern.pattern, value)
        if pattern.name is not None:
            bind_name(frame, pattern.name, value)
    elif isinstance(pattern, ast.MatchSequence):
        items = value.items if isinstance(value, Items) and len(value.items) == len(pattern.patterns) else ()
        is_known = len(items) == len(pattern.patterns) and not any(isinstance(each, ast.MatchStar) for each in pattern.patterns)
        for index, each in enumerate(pattern.patterns):
            _capture(frame, each, items[index] if is_known else UNKNOWN)
    else:
        for part in ast.walk(pattern):
            name = getattr(part, "name", None) or getattr(part, "rest", None)
            if isinstance(name, str):
                bind_name(frame, name, UNKNOWN)


def _matches(frame: Frame, subject: Value, pattern: ast.pattern) -> bool | None:
    """Whether a constant is for certain what a pattern names; None if that cannot be told."""
    if isinstance(pattern, ast.MatchSequence):
        is_long = isinstance(subject, Items) and len(subject.items) == len(pattern.patterns)
        is_any = all(isinstance(each, ast.MatchAs) and each.pattern is None for each in pattern.patterns)
        return True if is_long and is_any else None
    several = pattern.patterns if isinstance(pattern, ast.MatchOr) else [pattern]
    if not all(isinstance(each, ast.MatchValue) for each in several):
        return None
    values = [_evaluated(frame, each.value) for each in several if isinstance(each, ast.MatchValue)]
    found = [compared(ast.Eq, subject, each) for each in values]
    known = [None if each is None else truth(each) for each in found]
    return True if True in known else None if None in known else False


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
    for name in node.names if frame.enclosing else ():
        value = frame.enclosing[-1].get(name)
        if value is not None:  # what a branch leaves alone is what the module has
            frame.names.setdefault(name, value)


def _nonlocal(frame: Frame, node: ast.Nonlocal) -> None:
    frame.outer.update(node.names)


def _delete(frame: Frame, node: ast.Delete) -> None:
    for each in node.targets:
        if isinstance(each, ast.Name):
            frame.names.pop(each.id, None)
        elif isinstance(each, ast.Attribute):
            owner = _evaluated(frame, each.value)
            for _, one in alternatives(owner):
                delete(frame, one, each.attr)
        elif isinstance(each, ast.Subscript):
            owner = _evaluated(frame, each.value)
            key = ends_of(frame, each.slice) if isinstance(each.slice, ast.Slice) else _evaluated(frame, each.slice)
            frame.run.change(owner, lambda one, key=key: without(one, key))  # type: ignore[misc]


_KINDS: dict[type[ast.stmt], Callable[[Frame, Any], None]] = {
    ast.Expr: _expression,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.If: _if,
    ast.For: carry_out_for,
    ast.AsyncFor: carry_out_for,
    ast.While: carry_out_while,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.Return: _return,
    ast.Raise: _leave("raise"),
    ast.Break: _leave("break"),
    ast.Continue: _leave("continue"),
    ast.FunctionDef: _define,
    ast.AsyncFunctionDef: _define,
    ast.ClassDef: _class,
    ast.Import: imported,
    ast.ImportFrom: imported_from,
    ast.Match: _match,
    ast.Delete: _delete,
    ast.Global: _global,
    ast.Nonlocal: _nonlocal,
}
