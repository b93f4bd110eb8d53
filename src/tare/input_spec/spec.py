"""What a network expects at its input, field by field, and where each field was read from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tare.errors import SpecError
from tare.input_spec.affine import Affine
from tare.input_spec.fields import PARSERS, UNSTATED, Crop, Field, Known, Unknown, parsed, plain
from tare.input_spec.formats.hf import fields_of_processor_config, processor_config_of
from tare.input_spec.formats.timm import fields_of_pretrained_cfg, pretrained_cfg_of
from tare.input_spec.formats.torchvision import fields_of_preset, preset_of
from tare.input_spec.resize import evaluation_steps, training_steps
from tare.input_spec.words import description
from tare.samples.layout import unit_scale

if TYPE_CHECKING:
    import torch

__all__ = ["SCHEMA", "Crop", "Field", "InputSpec", "Known", "Unknown"]

SCHEMA = "tare.spec/1"
_MOST_BYTES = 1 << 24
_REMEDY = "state it with --mean and --std, or in the spec file"


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What a network receives: per channel ``(scale * v - mean) / std`` of a raw value v; mean and std are in unit values.

    ``channels`` names their order (``RGB``, ``BGR``, ``L``, or names joined by commas); ``raw_dtype`` is the type of raw
    values (``uint8``: 0..255); ``size`` is ``(height, width)``; ``layout`` and ``dtype`` are the tensor's. A field that nobody
    stated is :class:`Unknown`, never a default.
    """

    channels: Field[str] = UNSTATED
    scale: Field[float] = UNSTATED
    mean: Field[tuple[float, ...]] = UNSTATED
    std: Field[tuple[float, ...]] = UNSTATED
    size: Field[tuple[int, int]] = UNSTATED
    interpolation: Field[str] = UNSTATED
    antialias: Field[bool] = UNSTATED
    crop: Field[Crop] = UNSTATED
    layout: Field[str] = UNSTATED
    dtype: Field[str] = UNSTATED
    raw_dtype: Field[str] = UNSTATED
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        mean: Sequence[float],
        std: Sequence[float],
        *,
        scale: float = 1 / 255,
        channels: str | None = None,
        raw_dtype: str = "uint8",
        origin: str = "user",
        **others: Any,
    ) -> InputSpec:
        """State a spec by its values; ``channels`` is L or RGB where their number says so.

        Raises :class:`SpecError` for a value that cannot be.
        """
        channels = channels or {1: "L", 3: "RGB"}.get(len(mean)) or ",".join(f"c{index}" for index in range(len(mean)))
        values = {"mean": tuple(mean), "std": tuple(std), "scale": scale, "channels": channels, "raw_dtype": raw_dtype, **others}
        stated: dict[str, Any] = {name: _read(name, plain(Known(value, origin)), origin) for name, value in values.items()}
        return cls(**stated)

    def require(self, name: str, remedy: str = _REMEDY) -> Any:
        """Return the value of a field, or raise :class:`SpecError` saying why it is unknown."""
        stated = getattr(self, name)
        if isinstance(stated, Unknown):
            raise SpecError(f"a stated {name} of the network's input", f"it is unknown: {stated.reason}", remedy)
        return stated.value

    def affine(self) -> Affine:
        """The canonical map from raw values, in red, green, blue order, to network input.

        Raises :class:`SpecError` if scale, mean, std or channels is unknown, or mean and std differ in length.
        """
        mean, std = self.require("mean"), self.require("std")
        if len(mean) != len(std):
            raise SpecError("one mean and one std per channel", f"{len(mean)} means and {len(std)} stds", "correct the spec")
        channels = self.require("channels")
        order = (2, 1, 0) if channels == "BGR" and len(mean) == 3 else tuple(range(len(mean)))
        return Affine.of_normalisation(mean, std, self.require("scale"), order)

    def canonical(self) -> Affine:
        """The map of :meth:`affine`, checked: it has an inverse, and is finite.

        Raises :class:`SpecError` if a field that is needed is unknown or cannot be used.
        """
        mean, std = self.require("mean"), self.require("std")
        if len(mean) != len(std):
            raise SpecError("a mean and a std for each channel", f"{len(mean)} means and {len(std)} stds", "state as many")
        if not all(math.isfinite(value) for value in (*mean, *std)) or min(std) <= 0:
            raise SpecError("finite means and positive stds", f"mean {tuple(mean)}, std {tuple(std)}", "correct the spec")
        affine = self.affine()
        if 0.0 in affine.scale:
            raise SpecError("a scale other than zero", f"{affine.scale}", "correct the spec")
        return affine

    def equivalent(self, other: InputSpec, tolerance: float = 1e-6) -> bool:
        """Whether every raw value in 0..255 reaches the network as the same number, to ``tolerance`` input std."""
        return self.affine().distance(other.affine()) <= tolerance

    def affine_from(self, dtype: str) -> Affine:
        """The map to network input from values of ``dtype`` as tensors hold them: raw integers, or unit floats.

        Floats are unit values where ``raw_dtype`` is an integer type, and raw where it is a float type. Integers of another
        width count by their own range: 65535 in uint16 is what 255 is in uint8.
        Raises :class:`SpecError` if a field that is needed is unknown.
        """
        raw = self.affine()
        if isinstance(self.raw_dtype, Known) and self.raw_dtype.value.startswith("float"):
            return raw
        if dtype.startswith(("float", "bfloat")) or isinstance(self.raw_dtype, Known):
            stored = self.require("raw_dtype", "state whether raw values are uint8 or floats")
            factor = float(unit_scale(dtype) / unit_scale(stored))
            return Affine(raw.order, tuple(scale * factor for scale in raw.scale), raw.shift)
        return raw

    def apply(self, values: torch.Tensor, layout: Literal["NCHW", "NHWC"] = "NCHW") -> torch.Tensor:
        """Map raw integers or unit floats to network input: ``y_c = a_c * v_p(c) + b_c`` by :meth:`affine_from`.

        ``values`` are ``(N, C, H, W)`` or ``(C, H, W)``, channels last with ``layout="NHWC"``, in red, green, blue order. The
        layout stays; the result is float32, or float64 where that was given.

        Raises :class:`SpecError` for another number of channels, or if a field that is needed is unknown.
        """
        import torch

        affine = self.affine_from(str(values.dtype).removeprefix("torch."))
        axis = -1 if layout == "NHWC" else -3
        if values.ndim < -axis or values.shape[axis] != len(affine.scale):
            found = f"the shape {tuple(values.shape)}"
            raise SpecError(
                f"{len(affine.scale)} channels on axis {axis}", found, "state the layout, or check the data's channels"
            )
        if affine.order != tuple(range(len(affine.order))):
            values = values.index_select(axis, torch.tensor(affine.order, device=values.device))
        kind = values.dtype if values.dtype == torch.float64 else torch.float32
        shape = [-1] + [1] * (-axis - 1)
        scale = torch.tensor(affine.scale, dtype=kind, device=values.device).reshape(shape)
        shift = torch.tensor(affine.shift, dtype=kind, device=values.device).reshape(shape)
        return torch.addcmul(shift, values.to(kind), scale)

    def transform(self, train: bool = False) -> Any:
        """A torchvision v2 ``Compose``: PIL image or uint8 tensor ``(C, H, W)`` to network input ``(C, H, W)`` float32.

        Resize and crop of the spec (random resized crop and flip with ``train``), scale to [0, 1], order, ``Normalize``.
        Raises :class:`SpecError` if a field that is needed is unknown, or for raw values other than uint8.
        """
        import torch
        from torchvision.transforms import v2

        unit = self.affine_from("float32")
        if self.require("raw_dtype") != "uint8" or len(unit.scale) not in (1, 3):
            found = f"{self.require('raw_dtype')} with {len(unit.scale)} channels"
            raise SpecError("a network for 8-bit grey or RGB images", found, "map your values with InputSpec.apply")
        size, interpolation = self.require("size"), self.require("interpolation")
        geometry = training_steps(size, interpolation) if train else self._evaluation_steps(size, interpolation)
        steps = [v2.RGB() if len(unit.scale) == 3 else v2.Grayscale(1), *geometry]
        steps += [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
        if unit.order == (2, 1, 0):
            steps.append(v2.Lambda(_reversed))
        std = [1 / scale for scale in unit.scale]
        steps.append(v2.Normalize([-shift * s for shift, s in zip(unit.shift, std, strict=True)], std))
        return v2.Compose([*steps, v2.ToPureTensor()])

    def _evaluation_steps(self, size: tuple[int, int], interpolation: str) -> list[Any]:
        antialias = self.antialias.value if isinstance(self.antialias, Known) else True
        unit = self.affine_from("float32")  # a border is filled with what becomes 0 at the network's input, as timm does
        fill = [round(-255 * b / a) for a, b in zip(unit.scale, unit.shift, strict=True)]
        return evaluation_steps(size, self.require("crop"), interpolation, antialias, fill)

    def describe(self) -> str:
        """Say in plain words what reaches the network, as lines of text: raw 255 becomes 2.2489."""
        return "\n".join(description(self.fields(), self.affine_if_known()))

    def affine_if_known(self) -> Affine | None:
        """The canonical map, None where :meth:`affine` raises."""
        try:
            return self.affine()
        except SpecError:
            return None

    def to_json(self) -> dict[str, Any]:
        """The specification as a JSON object; an unknown field is null, with its reason under ``origin``."""
        stated = self.fields()
        document: dict[str, Any] = {**self.extra, "schema": SCHEMA}
        document |= {name: plain(value) for name, value in stated.items()}
        affine = self.affine_if_known()
        document["affine"] = affine and {"order": list(affine.order), "a": list(affine.scale), "b": list(affine.shift)}
        document["origin"] = {
            name: {"unknown": value.reason} if isinstance(value, Unknown) else value.origin for name, value in stated.items()
        }
        return document

    def fields(self) -> dict[str, Field[Any]]:
        """Every field by its name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "extra"}

    @classmethod
    def from_json(cls, document: Any) -> InputSpec:
        """Read :meth:`to_json` back; unknown keys are kept in ``extra``. Raises :class:`SpecError` if malformed."""
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            found = document.get("schema") if isinstance(document, dict) else type(document).__name__
            raise SpecError(f"a JSON object with schema {SCHEMA!r}", f"{found!r}", "write it with `tare spec`")
        origins = document.get("origin")
        origins = origins if isinstance(origins, dict) else {}
        stated = {name: _read(name, document.get(name), origins.get(name)) for name in PARSERS}
        extra = {key: value for key, value in document.items() if key not in {*PARSERS, "schema", "affine", "origin"}}
        _check_writable(extra)
        return cls(**stated, extra=extra)

    @classmethod
    def from_timm(cls, config: Any, source: str = "pretrained_cfg") -> InputSpec:
        """Read a timm pretrained_cfg; what it does not state is unknown, never ImageNet's. :class:`SpecError` if malformed."""
        return cls(**fields_of_pretrained_cfg(config, source))

    def to_timm(self) -> dict[str, Any]:
        """The keys of a timm pretrained_cfg. Raises :class:`SpecError` for what is unknown or timm cannot state (BGR)."""
        return pretrained_cfg_of(self.fields())

    @classmethod
    def from_hf(cls, config: Any, source: str = "preprocessor_config.json") -> InputSpec:
        """Read a Hugging Face processor configuration by what its class does. Raises :class:`SpecError` if malformed."""
        return cls(**fields_of_processor_config(config, source))

    def to_hf(self) -> dict[str, Any]:
        """A ``preprocessor_config.json``. Raises :class:`SpecError` for what is unknown or it cannot state (BGR)."""
        return processor_config_of(self.fields())

    @classmethod
    def from_torchvision(cls, preset: Any, source: str = "torchvision preset") -> InputSpec:
        """Read a torchvision preset, what ``weights.transforms()`` returns. Raises :class:`SpecError` for another object."""
        return cls(**fields_of_preset(preset, source))

    def to_torchvision(self) -> Any:
        """An ``ImageClassification`` preset. Raises :class:`SpecError` for what is unknown or it cannot state."""
        return preset_of(self.fields())

    @classmethod
    def load(cls, path: Path) -> InputSpec:
        """Read a spec file. Raises :class:`SpecError` if it is not there, too large or not JSON."""
        return cls.from_json(read_json(path))


def _check_writable(extra: Mapping[str, Any]) -> None:
    """Raise :class:`SpecError` for NaN and Infinity, which Python reads from JSON although JSON does not have them."""
    try:
        json.dumps(extra, allow_nan=False)
    except ValueError:
        found = f"NaN or Infinity in one of {', '.join(map(repr, extra))}"
        raise SpecError("finite numbers in the fields that tare does not know", found, "state them as text or null") from None


def read_json(path: Path) -> Any:
    """Read a JSON file of at most 16 MiB. Raises :class:`SpecError` if it is not there, too large or malformed."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SpecError(f"a JSON file of at most {_MOST_BYTES} bytes", f"{path.stat().st_size} in {str(path)!r}", "check it")
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SpecError("a readable JSON spec file", f"{str(path)!r}: {error}", "check the path") from None


def _read(name: str, value: Any, origin: Any) -> Field[Any]:
    try:
        return parsed(name, value, origin)
    except ValueError as error:
        raise SpecError(f"a valid {name!r} in the spec", str(error), "correct it") from None


def _reversed(image: Any) -> Any:
    return image.flip(-3)
