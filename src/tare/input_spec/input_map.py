"""The canonical form of every input convention: what becomes of a raw value on its way to the network's input.

``y_c = a_c * clip(g(v_p(c)), lo_c, hi_c) + b_c`` with p a selection of channels, g the identity or a named monotone map, and a
clip only where one is stated. Without map and clip it is an :class:`Affine`. A normalisation of each sample by its own values
comes before g, and is no map of single values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tare.input_spec.affine import Affine
from tare.input_spec.fields import PerSample
from tare.samples.layout import Doubles

Window = tuple[tuple[float, float], ...]

#: Each map as a function of a library (NumPy or torch) and its array.
_MAPS: Mapping[str, Callable[[Any, Any], Any]] = {
    "identity": lambda _, values: values,
    "sqrt": lambda library, values: library.sqrt(values),
    "log": lambda library, values: library.log(values),
    "log1p": lambda library, values: library.log1p(values),
    "log2": lambda library, values: library.log2(values),
    "log10": lambda library, values: library.log10(values),
    "dB": lambda library, values: 10 * library.log10(values),
}


def mapped(name: str, library: Any, values: Any) -> Any:
    """Apply the named map; values outside its domain become NaN or -inf, as in the library."""
    return _MAPS[name](library, values)


_INVERSES: Mapping[str, Callable[[float], float]] = {
    "identity": lambda value: value,
    "sqrt": lambda value: value * value,
    "log": math.exp,
    "log1p": math.expm1,
    "log2": lambda value: 2.0**value,
    "log10": lambda value: 10.0**value,
    "dB": lambda value: 10.0 ** (value / 10),
}


def unmapped(name: str, value: float) -> float:
    """The value that the named map takes to ``value``."""
    return _INVERSES[name](value)


@dataclass(frozen=True, slots=True)
class InputMap:
    """Raw value to network input; ``clip`` has one window per channel of the output, in the units that ``value_map`` gives."""

    affine: Affine
    value_map: str = "identity"
    clip: Window | None = None
    per_sample: PerSample | None = None

    def apply(self, values: Doubles) -> Doubles:
        """Map raw values ``(..., C)`` to network input ``(..., C)``; raises ValueError for a per-sample convention."""
        if self.per_sample is not None:
            raise ValueError("a per-sample normalisation maps samples, not values")
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = mapped(self.value_map, np, values[..., list(self.affine.order)])
        if self.clip is not None:
            low, high = np.array(self.clip).T
            moved = np.clip(moved, low, high)
        return np.asarray(moved * np.array(self.affine.scale) + np.array(self.affine.shift), np.float64)

    @property
    def zero(self) -> tuple[float, ...] | None:
        """The raw value of each channel, in the order of raw values, that becomes 0; None if it differs per sample.

        It is what surrounds an image, and pads a sample.
        """
        if self.per_sample is not None:
            return None
        mapped_zero = (unmapped(self.value_map, -b / a) for a, b in zip(self.affine.scale, self.affine.shift, strict=True))
        found = dict(zip(self.affine.order, mapped_zero, strict=True))
        return tuple(found[channel] for channel in sorted(found))

    def as_affine(self, low: float = -math.inf, high: float = math.inf) -> Affine | None:
        """The same map of raw values in [``low``, ``high``] as an affine one; None if a map or a clip that binds forbids that."""
        if self.per_sample is not None or self.value_map != "identity":
            return None
        binds = self.clip is not None and any(first > low or last < high for first, last in self.clip)
        return None if binds else self.affine

    def why_not_affine(self) -> str:
        """What is not affine about the convention, in words."""
        if self.per_sample is not None:
            return f"each sample is normalised by its own values ({self.per_sample.kind})"
        if self.value_map != "identity":
            return f"values pass through {self.value_map}"
        low, high = (self.clip or ((-math.inf, math.inf),))[0]
        return f"values are clipped to [{low:g}, {high:g}]"

    def images(self, low: int, high: int) -> tuple[float, ...]:
        """What the named map makes of the integers from ``low`` to ``high``: the ends of all images, and -inf if one has it."""
        turning = {low, high, *(each for each in (-1, 0, 1) if low <= each <= high)}  # where the domain of a map begins
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.asarray(mapped(self.value_map, np, np.array(sorted(turning), np.float64)))
        return tuple(found[~np.isnan(found)].tolist())

    def distance(self, other: InputMap, ends: Sequence[float]) -> float:
        """Largest difference of the two maps between the least and the largest of ``ends``, in units of input std.

        ``ends`` are in the units that ``value_map`` gives, in which both maps are piecewise linear: the largest difference is at
        an end or at the edge of a clip. Infinite if channels, per-sample normalisation or the named map differ, or if one map
        makes an infinite value finite.
        """
        if (self.affine.order, self.per_sample, self.value_map) != (other.affine.order, other.per_sample, other.value_map):
            return math.inf
        edges = (edge for clip in (self.clip, other.clip) for window in clip or () for edge in window)
        inside = np.array([*ends, *(edge for edge in edges if min(ends) <= edge <= max(ends))])[:, None]
        mine, theirs = (_after_map(each, inside) for each in (self, other))
        with np.errstate(invalid="ignore"):
            return float(np.where(mine == theirs, 0.0, np.abs(mine - theirs)).max())


def _after_map(each: InputMap, values: Doubles) -> Doubles:
    """Clip and constants alone, of values ``(N, 1)``."""
    if each.clip is not None:
        values = np.clip(values, *np.array(each.clip).T)
    return np.asarray(values * np.array(each.affine.scale) + np.array(each.affine.shift), np.float64)
