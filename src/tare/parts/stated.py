"""The specification behind a :class:`tare.Normaliser`: stated by constants or statistics, and checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tare.errors import SpecError, did_you_mean, short_repr
from tare.input_spec.consistency import channels_of, check_source_places
from tare.input_spec.fields import PARSERS, RAW_DTYPES, Known
from tare.input_spec.spec import InputSpec
from tare.normalisation.applied import EACH, Normalisation
from tare.normalisation.names import DECLARED, STRATEGIES, Strategy
from tare.normalisation.strategies import Constants, normalisation
from tare.samples.constants import code_range
from tare.samples.layout import channel_names, unit_scale
from tare.statistics.dataset_stats import DatasetStats
from tare.system.handed.arguments import of_kind

#: Integers whose unit values lie in [0, 1], in which constants are stated.
_IMAGES = ("uint8", "uint16")
_COUNTS = {"L": 1, "RGB": 3, "BGR": 3, "RGBA": 4}
#: Added to the std of a sample: it keeps a constant image from being divided by zero, and changes no digit of others.
_EPS = 1e-6


def spec_of_constants(
    mean: Sequence[float], std: Sequence[float], *, raw_dtype: str, layout: str, scale: float | None = None, **others: Any
) -> InputSpec:
    """State a specification by its constants.

    Raises :class:`SpecError` for constants that cannot be used, with the channel's name, and for unknown fields.
    """
    unknown = next((name for name in others if name not in PARSERS and name != "origin"), None)
    if unknown is not None:
        raise SpecError(
            "a field of InputSpec", short_repr(unknown), did_you_mean(unknown, PARSERS, f"name one of {', '.join(PARSERS)}")
        )
    means, stds = _numbers("mean", mean), _numbers("std", std)
    if len(means) != len(stds):
        found = f"{len(means)} means and {len(stds)} stds"
        raise SpecError("one mean and one std per channel", found, "state as many of each")
    names = str(others["channels"]).split(",") if others.get("channels") else []
    _check_constants(means, stds, names if len(names) == len(means) else list(channel_names(len(means))))
    of_kind(raw_dtype, str, "the name of a raw_dtype", "for example raw_dtype='uint8'", SpecError)
    if raw_dtype not in RAW_DTYPES:
        raise SpecError(
            "a raw_dtype", short_repr(raw_dtype), did_you_mean(str(raw_dtype), RAW_DTYPES, f"name one of {', '.join(RAW_DTYPES)}")
        )
    largest = code_range(means, stds) if scale is None and raw_dtype in _IMAGES else None
    if largest is not None:
        found = f"constants of 0..{largest} values: mean {means}, std {stds}"
        raise SpecError("a mean and std of unit values", found, f"divide them by {largest}, or state scale=1.0")
    return InputSpec.of(
        means, stds, scale=_scale(raw_dtype) if scale is None else scale, raw_dtype=raw_dtype, layout=layout, **others
    )


def spec_of_stats(
    stats: DatasetStats,
    strategy: Strategy,
    source: Any,
    source_stats: DatasetStats | None,
    *,
    layout: str,
    window: Sequence[float] | None = None,
    **others: Any,
) -> InputSpec:
    """State a specification by a strategy and measured statistics.

    Raises :class:`StrategyError` for what the strategy lacks, and :class:`SpecError` for statistics without a dtype.
    """
    of_kind(stats, DatasetStats, "statistics of a dataset", "measure them: tare.measure(data)", SpecError)
    if strategy not in STRATEGIES:
        raise SpecError(
            "a strategy", short_repr(strategy), did_you_mean(str(strategy), STRATEGIES, f"name one of {', '.join(STRATEGIES)}")
        )
    raw = others.pop("raw_dtype", stats.dtype)
    if not raw:
        raise SpecError("statistics that state the type of raw values", "none", "give raw_dtype")
    names = [channel.name for channel in stats.channels]
    seen = None if source_stats is None else Constants(source_stats.mean, source_stats.std, "source_stats")
    if source_stats is not None:
        check_source_places([channel.name for channel in source_stats.channels], names)
    if isinstance(source, InputSpec):
        _check_alike(source, names, raw)
    if layout == "NC" and DECLARED[strategy].apart:
        found = "rows of one value per channel"
        raise SpecError(f"images or signals for the strategy {strategy!r}", found, "use strategy='target'")
    if DECLARED[strategy].whose in ("target", "both"):
        _check_constants(stats.mean, stats.std, names)
    chosen = normalisation(strategy, len(names), source=_constants(source), target=stats, source_seen=seen, window=_ends(window))
    if "channels" not in others and tuple(names) != channel_names(len(names)):
        others["channels"] = ",".join(name.replace(",", ";") for name in names)  # commas separate the names
    return spec_of_normalisation(chosen, raw_dtype=raw, layout=layout, **others)


def spec_of_normalisation(chosen: Normalisation, *, raw_dtype: str, layout: str, **others: Any) -> InputSpec:
    """State a specification by what a strategy made of the constants. Raises :class:`SpecError` as :func:`spec_of_constants`."""
    origin = f"strategy {chosen.strategy!r}"
    fields: dict[str, Any] = chosen.spec_fields(raw_dtype, origin)
    scale = None if chosen.is_affine else fields["scale"].value  # only a mean and std can be those of 0..255 values
    spec = spec_of_constants(chosen.mean, chosen.std, raw_dtype=raw_dtype, layout=layout, scale=scale, origin=origin, **others)
    if chosen.per_sample == EACH:
        fields["per_sample"] = Known(replace(EACH, eps=_EPS), origin)
    return replace(spec, **fields)


def usable(spec: InputSpec) -> None:
    """Raise :class:`SpecError` for a specification that no layer in front of a network can carry out."""
    of_kind(spec, InputSpec, "an InputSpec", "read one: tare.read_spec('timm:resnet18')", SpecError)
    inside = spec.extra.get("inside")
    if inside is not None:
        raise SpecError("a specification of what is done before the network", str(inside), "give the network its raw values")
    spec.require("raw_dtype", "state raw_dtype: uint8, uint16, float32, ...")
    mean, std = spec.require("mean"), spec.require("std")
    channels = spec.require("channels")
    count = _COUNTS.get(channels) or len(channels.split(","))
    if count != len(mean):
        raise SpecError(f"{count} means for the channels {channels!r}", f"{len(mean)}", "state one per channel")
    _check_constants(mean, std, list(channel_names(len(mean))))
    if isinstance(spec.dtype, Known) and spec.dtype.value == "uint8":
        raise SpecError("a network that takes floats", "one that takes uint8", "give it the raw values")


def _ends(window: Sequence[float] | None) -> tuple[float, float] | None:
    """The two ends of a window. Raises :class:`SpecError` for another number of values."""
    if window is not None and len(window) != 2:
        raise SpecError("a low and a high end of the window", f"{len(window)} values", "give window=(-1350, 150)")
    return None if window is None else (float(window[0]), float(window[1]))


def _scale(raw_dtype: str) -> float:
    return float(unit_scale(raw_dtype))


def _numbers(name: str, values: Any) -> list[float]:
    try:
        return [float(value) for value in values]
    except Exception:  # an object of the user's own, or a number that no float holds
        raise SpecError(f"numbers as {name}, one per channel", short_repr(values), "write them as [0.5]") from None


def _check_constants(mean: Sequence[float], std: Sequence[float], names: Sequence[str]) -> None:
    for name, m, s in zip(names, mean, std, strict=True):
        if not (math.isfinite(m) and math.isfinite(s)):
            raise SpecError(
                "finite constants", f"mean {m:g} and std {s:g} of channel {name!r}", "measure without NaN, or state them"
            )
        if s <= 0:
            raise SpecError("every std above zero", f"{s:g} of channel {name!r}", "drop the channel, which never changes")


def _check_alike(source: InputSpec, names: Sequence[str], raw: str) -> None:
    """Raise :class:`SpecError` for a source of other raw integers, or with its channels in other places, than the statistics."""
    if isinstance(source.channels, Known):
        check_source_places(channels_of(source.channels.value), names)
    kinds = {raw, source.raw_dtype.value if isinstance(source.raw_dtype, Known) else raw}
    if kinds == {*_IMAGES}:
        found = f"constants of {source.raw_dtype.value}"  # type: ignore[union-attr]  # two kinds, so it is known
        remedy = "give mean and std in unit values of that type: source=(mean, std)"
        raise SpecError(f"a source of {raw} values, as the statistics are of", found, remedy)


def _constants(source: Any) -> Constants | None:
    """The source's constants in unit values. Raises :class:`SpecError` for anything but a pair or a specification."""
    if source is None:
        return None
    if isinstance(source, InputSpec):
        unit = source.affine_from("float32")
        std = tuple(1 / a for a in unit.scale)
        return Constants(tuple(-b * s for b, s in zip(unit.shift, std, strict=True)), std, "source")
    try:
        mean, std = source
        return Constants(tuple(map(float, mean)), tuple(map(float, std)), "source")
    except (TypeError, ValueError):
        found = type(source).__name__
        raise SpecError("a mean and a std, or an InputSpec, as source", found, "give ([0.5], [0.5])") from None
