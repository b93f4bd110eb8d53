"""What a network expects at its input, field by field, and where each field was read from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Generic, TypeVar

from tare.affine import Affine
from tare.errors import SpecError

SCHEMA = "tare.spec/1"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """A field that somebody stated; ``origin`` names the file and key, the library and version, the catalog or the user."""

    value: T
    origin: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A field that nobody stated, and why it is not known. Never replaced by a default."""

    reason: str


Field = Known[T] | Unknown
_UNSTATED = Unknown("nobody stated it")


@dataclass(frozen=True, slots=True)
class Crop:
    """How an image becomes ``size``: the mode (``center``, ``squash``, ``border``) and the share of the resized edge kept."""

    mode: str
    fraction: float


@dataclass(frozen=True, slots=True)
class InputSpec:
    """Channel order, raw-to-unit scale, mean, std, size ``(height, width)``, interpolation and crop of a network's input.

    The network receives ``(scale * v - mean) / std`` per channel for a raw value v; mean and std are in unit values.
    """

    channels: Field[str] = _UNSTATED
    scale: Field[float] = _UNSTATED
    mean: Field[tuple[float, ...]] = _UNSTATED
    std: Field[tuple[float, ...]] = _UNSTATED
    size: Field[tuple[int, int]] = _UNSTATED
    interpolation: Field[str] = _UNSTATED
    crop: Field[Crop] = _UNSTATED
    extra: Mapping[str, Any] = field(default_factory=dict)

    def require(self, name: str, remedy: str) -> Any:
        """Return the value of a field, or raise :class:`SpecError` saying why it is unknown."""
        stated = getattr(self, name)
        if isinstance(stated, Unknown):
            raise SpecError(f"a stated {name} of the network's input", f"it is unknown: {stated.reason}", remedy)
        return stated.value

    def affine(self) -> Affine:
        """The canonical map from raw values, in red, green, blue order, to network input.

        Raises :class:`SpecError` if scale, mean, std or channels is unknown.
        """
        remedy = "state it with --mean and --std, or in the spec file"
        mean, std = self.require("mean", remedy), self.require("std", remedy)
        channels = self.require("channels", remedy)
        order = (2, 1, 0) if channels == "BGR" else tuple(range(len(mean)))
        return Affine.of_normalisation(mean, std, self.require("scale", remedy), order)

    def equivalent(self, other: InputSpec, tolerance: float = 1e-6) -> bool:
        """Whether every raw value in 0..255 reaches the network as the same number, to ``tolerance`` input std."""
        return self.affine().distance(other.affine()) <= tolerance

    def to_json(self) -> dict[str, Any]:
        """The specification as a JSON object; what is unknown is null, with its reason under ``origin``."""
        known = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "extra"}
        document: dict[str, Any] = {**self.extra, "schema": SCHEMA}
        document |= {name: _plain(stated) for name, stated in known.items()}
        try:
            affine = self.affine()
        except SpecError:
            document["affine"] = None
        else:
            document["affine"] = {"order": list(affine.order), "a": list(affine.scale), "b": list(affine.shift)}
        document["origin"] = {
            name: {"unknown": stated.reason} if isinstance(stated, Unknown) else stated.origin for name, stated in known.items()
        }
        return document

    @classmethod
    def from_json(cls, document: Any) -> InputSpec:
        """Read :meth:`to_json` back; unknown keys are kept in ``extra``. Raises :class:`SpecError` if malformed."""
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            found = document.get("schema") if isinstance(document, dict) else type(document).__name__
            raise SpecError(f"a JSON object with schema {SCHEMA!r}", f"{found!r}", "write it with `tare spec`")
        origins = document.get("origin")
        origins = origins if isinstance(origins, dict) else {}
        stated = {name: _field(name, document.get(name), origins.get(name)) for name in _PARSERS}
        extra = {key: value for key, value in document.items() if key not in {*_PARSERS, "schema", "affine", "origin"}}
        return cls(**stated, extra=extra)

    @classmethod
    def load(cls, path: Path) -> InputSpec:
        """Read a spec file. Raises :class:`SpecError` if it is not there or not JSON."""
        try:
            return cls.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, RecursionError) as error:
            raise SpecError("a readable JSON spec file", f"{str(path)!r}: {error}", "check the path") from None


def _plain(stated: Field[Any]) -> Any:
    if isinstance(stated, Unknown):
        return None
    if isinstance(stated.value, Crop):
        return {"mode": stated.value.mode, "fraction": stated.value.fraction}
    return list(stated.value) if isinstance(stated.value, tuple) else stated.value


def _field(name: str, value: Any, origin: Any) -> Field[Any]:
    if value is None:
        reason = origin.get("unknown") if isinstance(origin, dict) else None
        return Unknown(str(reason or "the spec file does not state it"))
    try:
        parsed = _PARSERS[name](value)
    except (TypeError, ValueError, KeyError) as error:
        raise SpecError(f"a valid {name!r} in the spec", f"{value!r} ({error})", "correct it") from None
    return Known(parsed, str(origin or "spec file"))


def _numbers(value: Any) -> tuple[float, ...]:
    numbers = tuple(_number(item) for item in value)
    if not numbers:
        raise ValueError("empty")
    return numbers


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("not a finite number")
    return float(value)


def _stds(value: Any) -> tuple[float, ...]:
    numbers = _numbers(value)
    if min(numbers) <= 0:
        raise ValueError("a std is positive")
    return numbers


def _size(value: Any) -> tuple[int, int]:
    height, width = value
    if not (isinstance(height, int) and isinstance(width, int) and height > 0 and width > 0):
        raise ValueError("height and width are positive integers")
    return height, width


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


_PARSERS: dict[str, Any] = {
    "channels": _text,
    "scale": _number,
    "mean": _numbers,
    "std": _stds,
    "size": _size,
    "interpolation": _text,
    "crop": lambda value: Crop(_text(value["mode"]), _number(value["fraction"])),
}
