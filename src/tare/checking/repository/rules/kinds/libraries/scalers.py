"""Scalers and statistics that see the data they are tested on."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.bodies import Body, argument, bodies, calls, mentions, named, nodes_of, owner
from tare.checking.repository.rules.found import finding, step
from tare.code.facts import Facts
from tare.code.files.text import in_one_line
from tare.code.interpreter.source import Source, Spot
from tare.code.roles import words

#: What follows a name of test data in a line that normalises them with their own statistics.
_OWN = ("=", "-", "mean", "/", "std")


def scalers(facts: Facts) -> Iterator[CodeFinding]:
    """Scalers fitted on test data or before the split, and test data normalised with their own statistics."""
    for source in facts.sources:
        text = source.document.text
        is_own = any(in_one_line(text.lower(), split, *_OWN) for split in ("test", "val"))
        for is_there, rules in (("Scaler(" in text, (_fitted_on_test, _before_split)), (is_own, (_own_statistics,))):
            if is_there:
                for body in bodies(source):
                    for rule in rules:
                        yield from rule(source, body)


_TEST = frozenset(("test", "val", "valid", "validation"))
_PARTS = _TEST | {"train", "training"}


def _fitted_on_test(source: Source, body: Body) -> Iterator[CodeFinding]:
    """``scaler.fit_transform(X_test)`` after the same scaler was fitted on other data in the same function."""
    own = list(nodes_of(body))
    scalers = {
        named(node.targets[0])
        for node in own
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and named(node.value.func).endswith("Scaler")
    }
    fits = sorted(
        (node for node in own if isinstance(node, ast.Call) and _is_fit(node, scalers)),
        key=lambda node: (node.lineno, node.col_offset),
    )
    for node in fits:
        name = argument(node)
        trained = next((one for one in fits if owner(one) == owner(node) and not words(argument(one)) & _TEST), None)
        if trained is not None and words(name) & _TEST and "train" not in words(name):
            yield finding(
                "TARE060",
                "warning",
                Spot(source, node),
                f"the scaler is fitted again on {name}: the same value means something else in training and in the test",
                f"write {owner(node)}.transform({name}), with what was fitted on the training data",
                evidence=(step(f"fitted on {argument(trained)}", Spot(source, trained)),),
            )


def _is_fit(node: ast.Call, scalers: set[str]) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr in ("fit_transform", "fit") and owner(node) in scalers


def _before_split(source: Source, body: Body) -> Iterator[CodeFinding]:
    """``X = scaler.fit_transform(X)`` whose result is split into training and test data afterwards."""
    nodes = list(nodes_of(body))
    assigned = {named(each.targets[0]): each for each in nodes if isinstance(each, ast.Assign) and len(each.targets) == 1}
    names = {name for name, each in assigned.items() if isinstance(each.value, ast.Call) and _makes_scaler(each.value)}
    scaled = {
        name: each
        for name, each in assigned.items()
        if isinstance(each.value, ast.Call) and _is_fitting(each.value, names) and not words(argument(each.value)) & _PARTS
    }
    for node in nodes:
        if isinstance(node, ast.Call) and named(node.func) == "train_test_split":
            for given in node.args:
                fitted = scaled.get(named(given))
                if fitted is not None and fitted.lineno < node.lineno:
                    yield finding(
                        "TARE060",
                        "warning",
                        Spot(source, fitted),
                        f"the scaler is fitted on {argument(fitted.value)} before train_test_split: its mean and std are also "  # type: ignore[arg-type]
                        "those of the test data, and scores come out too good",
                        "split first, fit on the training part, and transform both parts",
                        evidence=(step("the split", Spot(source, node)),),
                    )


def _makes_scaler(call: ast.Call) -> bool:
    return named(call.func).endswith("Scaler")


def _is_fitting(call: ast.Call, names: set[str]) -> bool:
    """``scaler.fit_transform(...)``, or ``StandardScaler().fit_transform(...)``."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr != "fit_transform":
        return False
    made = call.func.value
    return _makes_scaler(made) if isinstance(made, ast.Call) else named(made) in names


def _own_statistics(source: Source, body: Body) -> Iterator[CodeFinding]:
    """Test data less their own mean over their own std, beside training data with theirs."""
    found = {
        name: node
        for node in nodes_of(body)
        if isinstance(node, ast.Assign) and (name := _standardised(node.value)) and named(node.targets[0])
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
    own = calls(less.right, "mean") and mentions([less.right], name) and calls(value.right, "std")
    return name if own and mentions([value.right], name) else ""
