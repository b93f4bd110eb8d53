"""Recipes that compute a mean and std in a wrong way."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.bodies import Body, argument, bodies, calls, mentions, named, nodes_of, owner
from tare.checking.repository.rules.found import finding
from tare.code.facts import Facts
from tare.code.files.text import in_one_line
from tare.code.interpreter.source import Source, Spot
from tare.code.roles import words

# What a line of a file must have for a rule to look at it: a sum of stds, a list of them, a difference or a variance called std.
_SUMMED, _LISTED, _DIFFERENCE, _VAR = ("std", "+="), ("std", ".append("), ("std", "=", "-", "mean"), ("std", "=", "var(")
_IMAGES = frozenset(
    ("image", "images", "img", "imgs", "im", "x", "data", "batch", "pixels", "arr", "array", "inputs", "tensor", "frame")
)

_SUMS = "sum up values and squares, and take sqrt(mean of squares - mean**2) at the end; `tare measure` does it exactly"


def statistics(facts: Facts) -> Iterator[CodeFinding]:
    """Means of stds, and variances called std."""
    for source in facts.sources:
        text = source.document.text
        for in_line, rule in _RULES if "std" in text or "Scaler" in text else ():
            if in_one_line(text, *in_line):
                for body in bodies(source):
                    yield from rule(source, body)


def _mean_of_stds(source: Source, body: Body) -> Iterator[CodeFinding]:
    sums = {
        name: node
        for node in nodes_of(body)
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add) and (name := named(node.target))
    }
    stds = {name: node for name, node in sums.items() if "std" in words(name) and calls(node.value, "std")}
    means = [name for name, node in sums.items() if "mean" in words(name) and calls(node.value, "mean")]
    for name, node in stds.items():
        if means and _is_divided(body, name) and not _has_root(body, name):
            yield finding(
                "TARE009",
                "warning",
                Spot(source, node),
                f"{name} sums up the stds of single images or batches and is divided by their number: the mean of stds is "
                "smaller than the std of the pixels",
                _SUMS,
            )


def _list_of_stds(source: Source, body: Body) -> Iterator[CodeFinding]:
    """Stds of single images in a list, of which the mean is taken."""
    own = list(nodes_of(body))
    appended = {owner(node): node for node in own if isinstance(node, ast.Call) and _is_append(node)}
    means = [name for name, node in appended.items() if words(name) & {"mean", "means"} and calls(node.args[0], "mean")]
    for name, node in appended.items():
        is_std = words(name) & {"std", "stds"} and calls(node.args[0], "std", along=True)
        if means and is_std and _averaged(own, name) and words(argument(node)) & _IMAGES:
            yield finding(
                "TARE009",
                "warning",
                Spot(source, node),
                f"{name} has the stds of single images, and their mean is taken: it is smaller than the std of the pixels",
                _SUMS,
            )


def _is_append(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr == "append" and len(node.args) == 1 and bool(owner(node))


def _averaged(own: Sequence[ast.AST], name: str) -> bool:
    """Whether the mean of a list is taken: ``np.mean(stds)``, ``torch.stack(stds).mean(0)``, ``sum(stds) / n``."""
    for node in own:
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else named(node.func)
            owner = [node.func.value] if isinstance(node.func, ast.Attribute) else []
            if called in ("mean", "average", "sum") and mentions([*node.args, *owner], name):
                return True
    return False


def _squares_less_mean(source: Source, body: Body) -> Iterator[CodeFinding]:
    for node in nodes_of(body):
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        name = named(node.targets[0])
        if name and _is_std(name) and _is_variance(node.value) and not _may_take_root(body):
            yield finding(
                "TARE044",
                "error",
                Spot(source, node),
                f"{name} is the mean of squares minus the square of the mean, which is the variance",
                "take its square root",
            )


def _variance(source: Source, body: Body) -> Iterator[CodeFinding]:
    """``std = images.var(...)`` or ``std += ...var(...)`` of which no root is taken."""
    for node in nodes_of(body):
        target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
            target = node.target
        if not isinstance(node, ast.Assign | ast.AugAssign) or not isinstance(target, ast.Name | ast.Subscript):
            continue
        name = named(target)
        if _is_std(name) and _is_var(node.value) and not _may_take_root(body):
            yield finding("TARE044", "error", Spot(source, node), f"{name} is a variance", "take its square root")


def _is_var(value: ast.expr) -> bool:
    """Whether an expression is ``x.var(...)``, also with a reduction or a change of shape behind it."""
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        if value.func.attr == "var":
            return True
        if value.func.attr not in ("mean", "sum", "numpy", "item", "tolist", "cpu", "view", "squeeze", "astype", "to"):
            return False
        value = value.func.value
    return False


def _is_divided(body: Body, name: str) -> bool:
    for node in nodes_of(body):
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Div) and named(node.target) == name:
            return True
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and named(node.left) == name:
            return True
        method = node.func if isinstance(node, ast.Call) else None
        if isinstance(method, ast.Attribute) and method.attr in ("div_", "div") and named(method.value) == name:
            return True
    return False


def _has_root(body: Body, name: str) -> bool:
    for node in nodes_of(body):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            last = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            owner = [node.func.value] if isinstance(node.func, ast.Attribute) else []
            if last in ("sqrt", "sqrt_", "pow") and mentions([*node.args, *owner], name):
                return True
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and mentions([node.left], name):
            return True
    return False


def _is_std(name: str) -> bool:
    """Whether a name says that it is a std, and nothing made of several, such as their variance or error."""
    return "std" in words(name) and not words(name) & {"var", "variance", "sq", "squared", "square", "err", "error"}


_NAMED = ast.Name | ast.Attribute
_ROOT = re.compile(r"r?sqrt_?|(?:float_)?pow(?:er)?_?")


def _may_take_root(body: Body) -> bool:
    """Whether a function takes a root, or raises to another power than 2: perhaps the variance, under another name."""
    names = {node.id if isinstance(node, ast.Name) else node.attr for node in nodes_of(body) if isinstance(node, _NAMED)}
    if any(map(_ROOT.fullmatch, names)) or {"exp", "log"} <= names:
        return True
    for node in nodes_of(body):
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Pow):
            exponent = node.right if isinstance(node, ast.BinOp) else node.value
            if not (isinstance(exponent, ast.Constant) and exponent.value == 2):
                return True
    return False


def _is_variance(value: ast.expr) -> bool:
    """Whether an expression is ``squares / n - mean ** 2``."""
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Sub):
        return False
    square = value.right
    is_square = (
        isinstance(square, ast.BinOp)
        and isinstance(square.op, ast.Pow)
        and isinstance(square.right, ast.Constant)
        and square.right.value == 2
        and "mean" in words(named(square.left))
    )
    squares = {word for each in ast.walk(value.left) if isinstance(each, ast.Name) for word in words(each.id)}
    return is_square and bool(squares & {"sq", "sqr", "squared", "squares", "square", "sqrd", "sumsq", "squ"})


_RULES = (
    (_SUMMED, _mean_of_stds),
    (_LISTED, _list_of_stds),
    (_DIFFERENCE, _squares_less_mean),
    (_VAR, _variance),
)
