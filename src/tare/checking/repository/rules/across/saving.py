"""Images that are divided before one file saves them, and again after another has loaded them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.across.stored import candidates, plain_path
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.linking import program_of
from tare.code.facts import Facts
from tare.code.interpreter.source import Spot
from tare.code.interpreter.values import Call, Items, Value
from tare.code.libraries.flows import is_guarded, root, unit_scaling


class _Array(NamedTuple):
    """An array that a program saves or loads: the path of its file, and where it is divided by 255; None if it is not."""

    path: str
    program: str
    divided: Spot | None


class Arrays(NamedTuple):
    """The arrays that a group of files saves, and those that it divides by 255 after they were loaded."""

    saved: tuple[_Array, ...]
    loaded: tuple[_Array, ...]


def read(facts: Facts) -> Arrays:
    """The arrays that a group of files saves and loads, without the trees of the files."""
    return Arrays(tuple(_saved(facts)), tuple(_loaded(facts)))


def _saved(facts: Facts) -> Iterator[_Array]:
    for call in facts.calls:
        path = plain_path(call.args[0]) if call.function == "numpy.save" and len(call.args) > 1 else ""
        if path:
            yield _Array(path, program_of(call), _divided(call.args[1]))


def _divided(value: Value) -> Spot | None:
    """Where what is saved is divided by 255."""
    scaled = root(value.items[0] if isinstance(value, Items) and value.items else value)
    return scaled.spot.alone() if isinstance(scaled, Call) and unit_scaling(scaled) is not None else None


def _loaded(facts: Facts) -> Iterator[_Array]:
    for call in facts.calls:
        scaled = unit_scaling(call)
        image = root(scaled) if scaled is not None and not is_guarded(call) else None
        path = plain_path(image.args[0]) if isinstance(image, Call) and image.function == "numpy.load" and image.args else ""
        if path:
            yield _Array(path, program_of(call), call.spot.alone())


def judge(groups: Sequence[Arrays]) -> Iterator[CodeFinding]:
    """Divisions of what was divided before it was saved, whichever program saved it."""
    files = [each._replace(path=_stem(each)) for group in groups for each in group.saved]
    for loaded in (each for group in groups for each in group.loaded):
        divided = [each.divided for each in candidates(_stem(loaded), loaded.program, files)]
        first = divided[0] if divided else None
        if first is not None and loaded.divided is not None and None not in divided:
            yield _twice(loaded, loaded.divided, first)


def _stem(array: _Array) -> str:
    """The path without the ending, which NumPy adds."""
    return array.path.removesuffix(".npy")


def _twice(array: _Array, spot: Spot, saved: Spot) -> CodeFinding:
    return finding(
        "TARE002",
        "error",
        spot,
        f"the images in {_stem(array).rpartition('/')[2]}.npy were divided by 255 before they were saved, and are divided again: "
        "values are 0..0.004",
        "leave one of the two divisions out",
        evidence=(step("divided and saved", saved),),
    )
