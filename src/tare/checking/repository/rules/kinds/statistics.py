"""Recipes that compute a mean and std in a wrong way, or from the wrong data."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.found import finding, step
from tare.code.facts import Facts
from tare.code.interpreter.source import Source, Spot
from tare.code.roles import words

# What a file must have for a rule to look at it: a sum of stds, a difference called std, a scaler.
_SUMMED = re.compile(r"std\w*[ \t]*(?:\[[^\]\n]*\][ \t]*)?\+=")
_DIFFERENCE = re.compile(r"std\w*[ \t]*=[^=\n][^\n]*-[^\n]*mean")
_VAR = re.compile(r"std\w*[ \t]*\+?=[^=\n]*\bvar\(")
_SCALER = re.compile(r"Scaler\(")
_LISTED = re.compile(r"std\w*\.append\(")
_OWN = re.compile(r"(?i)(?:test|val)\w*[ \t]*=[^=\n]*-[^\n]*mean[^\n]*/[^\n]*std")
_IMAGES = frozenset(
    ("image", "images", "img", "imgs", "im", "x", "data", "batch", "pixels", "arr", "array", "inputs", "tensor", "frame")
)

_SUMS = "sum up values and squares, and take sqrt(mean of squares - mean**2) at the end; `tare measure` does it exactly"

_Body = ast.FunctionDef | ast.AsyncFunctionDef | ast.Module


def statistics(facts: Facts) -> Iterator[CodeFinding]:
    """Means of stds, variances called std, and scalers fitted on test data."""
    for source in facts.sources:
        text = source.document.text
        for word, rule in _RULES if "std" in text or "Scaler" in text else ():
            if word.search(text):
                for body in _bodies(source):
                    yield from rule(source, body)


def _bodies(source: Source) -> Iterator[_Body]:
    yield source.tree
    yield from (each for each in ast.walk(source.tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))


def _own(body: _Body) -> Iterator[ast.AST]:
    """The nodes of a function or module without those of functions and classes inside it."""
    left: list[ast.AST] = list(body.body)
    while left:
        node = left.pop()
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield node
            left += ast.iter_child_nodes(node)


def _mean_of_stds(source: Source, body: _Body) -> Iterator[CodeFinding]:
    sums = {
        name: node
        for node in _own(body)
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add) and (name := _named(node.target))
    }
    stds = {name: node for name, node in sums.items() if "std" in words(name) and _calls(node.value, "std")}
    means = [name for name, node in sums.items() if "mean" in words(name) and _calls(node.value, "mean")]
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


def _list_of_stds(source: Source, body: _Body) -> Iterator[CodeFinding]:
    """Stds of single images in a list, of which the mean is taken."""
    own = list(_own(body))
    appended = {_owner(node): node for node in own if isinstance(node, ast.Call) and _is_append(node)}
    means = [name for name, node in appended.items() if words(name) & {"mean", "means"} and _calls(node.args[0], "mean")]
    for name, node in appended.items():
        is_std = words(name) & {"std", "stds"} and _calls(node.args[0], "std", along=True)
        if means and is_std and _averaged(own, name) and words(_argument(node)) & _IMAGES:
            yield finding(
                "TARE009",
                "warning",
                Spot(source, node),
                f"{name} has the stds of single images, and their mean is taken: it is smaller than the std of the pixels",
                _SUMS,
            )


def _is_append(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr == "append" and len(node.args) == 1 and bool(_owner(node))


def _averaged(own: Sequence[ast.AST], name: str) -> bool:
    """Whether the mean of a list is taken: ``np.mean(stds)``, ``torch.stack(stds).mean(0)``, ``sum(stds) / n``."""
    for node in own:
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else _named(node.func)
            owner = [node.func.value] if isinstance(node.func, ast.Attribute) else []
            if called in ("mean", "average", "sum") and _mentions([*node.args, *owner], name):
                return True
    return False


def _squares_less_mean(source: Source, body: _Body) -> Iterator[CodeFinding]:
    for node in _own(body):
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        name = _named(node.targets[0])
        if name and "std" in words(name) and _is_variance(node.value) and not _has_root(body, name):
            yield finding(
                "TARE044",
                "error",
                Spot(source, node),
                f"{name} is the mean of squares minus the square of the mean, which is the variance",
                "take its square root",
            )


def _variance(source: Source, body: _Body) -> Iterator[CodeFinding]:
    """``std = images.var(...)`` or ``std += ...var(...)`` of which no root is taken."""
    for node in _own(body):
        target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
            target = node.target
        if not isinstance(node, ast.Assign | ast.AugAssign) or not isinstance(target, ast.Name | ast.Subscript):
            continue
        name = _named(target)
        if "std" in words(name) and _is_var(node.value) and not _has_root(body, name):
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


def _own_statistics(source: Source, body: _Body) -> Iterator[CodeFinding]:
    """Test data less their own mean over their own std, beside training data with theirs."""
    found = {
        name: node
        for node in _own(body)
        if isinstance(node, ast.Assign) and (name := _standardised(node.value)) and _named(node.targets[0])
    }
    trained = next((node for name, node in found.items() if words(name) & {"train", "training"}), None)
    for name, node in found.items():
        if trained is not None and words(name) & _TEST and "train" not in words(name):
            yield finding(
                "TARE060",
                "warning",
                Spot(source, node),
                f"{name} is normalised with its own mean and std: a value means something else there than in training",
                "use the mean and std of the training data for both",
                evidence=(step("training", Spot(source, trained)),),
            )


def _standardised(value: ast.expr) -> str:
    """The name of what is brought to a mean of 0 and a std of 1 with its own statistics; empty for anything else."""
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Div):
        return ""
    less = value.left
    if not isinstance(less, ast.BinOp) or not isinstance(less.op, ast.Sub) or not isinstance(less.left, ast.Name):
        return ""
    name = less.left.id
    own = _calls(less.right, "mean") and _mentions([less.right], name) and _calls(value.right, "std")
    return name if own and _mentions([value.right], name) else ""


def _named(node: ast.expr) -> str:
    node = node.value if isinstance(node, ast.Subscript) else node
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _calls(node: ast.AST, name: str, *, along: bool = False) -> bool:
    """Whether a method of this name is called in an expression; ``along`` an axis, as for the channels of an image."""
    return any(
        isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and each.func.attr == name
        and (not along or bool(each.args or each.keywords))
        for each in ast.walk(node)
    )


def _mentions(nodes: Sequence[ast.AST], name: str) -> bool:
    return any(_named(each) == name for node in nodes for each in ast.walk(node) if isinstance(each, ast.Name | ast.Attribute))


def _is_divided(body: _Body, name: str) -> bool:
    for node in _own(body):
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Div) and _named(node.target) == name:
            return True
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and _named(node.left) == name:
            return True
        method = node.func if isinstance(node, ast.Call) else None
        if isinstance(method, ast.Attribute) and method.attr in ("div_", "div") and _named(method.value) == name:
            return True
    return False


def _has_root(body: _Body, name: str) -> bool:
    for node in _own(body):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            last = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            owner = [node.func.value] if isinstance(node.func, ast.Attribute) else []
            if last in ("sqrt", "sqrt_", "pow") and _mentions([*node.args, *owner], name):
                return True
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and _mentions([node.left], name):
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
        and "mean" in words(_named(square.left))
    )
    squares = {word for each in ast.walk(value.left) if isinstance(each, ast.Name) for word in words(each.id)}
    return is_square and bool(squares & {"sq", "sqr", "squared", "squares", "square", "sqrd", "sumsq", "squ"})


_TEST = frozenset(("test", "val", "valid", "validation"))


def _fitted_on_test(source: Source, body: _Body) -> Iterator[CodeFinding]:
    """``scaler.fit_transform(X_test)`` after the same scaler was fitted on other data in the same function."""
    own = list(_own(body))
    scalers = {
        _named(node.targets[0])
        for node in own
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _named(node.value.func).endswith("Scaler")
    }
    fits = sorted(
        (node for node in own if isinstance(node, ast.Call) and _is_fit(node, scalers)),
        key=lambda node: (node.lineno, node.col_offset),
    )
    for node in fits:
        name = _argument(node)
        trained = next((one for one in fits if _owner(one) == _owner(node) and not words(_argument(one)) & _TEST), None)
        if trained is not None and words(name) & _TEST and "train" not in words(name):
            yield finding(
                "TARE060",
                "warning",
                Spot(source, node),
                f"the scaler is fitted again on {name}: the same value means something else in training and in the test",
                f"write {_owner(node)}.transform({name}), with what was fitted on the training data",
                evidence=(step(f"fitted on {_argument(trained)}", Spot(source, trained)),),
            )


def _is_fit(node: ast.Call, scalers: set[str]) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr in ("fit_transform", "fit") and _owner(node) in scalers


def _owner(node: ast.Call) -> str:
    return _named(node.func.value) if isinstance(node.func, ast.Attribute) else ""


def _argument(node: ast.Call) -> str:
    """The name of what is fitted: ``X_test`` of ``X_test.values.reshape(-1, 1)``."""
    given: ast.AST | None = node.args[0] if node.args else None
    while isinstance(given, ast.Call | ast.Attribute | ast.Subscript):
        if isinstance(given, ast.Attribute) and isinstance(given.value, ast.Name) and given.value.id == "self":
            return given.attr
        given = given.func if isinstance(given, ast.Call) else given.value
    return given.id if isinstance(given, ast.Name) else ""


_RULES = (
    (_SUMMED, _mean_of_stds),
    (_LISTED, _list_of_stds),
    (_DIFFERENCE, _squares_less_mean),
    (_VAR, _variance),
    (_SCALER, _fitted_on_test),
    (_OWN, _own_statistics),
)
