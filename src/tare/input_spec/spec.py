"""What a network expects at its input, field by field, and where each field was read from."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tare.errors import SpecError, closest, reason_of, short_repr
from tare.input_spec.affine import Affine
from tare.input_spec.consistency import channel_number, check_consistent, check_one_order, check_picture_order
from tare.input_spec.fields import ADDED, PARSERS, RAW_DTYPES, UNSTATED, Crop, Field, Known, PerSample, Unknown, parsed, plain
from tare.input_spec.formats.hf import fields_of_processor_config, processor_config_of
from tare.input_spec.formats.timm import fields_of_pretrained_cfg, pretrained_cfg_of
from tare.input_spec.formats.torchvision import fields_of_preset, preset_of
from tare.input_spec.input_map import InputMap, Window
from tare.input_spec.resize import EightBits, evaluation_steps, training_steps
from tare.input_spec.words import description, names_in_order
from tare.samples.layout import clipped, dtype_range, unit_scale
from tare.system.handed.arguments import place_of
from tare.system.local.opened import document_text
from tare.system.shown import Shown, numbers

if TYPE_CHECKING:
    import torch

__all__ = ["SCHEMA", "Crop", "Field", "InputSpec", "Known", "PerSample", "Unknown"]

SCHEMA = "tare.spec/2"
_OLDER = "tare.spec/1"
#: What tare itself writes beside the fields: the length and sampling rate of signals, and that a model normalises inside.
_EXTRA = ("length", "rate", "inside")
#: Without a stated type, raw values are taken to lie within so many stds of the means.
_STDS = 3.0
_MOST_BYTES = 1 << 24
_ALIKE = 1e-9
_REMEDY = "state it with --mean and --std, or in the spec file"


@dataclass(frozen=True, slots=True, repr=False)
class InputSpec(Shown):
    """What a network receives: per channel ``(scale * v - mean) / std`` of a raw value v.

    Where a convention states them, v first passes through ``per_sample`` (:class:`PerSample`: each sample by its own values),
    then the monotone ``value_map`` (``log``, ``dB``, ...), then ``clip`` (a window for all channels, or one per channel).

    ``channels`` names their order (``RGB``, ``BGR``, ``L``, or the names of bands joined by commas). ``raw_dtype`` is the type of
    raw values, ``bits`` how many of its bits are in use, ``units`` what a raw value counts (code values, DN, HU, dB, metre), and
    ``nodata`` the raw values that mean "no data". ``size`` is ``(height, width)``; ``layout`` and ``dtype`` are the tensor's. A
    field that nobody stated is :class:`Unknown`, never a default.
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
    bits: Field[int] = UNSTATED
    units: Field[str] = UNSTATED
    nodata: Field[tuple[float, ...]] = UNSTATED
    value_map: Field[str] = UNSTATED
    clip: Field[Window] = UNSTATED
    per_sample: Field[PerSample] = UNSTATED
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        mean: Sequence[float],
        std: Sequence[float],
        *,
        scale: float | None = None,
        channels: str | None = None,
        raw_dtype: str | None = None,
        origin: str = "user",
        **others: Any,
    ) -> InputSpec:
        """State a spec by its values; ``channels`` is L or RGB where their number says so.

        Without a ``scale``, mean and std are in unit values: the scale is that of ``raw_dtype`` (1/255 of uint8, 1/65535 of
        uint16), and unknown without a ``raw_dtype``. Raises :class:`SpecError` for values that cannot be, or contradict.
        """
        mean, std = (_numbers(name, given) for name, given in (("mean", mean), ("std", std)))
        channels = channels or {1: "L", 3: "RGB"}.get(len(mean)) or ",".join(f"c{index}" for index in range(len(mean)))
        values = {"mean": tuple(mean), "std": tuple(std), "channels": channels, **others}
        if raw_dtype is not None:
            values["raw_dtype"] = raw_dtype
        if scale is not None:
            values["scale"] = scale
        elif raw_dtype in RAW_DTYPES:
            values["scale"] = float(unit_scale(str(raw_dtype)))
        stated: dict[str, Any] = {name: _read(name, plain(Known(value, origin)), origin) for name, value in values.items()}
        return cls(**stated).checked()

    def checked(self) -> InputSpec:
        """The spec with one mean and std per channel that it names, where one number is stated for all of them.

        Raises :class:`SpecError` for statements that contradict one another.
        """
        check_consistent(self.fields())
        count = 1 if isinstance(self.channels, Unknown) else channel_number(self.channels.value)
        one = {"mean": self.mean, "std": self.std}
        spread: dict[str, Any] = {
            name: Known(stated.value * count, f"{stated.origin}, one for all channels")
            for name, stated in one.items()
            if count > 1 and isinstance(stated, Known) and len(stated.value) == 1
        }
        return replace(self, **spread) if spread else self

    def require(self, name: str, remedy: str = _REMEDY) -> Any:
        """Return the value of a field, or raise :class:`SpecError` saying why it is unknown."""
        stated = getattr(self, name)
        if isinstance(stated, Unknown):
            raise SpecError(f"a stated {name} of the network's input", f"it is unknown: {stated.reason}", remedy)
        return stated.value

    def channel_count(self) -> int | None:
        """The number of channels: that of the means, else of the names of channels; None where neither is stated."""
        if isinstance(self.mean, Known):
            return len(self.mean.value)
        if isinstance(self.channels, Unknown):
            return None
        return channel_number(self.channels.value)

    def input_map(self) -> InputMap:
        """The canonical map from raw values, in red, green, blue order, to network input.

        Raises :class:`SpecError` if scale, mean, std or channels is unknown, or mean and std differ in length.
        """
        mean, std = self.require("mean"), self.require("std")
        if len(mean) != len(std):
            raise SpecError("one mean and one std per channel", f"{len(mean)} means and {len(std)} stds", "correct the spec")
        channels = self.require("channels")
        order = (2, 1, 0) if channels == "BGR" and len(mean) == 3 else tuple(range(len(mean)))
        affine = Affine.of_normalisation(mean, std, self.require("scale"), order)
        clip = self.clip.value if isinstance(self.clip, Known) else None
        named = self.value_map.value if isinstance(self.value_map, Known) else "identity"
        each = self.per_sample.value if isinstance(self.per_sample, Known) else None
        return InputMap(affine, named, clip * len(mean) if clip and len(clip) == 1 else clip, each)

    def affine(self) -> Affine:
        """The map of :meth:`input_map` where it is affine: no clip that binds, no named map, nothing per sample.

        Raises :class:`SpecError` where it is not, or if a field that is needed is unknown.
        """
        whole = self.input_map()
        affine = whole.as_affine(*(self.raw_range() or (-math.inf, math.inf)))
        if affine is None:
            found = whole.why_not_affine()
            raise SpecError("a convention of a shift and a scale per channel", found, "map the values with InputSpec.apply")
        return affine

    def _check_affine(self) -> None:
        """Raise :class:`SpecError` where more than a shift and a scale is stated, which no library's configuration has."""
        if any(isinstance(stated, Known) for stated in (self.value_map, self.clip, self.per_sample)):
            self.affine()

    def raw_range(self) -> tuple[int, int] | None:
        """The least and the largest raw value of the stated type and bits in use; None for floats, and where unknown."""
        if isinstance(self.raw_dtype, Unknown):
            return None
        return dtype_range(self.raw_dtype.value, self.bits.value if isinstance(self.bits, Known) else None)

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

    def distance(self, other: InputSpec) -> float:
        """The largest difference of the two inputs that one raw value becomes, in units of input std; see :class:`InputMap`.

        Raw values lie in the range of their type and bits in use or, without a stated integer type, within three stds of either
        network's means, which are those of values after a named map. Raises :class:`SpecError` if a field that is needed is
        unknown, the raw values are of different types or units, or both share names of channels, but not all in their places.
        """
        for name, noun in (("raw_dtype", "type"), ("units", "unit")):
            stated = [field.value for field in (getattr(self, name), getattr(other, name)) if isinstance(field, Known)]
            if len(set(stated)) > 1:
                raise SpecError(f"raw values of one {noun} in both", " and ".join(stated), f"state them in the same {noun}")
        check_one_order(self.channels, other.channels)
        mine, theirs = self.input_map(), other.input_map()
        spans = [each.images(*span) for each, spec in ((mine, self), (theirs, other)) if (span := spec.raw_range()) is not None]
        spans = spans or [self._constants_range(), other._constants_range()]
        return mine.distance(theirs, [end for span in spans for end in span])

    def _constants_range(self) -> tuple[float, float]:
        scale = self.require("scale")
        pairs = zip(self.require("mean"), self.require("std"), strict=False)
        ends = [(mean + sign * _STDS * std) / scale for mean, std in pairs for sign in (-1, 1)]
        return min(ends), max(ends)

    def equivalent(self, other: InputSpec, tolerance: float = 1e-6) -> bool:
        """Whether every raw value reaches both networks as the same number, to ``tolerance`` input std.

        Raises :class:`SpecError` as :meth:`distance` does.
        """
        return self.distance(other) <= tolerance

    def affine_from(self, dtype: str) -> Affine:
        """The map to network input from values of ``dtype`` as tensors hold them: raw integers, or unit floats.

        Floats are unit values where ``raw_dtype`` is an integer type, and raw where it is a float type. Raises :class:`SpecError`
        for integers of another type, or if a field that is needed is unknown.
        """
        raw, factor = self.affine(), self.factor_from(dtype)
        return raw if factor == 1.0 else Affine(raw.order, tuple(scale * factor for scale in raw.scale), raw.shift)

    def factor_from(self, dtype: str) -> float:
        """The factor from values of ``dtype``, as tensors hold them, to raw values; see :meth:`affine_from`."""
        floats = dtype.startswith(("float", "bfloat"))
        if isinstance(self.raw_dtype, Unknown) and not floats:
            return 1.0
        stored = self.require("raw_dtype", "state raw_dtype: uint8, uint16, float32, ...")
        if stored.startswith("float") or dtype == stored:
            return 1.0
        if not floats:
            remedy = f"convert them by a scale that you state, or give unit values: floats of {stored} values in [0, 1]"
            raise SpecError(f"raw values of type {stored}, as the spec states", f"{dtype}", remedy)
        return 1 / float(unit_scale(stored))

    def apply(self, values: torch.Tensor, layout: str | None = None) -> torch.Tensor:
        """Map raw integers or unit floats to network input, by :meth:`input_map`.

        ``values`` have the spec's layout, ``(N, C, H, W)`` where it states none, or the ``layout`` that is given, or the same
        without N, their channels in red, green, blue order. The layout stays; the result is float32, or float64 where that was
        given. Integers of more than 16 bits are mapped in float64.

        Raises :class:`SpecError` for what is no dense tensor of real numbers, another number of channels or type of raw values,
        unit floats outside of [0, 1], codes of a picture under constants of unit floats, or if a field that is needed is unknown.
        """
        from tare.input_spec.tensors import check_codes, check_tensor, fed

        check_tensor(values)
        factor = self.factor_from(str(values.dtype).removeprefix("torch."))
        stored = self.raw_dtype.value if isinstance(self.raw_dtype, Known) else ""
        stated = self.layout.value if isinstance(self.layout, Known) else "NCHW"
        if stored.startswith("float") and isinstance(self.channels, Known) and self.channels.value in ("L", "RGB", "BGR"):
            check_codes(self.input_map(), values)
        return fed(self.input_map(), factor, stored, values, stated if layout is None else layout)

    def transform(self, train: bool = False) -> Any:
        """A torchvision v2 ``Compose``: PIL image or uint8 tensor ``(C, H, W)`` to network input ``(C, H, W)`` float32.

        Resize and crop of the spec (random resized crop and flip with ``train``), scale to [0, 1], order, ``Normalize``. A tensor
        of floats holds unit values, as it does to torchvision.
        Raises :class:`SpecError` if a field that is needed is unknown, or for raw values other than uint8; so does the transform,
        for an image of more than 8 bits.
        """
        import torch
        from torchvision.transforms import v2

        unit = self.affine_from("float32")
        if self.require("raw_dtype") != "uint8" or len(unit.scale) not in (1, 3):
            found = f"{self.require('raw_dtype')} with {len(unit.scale)} channels"
            raise SpecError("a network for 8-bit grey or RGB images", found, "map your values with InputSpec.apply")
        check_picture_order(self.channels, "a picture")
        size, interpolation = self.require("size"), self.require("interpolation")
        geometry = training_steps(size, interpolation) if train else self._evaluation_steps(size, interpolation)
        steps = [EightBits(), v2.RGB() if len(unit.scale) == 3 else v2.Grayscale(1), *geometry]
        steps += [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
        if unit.order == (2, 1, 0):
            steps.append(v2.Lambda(_reversed))
        std = [1 / scale for scale in unit.scale]
        steps.append(v2.Normalize([-shift * s for shift, s in zip(unit.shift, std, strict=True)], std))
        return v2.Compose([*steps, v2.ToPureTensor()])

    def _evaluation_steps(self, size: tuple[int, int], interpolation: str) -> list[Any]:
        antialias = self.antialias.value if isinstance(self.antialias, Known) else True
        fill = [round(255 * level) for level in self.border() or (0.0,)]
        return evaluation_steps(size, self.require("crop"), interpolation, antialias, fill)

    def border(self) -> tuple[float, ...] | None:
        """The colour around an image that is padded: per channel the unit value that becomes 0 at the network's input.

        It is the nearest that an image of the raw type can hold, in the order of raw channels (red, green, blue). None where each
        sample is normalised by its own values. Raises :class:`SpecError` if a field that is needed is unknown.
        """
        zero = self.input_map().zero
        stored = self.require("raw_dtype", "state raw_dtype: uint8, uint16, float32, ...")
        if zero is None:
            return None
        return clipped([value * float(unit_scale(stored)) for value in zero], stored)

    def summary(self) -> str:
        """Channels, size and constants, and which fields are unknown."""
        known = {name: str(field.value) for name, field in self.fields().items() if isinstance(field, Known)}
        parts = [" ".join(known[name] for name in ("channels", "layout", "dtype") if name in known)]
        parts += [" x ".join(map(str, self.size.value))] if isinstance(self.size, Known) else []
        parts += [f"raw {known['raw_dtype']}"] if "raw_dtype" in known else []
        parts += [f"scale {_factor(self.scale.value)}"] if isinstance(self.scale, Known) else []
        parts += [f"mean {numbers(self.mean.value)}"] if isinstance(self.mean, Known) else []
        parts += [f"std {numbers(self.std.value)}"] if isinstance(self.std, Known) else []
        parts += [f"{name} {known[name]}" for name in ADDED if name in known]
        unknown = [name for name, field in self.fields().items() if isinstance(field, Unknown) and name not in ADDED]
        parts += [f"unknown: {', '.join(unknown)}"] if unknown else []
        return "; ".join(part for part in parts if part)

    def table(self) -> list[dict[str, Any]]:
        """One row for each field: its value, and where it was read or why it is unknown."""
        return [
            {"name": name, "value": None if isinstance(field, Unknown) else str(field.value), "origin": _origin_of(field)}
            for name, field in self.fields().items()
        ]

    def points(self) -> list[dict[str, Any]]:
        """Mean of each channel, and one std below and above; nothing if either is unknown."""
        if not (isinstance(self.mean, Known) and isinstance(self.std, Known)):
            return []
        names = self.channels.value if isinstance(self.channels, Known) else ""
        rows = zip(self.mean.value, self.std.value, strict=True)
        return [
            {"panel": "mean, and one std around it", "name": name, "value": m, "low": m - s, "high": m + s}
            for name, (m, s) in zip(names_in_order(names, len(self.mean.value)), rows, strict=True)
        ]

    def describe(self) -> str:
        """Say in plain words what reaches the network, as lines of text: raw 255 becomes 2.2489."""
        return "\n".join(description(self.fields(), self._map_if_known()))

    def _map_if_known(self) -> InputMap | None:
        try:
            return self.input_map()
        except SpecError:
            return None

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
        if not isinstance(document, dict) or document.get("schema") not in (SCHEMA, _OLDER):
            found = document.get("schema") if isinstance(document, dict) else type(document).__name__
            raise SpecError(f"a JSON object with schema {SCHEMA!r}", f"{found!r}", "write it with `tare spec`")
        _check_keys(document)
        origins = document.get("origin")
        origins = origins if isinstance(origins, dict) else {}
        stated = {name: _read(name, document.get(name), origins.get(name)) for name in PARSERS}
        extra = {key: value for key, value in document.items() if key not in {*PARSERS, "schema", "affine", "origin"}}
        _check_writable(extra)
        return cls(**stated, extra=extra).checked()

    @classmethod
    def from_timm(cls, config: Any, source: str = "pretrained_cfg") -> InputSpec:
        """Read a timm pretrained_cfg; what it does not state is unknown, never ImageNet's. :class:`SpecError` if malformed."""
        return cls(**fields_of_pretrained_cfg(config, source))

    def to_timm(self) -> dict[str, Any]:
        """The keys of a timm pretrained_cfg. Raises :class:`SpecError` for what is unknown or timm cannot state (BGR, a clip).

        timm rounds the middle of a crop to even, whatever :attr:`crop` says: an image can be cut one pixel
        otherwise; `tare spec --format` says so.
        """
        self._check_affine()
        return pretrained_cfg_of(self.fields())

    @classmethod
    def from_hf(cls, config: Any, source: str = "preprocessor_config.json") -> InputSpec:
        """Read a Hugging Face processor configuration by what its class does. Raises :class:`SpecError` if malformed."""
        return cls(**fields_of_processor_config(config, source))

    def to_hf(self) -> dict[str, Any]:
        """A ``preprocessor_config.json``. Raises :class:`SpecError` for what is unknown or it cannot state (BGR, a clip).

        transformers rounds the middle of a crop down, whatever :attr:`crop` says: an image can be cut one pixel
        otherwise; `tare spec --format` says so.
        """
        self._check_affine()
        return processor_config_of(self.fields())

    @classmethod
    def from_torchvision(cls, preset: Any, source: str = "torchvision preset") -> InputSpec:
        """Read a torchvision preset, what ``weights.transforms()`` returns. Raises :class:`SpecError` for another object."""
        return cls(**fields_of_preset(preset, source))

    def to_torchvision(self) -> Any:
        """An ``ImageClassification`` preset. Raises :class:`SpecError` for what is unknown or it cannot state.

        torchvision rounds the middle of a crop to even, whatever :attr:`crop` says: an image can be cut one pixel
        otherwise; `tare spec --format` says so.
        """
        self._check_affine()
        return preset_of(self.fields())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> InputSpec:
        """Read a spec file. Raises :class:`SpecError` if it is not there, too large or not JSON."""
        return cls.from_json(read_json(place_of(path, "a spec file", SpecError)))


def _factor(scale: float) -> str:
    """A scale such as 1/255, or its digits."""
    whole = round(1 / scale) if 0 < scale < 1 else 0
    return f"1/{whole}" if whole and abs(whole * scale - 1) < _ALIKE else f"{scale:.6g}"


def _origin_of(field: Field[Any]) -> str:
    return f"unknown: {field.reason}" if isinstance(field, Unknown) else field.origin


def _check_keys(document: Mapping[str, Any]) -> None:
    """Raise :class:`SpecError` for a key that is meant and would not be read: a misspelt field, one that version 1 does not have.

    Version 1 is closed; keys that version 2 does not know, and that resemble no field, are kept in ``extra``.
    """
    known = [*PARSERS, "schema", "affine", "origin", *_EXTRA]
    for key in document:
        if key in ADDED and document["schema"] == _OLDER:
            raise SpecError(f"no {key!r} in {_OLDER!r}, which does not have it", f"{key!r}", f"write schema {SCHEMA!r}")
        if key in known:
            continue
        near = closest(key, known)
        if near is not None or document["schema"] == _OLDER:
            remedy = f"did you mean {near!r}?" if near else f"leave it out, or write schema {SCHEMA!r}, which keeps it"
            raise SpecError("a field that a spec has", f"{key!r}", remedy)


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
        return json.loads(document_text(path, _MOST_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise SpecError("a readable JSON spec file", f"{str(path)!r}: {error}", "check the path") from None


def _numbers(name: str, given: Any) -> tuple[Any, ...]:
    """The constants as they were stated. Raises :class:`SpecError` for what is no list of a few of them."""
    try:
        values = tuple(given)
    except Exception as error:  # an object of the user's own
        found = f"an object of type {type(given).__name__!r}: {reason_of(error)}"
        raise SpecError(f"numbers as {name}, one per channel", found, "write them as [0.5]") from None
    if isinstance(given, str | bytes | Mapping):
        raise SpecError(
            f"numbers as {name}, one per channel", f"{type(given).__name__} {short_repr(given)}", "write them as [0.5]"
        )
    return values


def _read(name: str, value: Any, origin: Any) -> Field[Any]:
    try:
        return parsed(name, value, origin)
    except ValueError as error:
        raise SpecError(f"a valid {name!r} in the spec", str(error), "correct it") from None


def _reversed(image: Any) -> Any:
    return image.flip(-3)
