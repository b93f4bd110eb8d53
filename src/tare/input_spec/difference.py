"""Compare two specifications: whether both networks expect the same values, and the largest difference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from tare.input_spec.consistency import raw_names
from tare.input_spec.fields import Known, plain
from tare.input_spec.input_map import InputMap
from tare.input_spec.spec import InputSpec
from tare.samples.layout import by_place

#: In units of input std: differences below this are float32 rounding of an input of a few std.
TOLERANCE = 1e-6
_GEOMETRY = ("size", "interpolation", "antialias", "crop", "layout", "dtype", "nodata")


@dataclass(frozen=True, slots=True)
class SpecDifference:
    """How two specifications differ.

    ``distance``: the largest difference of the two inputs that one raw value becomes, in units of input std; infinite if the
    channels differ in order or number, or if only one applies a named map or normalises each sample by its own values.
    ``reason`` says which. ``others``: the other fields that both specifications state and that differ.
    """

    distance: float
    others: dict[str, tuple[Any, Any]]
    reason: str = ""

    @property
    def equivalent(self) -> bool:
        """Whether every raw value reaches both networks as the same number."""
        return self.distance <= TOLERANCE

    def describe(self) -> str:
        """One line for the values, and one for each other field that differs."""
        if self.equivalent:
            lines = [f"equivalent: no raw value reaches the two networks more than {self.distance:.2g} input std apart"]
        elif math.isinf(self.distance):
            lines = [f"different: {self.reason}"]
        else:
            lines = [f"different: a raw value reaches the two networks up to {self.distance:.4g} input std apart"]
        return "\n".join(lines + [f"  {name}: {mine} and {theirs}" for name, (mine, theirs) in self.others.items()])

    def to_json(self) -> dict[str, Any]:
        """A JSON object; an infinite distance is null."""
        return {
            "schema": "tare.spec-difference/1",
            "equivalent": self.equivalent,
            "distance": None if math.isinf(self.distance) else self.distance,
            "others": {name: list(pair) for name, pair in self.others.items()},
        }


def spec_difference(first: InputSpec, second: InputSpec) -> SpecDifference:
    """Compare the network inputs of two specifications over all raw values, from 0 to the largest of their type.

    Raises :class:`SpecError` as :meth:`InputSpec.distance` does.
    """
    distance = first.distance(second)
    others = {}
    for name in _GEOMETRY:
        mine, theirs = getattr(first, name), getattr(second, name)
        if isinstance(mine, Known) and isinstance(theirs, Known) and mine.value != theirs.value:
            others[name] = (plain(mine), plain(theirs))
    named = [each.channels.value for each in (first, second) if isinstance(each.channels, Known)]
    if len(named) == 2 and math.isfinite(distance) and by_place(*map(raw_names, named)):
        others["channels, paired by their places"] = (named[0], named[1])
    return SpecDifference(distance, others, _incomparable(first.input_map(), second.input_map()) if math.isinf(distance) else "")


def _incomparable(mine: InputMap, theirs: InputMap) -> str:
    """Why no number says how far the two maps are apart, if none does."""
    if mine.affine.order != theirs.affine.order:
        return "the channels differ in order or number"
    if mine.per_sample != theirs.per_sample:
        kinds = [each.per_sample.kind if each.per_sample else "constants" for each in (mine, theirs)]
        return f"samples are normalised by {' in one and '.join(kinds)} in the other, or by other values of the sample"
    if mine.value_map != theirs.value_map:
        return f"values pass through {mine.value_map} in one and {theirs.value_map} in the other"
    return "a raw value reaches one network as a number, and the other as an infinite one"
