"""The mutants of a module: every change of one thing, in the order of the source."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum", "maximum": "minimum"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: where it is, the line as it stands, and what becomes of which expression."""

    module: str
    line: int
    text: str
    before: str
    after: str
    index: int

    @property
    def key(self) -> str:
        """What stays the same when lines above move; ``index`` tells equal changes of equal lines apart."""
        return f"{self.text} :: {self.before} -> {self.after}" + (f" #{self.index}" if self.index else "")


@dataclass(frozen=True, slots=True)
class _Site:
    node: ast.expr | ast.stmt
    before: str
    after: str
    apply: Callable[[], None]
    undo: Callable[[], None]


class Mutated:
    """The mutants of one source text, each to be compiled on its own."""

    def __init__(self, module: str, source: str, filename: str) -> None:
        self.module, self.tree, self.filename = module, ast.parse(source), filename
        _compile_without_cache(self.tree)
        lines = source.splitlines()
        self._sites: list[_Site] = []
        self.mutants: list[Mutant] = []
        #: Whether each mutant lies inside a function whose code can be exchanged: no class body, no compiled function.
        self.inside: list[bool] = []
        spans = list(_exchangeable(self.tree))
        seen: dict[tuple[str, str, str], int] = {}
        for site in _sites(self.tree):
            text = lines[site.node.lineno - 1].strip()
            kind = (text, site.before, site.after)
            seen[kind] = seen.get(kind, -1) + 1
            self._sites.append(site)
            self.inside.append(any(first <= site.node.lineno <= last for first, last in spans))
            self.mutants.append(Mutant(module, site.node.lineno, text, site.before, site.after, seen[kind]))

    def code(self, place: int) -> CodeType:
        """The module with the mutant at ``place`` of :attr:`mutants`."""
        site = self._sites[place]
        site.apply()
        try:
            return compile(ast.fix_missing_locations(self.tree), self.filename, "exec")
        finally:
            site.undo()


def _compile_without_cache(tree: ast.Module) -> None:
    """Numba tells compiled functions apart by their instructions alone: a changed constant would find the old machine code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "cache":
            node.value = ast.Constant(False)


def _exchangeable(tree: ast.Module) -> Iterator[tuple[int, int]]:
    """First and last line of each function or method that Python runs as it is written."""
    for node in [*tree.body, *(item for owner in tree.body if isinstance(owner, ast.ClassDef) for item in owner.body)]:
        if isinstance(node, ast.FunctionDef) and not any("njit" in ast.unparse(one) for one in node.decorator_list):
            yield node.lineno, node.end_lineno or node.lineno


def _sites(tree: ast.Module) -> Iterator[_Site]:
    for node in _live(tree):
        if isinstance(node, ast.Compare):
            yield from _comparisons(node)
        elif isinstance(node, ast.BinOp | ast.AugAssign):
            yield from _operators(node)
        elif isinstance(node, ast.Constant):
            yield from _constants(node)
        elif isinstance(node, ast.BoolOp):
            yield _set(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And(), node)
        elif isinstance(node, ast.Name | ast.Attribute):
            yield from _names(node)
        yield from _conditions(node)
        yield from _dropped(node)
        yield from _statements(node)


def _live(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes that compute something: no annotations, decorators, docstrings, messages of errors, or imports."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params") or (name == "exc" and isinstance(node, ast.Raise)):
            continue
        for child in value if isinstance(value, list) else [value]:
            documents = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            if (
                isinstance(child, ast.AST)
                and not documents
                and not isinstance(child, ast.JoinedStr | ast.Import | ast.ImportFrom)
            ):
                yield from _live(child)


def _set(node: ast.expr | ast.stmt, name: str, value: object, shown: ast.AST) -> _Site:
    old = getattr(node, name)
    before = ast.unparse(shown)
    setattr(node, name, value)
    after = ast.unparse(shown)
    setattr(node, name, old)
    return _Site(node, before, after, lambda: setattr(node, name, value), lambda: setattr(node, name, old))


def _comparisons(node: ast.Compare) -> Iterator[_Site]:
    for place, operator in enumerate(node.ops):
        for other in _COMPARISONS[type(operator)]:
            yield _set(node, "ops", [*node.ops[:place], other(), *node.ops[place + 1 :]], node)


def _operators(node: ast.BinOp | ast.AugAssign) -> Iterator[_Site]:
    unions = isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr) and _is_type(node)
    texts = isinstance(node, ast.BinOp) and any(isinstance(side, ast.JoinedStr) for side in (node.left, node.right))
    if not unions and not texts:
        yield _set(node, "op", _OPERATORS[type(node.op)](), node)


def _is_type(node: ast.expr) -> bool:
    """Whether it is a union of types, such as ``nn.Conv1d | nn.Conv2d``: names that begin with a capital."""
    if isinstance(node, ast.BinOp):
        return _is_type(node.left) and _is_type(node.right)
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name[:1].isupper()


def _constants(node: ast.Constant) -> Iterator[_Site]:
    if isinstance(node.value, bool):
        yield _set(node, "value", not node.value, node)
    elif isinstance(node.value, int):
        yield _set(node, "value", node.value + 1, node)
    elif isinstance(node.value, float):
        yield _set(node, "value", node.value * 2 if node.value else 1.0, node)


def _names(node: ast.Name | ast.Attribute) -> Iterator[_Site]:
    name = "id" if isinstance(node, ast.Name) else "attr"
    other = _NAMES.get(getattr(node, name))
    if other:
        yield _set(node, name, other, node)


def _conditions(node: ast.AST) -> Iterator[_Site]:
    """Conditions that are no comparison or negation, whose negation is a mutant of its own."""
    if isinstance(node, ast.If | ast.IfExp | ast.While) and not isinstance(node.test, ast.Compare | ast.UnaryOp):
        negated = ast.UnaryOp(ast.Not(), node.test)
        before, after = ast.unparse(node.test), ast.unparse(negated)
        test = node.test
        yield _Site(node.test, before, after, lambda: setattr(node, "test", negated), lambda: setattr(node, "test", test))


def _dropped(node: ast.AST) -> Iterator[_Site]:
    """Signs and negations left out, wherever an expression holds one."""
    for name, value in ast.iter_fields(node):
        for place, child in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(child, ast.UnaryOp) and isinstance(node, ast.expr | ast.stmt | ast.keyword | ast.comprehension):
                yield _replaced(node, name, place if isinstance(value, list) else None, child)


def _replaced(parent: ast.AST, name: str, place: int | None, child: ast.UnaryOp) -> _Site:
    def put(value: ast.expr) -> None:
        if place is None:
            setattr(parent, name, value)
        else:
            getattr(parent, name)[place] = value

    return _Site(child, ast.unparse(child), ast.unparse(child.operand), lambda: put(child.operand), lambda: put(child))


def _statements(node: ast.AST) -> Iterator[_Site]:
    if isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield _set(node, "value", ast.Constant(None), node)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
