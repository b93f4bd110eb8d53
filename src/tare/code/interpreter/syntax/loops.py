"""Loops: over known items round by round, over anything else once; and where ``break`` and ``continue`` go on."""

from __future__ import annotations

import ast
from functools import lru_cache

from tare.code.interpreter.conditions import Decisions
from tare.code.interpreter.frame import Frame, Leaving
from tare.code.interpreter.operators import truth
from tare.code.interpreter.syntax.expressions import evaluate
from tare.code.interpreter.syntax.patterns import bind
from tare.code.interpreter.syntax.subscripts import element
from tare.code.interpreter.values import UNKNOWN, Items, Literal, Table, Value, alternatives

_MOST_ROUNDS = 8
_BREAK: frozenset[Leaving] = frozenset(("break",))
_CONTINUE: frozenset[Leaving] = frozenset(("continue",))


def carry_out_for(frame: Frame, node: ast.For | ast.AsyncFor) -> None:
    """A loop over known items, round by round, or one round for any item of what is not known."""
    over = evaluate(frame, node.iter)
    if isinstance(over, Table) and not over.spread:
        over = Items(tuple(Literal(key) for key in over.entries))
    begin = _begin(frame)
    if isinstance(over, Items) and len(over.items) <= _MOST_ROUNDS and not frame.loops:
        for each in over.items:
            bind(frame, node.target, each)
            frame.run.engine.execute(frame, node.body)
            frame.meet(_CONTINUE, *begin)
            if not frame.alive:
                break
    else:
        before = frame.decisions
        _forget(frame, node)
        frame.loops += 1
        bind(frame, node.target, element(frame, over, node))
        _once(frame, node, begin, before)
        frame.loops -= 1
    _end(frame, node, begin)


def carry_out_while(frame: Frame, node: ast.While) -> None:
    """One round of a loop whose test may hold; a loop over a known list that it takes apart goes round by round."""
    begin, before = _begin(frame), frame.decisions
    known = _taken_apart(frame, node, begin)
    if known is not False and frame.alive:
        _forget(frame, node)
        frame.loops += 1
        _once(frame, node, begin, before)
        frame.loops -= 1
    is_endless = known is True and isinstance(node.test, ast.Constant)
    if is_endless and any(each.how == "break" for each in frame.exits[begin[0] :]):
        frame.alive = False  # such a loop ends where it is left
    _end(frame, node, begin)


def _taken_apart(frame: Frame, node: ast.While, begin: tuple[int, int]) -> bool | None:
    """Carry out ``while steps: ... steps.pop(0)`` as long as it is known what is in the list; whether the test holds then."""
    tested = evaluate(frame, node.test)
    for _ in range(_MOST_ROUNDS):
        if frame.loops or not isinstance(tested, Items) or not tested.items or tested.kind != "list":
            break
        frame.run.engine.execute(frame, node.body)
        frame.meet(_CONTINUE, *begin)
        if not frame.alive:
            break
        after = evaluate(frame, node.test)
        if not isinstance(after, Items) or len(after.items) >= len(tested.items):
            tested = UNKNOWN
            break
        tested = after
    return truth(tested)


def _begin(frame: Frame) -> tuple[int, int]:
    """Where the ways out of a loop begin, among those of the function and on the heap."""
    mark = frame.run.heap.mark()
    frame.loop_marks.append(mark)
    return len(frame.exits), mark


def _once(frame: Frame, node: ast.For | ast.AsyncFor | ast.While, begin: tuple[int, int], before: Decisions) -> None:
    frame.run.engine.execute(frame, node.body)
    frame.meet(_CONTINUE, *begin)
    is_left = not frame.alive and any(each.how == "break" for each in frame.exits[begin[0] :])
    frame.alive, frame.decisions = not is_left or bool(node.orelse), before


def _end(frame: Frame, node: ast.For | ast.AsyncFor | ast.While, begin: tuple[int, int]) -> None:
    """The ``else`` of a loop that comes to its end, and those that ``break`` has left."""
    frame.loop_marks.pop()
    frame.run.engine.execute(frame, node.orelse)
    before = frame.decisions
    frame.meet(_BREAK, *begin)
    frame.run.heap.let_go(begin[1])
    frame.decisions = frame.decisions if frame.alive else before


def _forget(frame: Frame, node: ast.For | ast.AsyncFor | ast.While) -> None:
    """A switch that the loop sets may have either value where a round begins."""
    for name in _set_in(node):
        value = frame.names.get(name)
        if value is not None and all(_is_switch(each) for _, each in alternatives(value)):
            bind(frame, ast.copy_location(ast.Name(name, ast.Store()), node), UNKNOWN)


def _is_switch(value: Value) -> bool:
    return isinstance(value, Literal) and (value.value is None or isinstance(value.value, bool))


@lru_cache(maxsize=64)
def _set_in(node: ast.For | ast.AsyncFor | ast.While) -> frozenset[str]:
    """The names that the body of a loop gives a value."""
    return frozenset(
        each.id
        for statement in node.body
        for each in ast.walk(statement)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    )
