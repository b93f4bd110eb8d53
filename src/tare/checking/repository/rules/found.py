"""Findings from facts: the parts that all rules share."""

from __future__ import annotations

from collections.abc import Iterable

from tare.checking.repository.result import CodeFinding, Edit, Step
from tare.checking.rules.finding import Severity
from tare.code.interpreter.source import Spot
from tare.code.interpreter.values import Items, Literal, Value
from tare.code.place import Place


def finding(
    code: str,
    severity: Severity,
    spot: Spot,
    message: str,
    remedy: str,
    *,
    evidence: Iterable[Step] = (),
    cost: str = "",
    edits: Iterable[Edit] = (),
) -> CodeFinding:
    """A finding at a place of the code."""
    return CodeFinding(code, severity, message, remedy, spot.core, tuple(evidence), cost, tuple(edits), spot.line)


def step(text: str, spot: Spot) -> Step:
    """One link of the evidence."""
    return Step(text, spot.place)


def origin(value: Value | None, label: str) -> list[Step]:
    """Where constants are written, if they have a name of their own or are a default."""
    if isinstance(value, Items | Literal) and value.spot is not None and (value.name or value.soft):
        default = " (a default)" if value.soft else ""
        return [step(f"{value.name or label}{default}", value.spot)]
    return []


def origins(spot: Spot, means: Value | None, stds: Value | None) -> list[Step]:
    """Where a mean and a std are written, each place once; nothing for those that stand in the call itself."""
    place = spot.place
    found = {each.place: each for each in (*origin(means, "mean"), *origin(stds, "std"))}
    last = max(place.line, place.end_line)

    def is_inside(one: Place) -> bool:
        return (one.path, one.cell) == (place.path, place.cell) and place.line <= one.line <= last

    return [each for each in found.values() if not is_inside(each.place)]
