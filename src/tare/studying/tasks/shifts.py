"""Shifts, by which dataset1's sensor may differ from dataset0's: maps of raw values, stored in the raw dtype."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import SpecError
from tare.samples.layout import unit_scale

UnitValues = NDArray[np.float64]
_NUMBER = r"-?\d+(?:\.\d+)?"
#: Samples converted to float64 at once.
_PIECE = 256
_HELP = "content, gain:0.5, offset:0.25, gain:0.5+offset:0.25, bits:4, invert, swap, blur:1, units:1000"


@dataclass(frozen=True, slots=True)
class Shift:
    """A chain of changes to unit values (for floats: raw values), applied in the written order."""

    name: str
    parts: tuple[tuple[str, float], ...]

    def apply(self, raw: NDArray[Any]) -> NDArray[Any]:
        """The samples ``(N, ..., C)`` as the other sensor stores them; integers are rounded and clipped."""
        if not self.parts:
            return raw
        if raw.dtype.kind == "u" and raw.dtype.itemsize <= 2 and raw.size > np.iinfo(raw.dtype).max and self.pointwise:
            table = self._computed(np.arange(np.iinfo(raw.dtype).max + 1, dtype=raw.dtype))
            return np.asarray(table[raw])  # each value is computed once
        pieces = [self._computed(raw[start : start + _PIECE]) for start in range(0, len(raw), _PIECE)]
        return np.concatenate(pieces) if pieces else raw

    @property
    def pointwise(self) -> bool:
        """Whether each new value depends on the old value alone."""
        return all(kind not in ("swap", "blur") for kind, _ in self.parts)

    def _computed(self, raw: NDArray[Any]) -> NDArray[Any]:
        scale = float(unit_scale(raw.dtype))
        unit = raw.astype(np.float64) * scale
        for kind, amount in self.parts:
            unit = _CHANGES[kind](unit, amount)
        if raw.dtype.kind == "f":
            return unit.astype(raw.dtype)
        limits = np.iinfo(raw.dtype)
        return np.asarray(np.clip(np.rint(unit / scale), limits.min, limits.max).astype(raw.dtype))


def shift_named(name: str) -> Shift:
    """Read a shift such as ``gain:0.5+offset:0.25``. Raises :class:`SpecError` for any other text."""
    if name == "content":
        return Shift(name, ())
    parts = []
    for text in name.split("+"):
        match = re.fullmatch(rf"(gain|offset|bits|blur|units):({_NUMBER})|(invert|swap)", text)
        amount = float(match.group(2)) if match and match.group(2) else 1.0
        kind = (match.group(1) or match.group(3)) if match else ""
        if match is None or (kind in ("gain", "units") and amount == 0) or (kind == "bits" and not 1 <= amount <= 16):
            raise SpecError(f"a shift: {_HELP}", f"{name!r}", "correct it")
        parts.append((kind, amount))
    return Shift(name, tuple(parts))


def _bits(unit: UnitValues, bits: float) -> UnitValues:
    """Keep 2^bits levels, stored in the lower part of the range, as in raw files of sensors with fewer bits."""
    levels = 2.0**bits - 1
    return np.asarray(np.rint(unit * levels) / (255.0 if bits <= 8 else 65535.0), dtype=np.float64)


def _blurred(unit: UnitValues, sigma: float) -> UnitValues:
    """Gaussian blur over positions, not over samples or channels."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(unit, (0.0, *([sigma] * (unit.ndim - 2)), 0.0)), dtype=np.float64)


_CHANGES: dict[str, Callable[[UnitValues, float], UnitValues]] = {
    "gain": lambda unit, amount: unit * amount,
    "offset": lambda unit, amount: unit + amount,
    "bits": _bits,
    "invert": lambda unit, _: 1.0 - unit,
    "swap": lambda unit, _: unit[..., ::-1].copy(),
    "blur": _blurred,
    "units": lambda unit, amount: unit * amount,
}
