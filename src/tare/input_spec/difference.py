"""Compare two specifications: whether both networks expect the same values, and the largest difference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from tare.errors import SpecError
from tare.input_spec.fields import Known, plain
from tare.input_spec.spec import InputSpec

#: In units of input std: differences below this are float32 rounding of an input of a few std.
TOLERANCE = 1e-6
_GEOMETRY = ("size", "interpolation", "antialias", "crop", "layout", "dtype")


@dataclass(frozen=True, slots=True)
class SpecDifference:
    """How two specifications differ.

    ``distance``: the largest difference of the two inputs that one raw value becomes, in units of input std; infinite if the
    channels differ in order or number. ``others``: the other fields that both specifications state and that differ.
    """

    distance: float
    others: dict[str, tuple[Any, Any]]

    @property
    def equivalent(self) -> bool:
        """Whether every raw value reaches both networks as the same number."""
        return self.distance <= TOLERANCE

    def describe(self) -> str:
        """One line for the values, and one for each other field that differs."""
        if self.equivalent:
            lines = [f"equivalent: no raw value reaches the two networks more than {self.distance:.2g} input std apart"]
        elif math.isinf(self.distance):
            lines = ["different: the channels differ in order or number"]
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

    Raises :class:`SpecError` if order, scale, mean or std of one is unknown, or their raw values are of different types.
    """
    kinds = [spec.raw_dtype.value for spec in (first, second) if isinstance(spec.raw_dtype, Known)]
    if len(set(kinds)) > 1:
        raise SpecError("raw values of one type in both", " and ".join(kinds), "state them in the same raw values")
    high = {"uint16": 65535.0, "float32": 1.0, "float64": 1.0}.get(kinds[0] if kinds else "uint8", 255.0)
    others = {}
    for name in _GEOMETRY:
        mine, theirs = getattr(first, name), getattr(second, name)
        if isinstance(mine, Known) and isinstance(theirs, Known) and mine.value != theirs.value:
            others[name] = (plain(mine), plain(theirs))
    return SpecDifference(first.affine().distance(second.affine(), 0.0, high), others)
