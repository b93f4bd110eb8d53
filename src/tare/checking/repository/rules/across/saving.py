"""Images that are divided before one file saves them, and again after another has loaded them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.found import finding, step
from tare.code.facts import Facts
from tare.code.interpreter.source import Spot
from tare.code.interpreter.values import Call, Items, Value
from tare.code.libraries.flows import is_guarded, root, unit_scaling
from tare.code.libraries.step import text


class Arrays(NamedTuple):
    """Divisions by 255 of what is saved, by the name of the file, and those of what was loaded, each with that name."""

    saved: Mapping[str, Spot]
    loaded: tuple[tuple[str, Spot], ...]


def read(facts: Facts) -> Arrays:
    """The arrays that a group of files saves and loads, without the trees of the files."""
    return Arrays(dict(_saved(facts)), tuple(_loaded(facts)))


def _saved(facts: Facts) -> Iterator[tuple[str, Spot]]:
    for call in facts.calls:
        if call.function == "numpy.save" and len(call.args) > 1 and text(call.args[0]):
            value = call.args[1]
            scaled = root(value.items[0] if isinstance(value, Items) and value.items else value)
            if isinstance(scaled, Call) and unit_scaling(scaled) is not None:
                yield _name(call.args[0]), scaled.spot.alone()


def _loaded(facts: Facts) -> Iterator[tuple[str, Spot]]:
    for call in facts.calls:
        scaled = unit_scaling(call)
        image = root(scaled) if scaled is not None and not is_guarded(call) else None
        if isinstance(image, Call) and image.function == "numpy.load" and image.args and _name(image.args[0]):
            yield _name(image.args[0]), call.spot.alone()


def _name(path: Value) -> str:
    return text(path).rpartition("/")[2].removesuffix(".npy")


def judge(groups: Sequence[Arrays]) -> Iterator[CodeFinding]:
    """Divisions of what was divided before it was saved."""
    saved = {name: spot for group in groups for name, spot in group.saved.items()}
    for name, spot in (each for group in groups for each in group.loaded):
        if name in saved:
            yield finding(
                "TARE002",
                "error",
                spot,
                f"the images in {name}.npy were divided by 255 before they were saved, and are divided again: "
                "values are 0..0.004",
                "leave one of the two divisions out",
                evidence=(step("divided and saved", saved[name]),),
            )
