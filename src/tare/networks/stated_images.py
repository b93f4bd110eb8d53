"""Complete and override a network's own input specification with the user's options; the rest stays unknown."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from tare.errors import ModelError, SpecError, reason_of, short_repr
from tare.folding.first_layers import evaluating
from tare.input_spec.fields import ALONE, UNSTATED
from tare.input_spec.foreign import OFFSETS
from tare.input_spec.geometry import NOUNS, Geometry, InputGeometry, SignalGeometry, SoundGeometry, VolumeGeometry
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.networks.building.hugging_face import is_stored_by_library
from tare.networks.network import Network
from tare.normalisation.catalog import pooled_of
from tare.normalisation.names import Strategy
from tare.normalisation.strategies import Constants
from tare.samples.layout import unit_scale
from tare.samples.modes import ColourMode
from tare.statistics.dataset_stats import DatasetStats

_FALLBACK_SIZE = 224
#: Values of the largest sample that a network is tried on: 4 GiB in float32.
_MOST_VALUES = 1 << 30


def source_constants(
    network: Network, mean: Sequence[float] | None, std: Sequence[float] | None, strategy: Strategy
) -> tuple[Constants | None, InputSpec]:
    """Return the source's constants as the user states them, else as the network does, else None; and the completed spec.

    A single number stands for all channels. Raises :class:`SpecError` if the strategy needs constants and they are unknown.
    """
    if (mean is None) != (std is None):
        raise SpecError("both --mean and --std, or neither", "only one of them", "state both")
    spec = network.spec
    if mean is not None and std is not None:
        stated = [tuple(map(float, values)) * (network.channels if len(values) == 1 else 1) for values in (mean, std)]
        spec = replace(spec, mean=Known(stated[0], "user"), std=Known(stated[1], "user"), **ALONE)
    for field in (spec.mean, spec.std):
        if isinstance(field, Unknown) and strategy in ("source", "match", "blend"):
            raise SpecError(
                f"the source's mean and std for the strategy {strategy!r}",
                f"neither ({field.reason})",
                "state them with --mean and --std, or use --strategy target",
            )
        if isinstance(field, Known) and len(field.value) != network.channels:
            wanted = f"{network.channels} values, one per input channel of {network.reference}"
            raise SpecError(wanted, f"{len(field.value)} ({field.origin})", "state one per channel, or one for all")
    if isinstance(spec.mean, Unknown) or isinstance(spec.std, Unknown):
        return None, spec
    return Constants(spec.mean.value, spec.std.value, spec.mean.origin, **_before(spec)), spec


def _before(spec: InputSpec) -> dict[str, Any]:
    """What the spec does to raw values before its constants, as fields of :class:`Constants`, which are of unit values."""
    if isinstance(spec.value_map, Unknown) and isinstance(spec.clip, Unknown):
        return {}
    whole = spec.input_map()
    unit = float(unit_scale(spec.require("raw_dtype", "state raw_dtype: a clip and a logarithm are of raw values")))
    factor, step = (unit, 1.0) if whole.value_map == "identity" else (1.0, unit)
    clip = None if whole.clip is None else tuple((low * factor, high * factor) for low, high in whole.clip)
    return {"value_map": whole.value_map, "clip": clip, "step": step}


def scaled(constants: Constants | None, spec: InputSpec, scale: float | None, stored: str) -> tuple[Constants | None, InputSpec]:
    """Return constants of ``scale`` times a raw value as those of unit values of the type ``stored``, and the spec that says so.

    With k = unit scale / ``scale``, the same raw value gives ``(scale v - m) / s = (unit v - k m) / (k s)``; a clip and the step
    of a named map change likewise.
    """
    if scale is None or constants is None:
        return constants, spec
    origin = "user: --scale"
    found = constants.of_scaled(float(unit_scale(stored)) / scale)
    found = replace(found, origin=f"{constants.origin}, of raw values x {scale:.6g}")
    fields: dict[str, Any] = {"scale": Known(scale, origin)}
    if not found.convention().is_affine:  # in a spec, a clip and a named map are of raw values
        fields = dict(found.convention().spec_fields(stored, found.origin)) if found.takes(stored) else {}
    return found, replace(spec, raw_dtype=Known(stored, origin), bits=UNSTATED, **fields)


def seen_moments(
    strategy: Strategy,
    constants: Constants | None,
    source_stats: str | os.PathLike[str] | None,
    trained_on: DatasetStats | None = None,
) -> Constants | None:
    """Return the pooled moments of the pretraining data (dataset0) in unit values, for the strategy ``match``.

    They come from the file ``source_stats``, else from the statistics that an earlier run was ``trained_on``, else from the
    catalog entry that ``constants`` equal. None if unknown, or for another strategy.
    """
    if strategy != "match" or constants is None:
        return None
    if source_stats is not None:
        stats = DatasetStats.load(Path(source_stats))
        return Constants(stats.mean, stats.std, f"measured: {source_stats}")
    if trained_on is not None:
        return Constants(trained_on.mean, trained_on.std, f"the run's own training split: {trained_on.source}")
    entry = pooled_of(constants)
    return Constants(entry.mean, entry.std, entry.origin) if entry else None


def network_geometry(
    network: Network, size: int | None, interpolation: str | None, crop: float | None
) -> tuple[Geometry, tuple[str, ...]]:
    """Return the network's input geometry with the user's changes, and a note for each field that is timm's default."""
    _check_geometry(interpolation, crop)
    spec, geometry, notes = network.spec, Geometry((_FALLBACK_SIZE, _FALLBACK_SIZE)), []
    if size is not None:
        geometry = replace(geometry, size=(size, size))
    elif isinstance(spec.size, Known):
        geometry = replace(geometry, size=spec.size.value)
    else:
        notes.append(f"input size unknown ({spec.size.reason}): using {_FALLBACK_SIZE} px, change it with --size")
    if interpolation is not None:
        geometry = replace(geometry, interpolation=interpolation)
    elif isinstance(spec.interpolation, Known):
        geometry = replace(geometry, interpolation=spec.interpolation.value)
    else:
        notes.append(f"interpolation unknown: using {geometry.interpolation}, change it with --interpolation")
    if isinstance(spec.crop, Known):
        geometry = Geometry.of(geometry.size, geometry.interpolation, spec.crop.value)
        if size is not None or crop is not None:  # the stated edge belongs to the stated size and crop
            geometry = replace(geometry, resize=None)
    elif is_stored_by_library(network.module):
        geometry = replace(geometry, offset=OFFSETS["hf"])  # the processor that its directory gets crops so
    if isinstance(spec.crop, Unknown) and crop is None:
        notes.append(f"crop unknown: using the centre {geometry.crop_fraction:g}, change it with --crop")
    if crop is not None:
        geometry = replace(geometry, crop_fraction=crop)
    return geometry, tuple(notes)


def colour_of(network: Network) -> ColourMode:
    """Return the colour mode of the images that the network takes: grey, RGB, or the channels as stored."""
    colours: dict[int, ColourMode] = {1: "grey", 3: "rgb"}
    return colours.get(network.channels, "stored")


@torch.inference_mode()
def check_accepts(network: Network, geometry: InputGeometry) -> None:
    """Raise :class:`ModelError` if the network cannot take samples of this size, before any sample is read or trained on.

    Samples that are too large to be tried are refused, since the system would end the program without a word.
    """
    if network.channels * math.prod(geometry.shape) > _MOST_VALUES:
        found = f"{network.channels:,} channels of {' x '.join(map(str, geometry.shape))}"
        remedy = "choose a smaller --size, or as many --in-channels as your data have"
        raise ModelError(f"samples of at most {_MOST_VALUES:,} values", found, remedy)
    try:
        with evaluating(network.module):
            network.module(torch.zeros(1, network.channels, *geometry.shape))
    except Exception as error:  # the user's architecture may raise anything
        reason = reason_of(error)
        changed = {"image": "--size", "signal": "--length", "volume": "--size", "clip": "--size"}.get(geometry.kind)
        otherwise = "name another network" if changed is None else f"choose another {changed}"
        raise ModelError(f"a network that takes {_sized(network, geometry)}", reason, otherwise) from None


def _sized(network: Network, geometry: InputGeometry) -> str:
    if isinstance(geometry, Geometry):
        return "{} x {} images".format(*geometry.size)
    if isinstance(geometry, SignalGeometry):
        return f"signals of {geometry.length} steps in {network.channels} channels"
    if isinstance(geometry, VolumeGeometry):
        return f"{NOUNS[geometry.kind]} of {' x '.join(map(str, geometry.size))}"
    if isinstance(geometry, SoundGeometry):
        return "spectrograms of {} frames and {} bins".format(*geometry.size)
    return f"rows of {len(geometry.columns)} numbers"


def _check_geometry(interpolation: str | None, crop: float | None) -> None:
    if interpolation is not None and interpolation not in ("bilinear", "bicubic", "nearest", "lanczos"):
        raise SpecError(
            "an interpolation: bilinear, bicubic, nearest or lanczos", short_repr(interpolation), "choose one of them"
        )
    if crop is not None and not 0 < crop <= 1:
        raise SpecError("--crop above 0 and at most 1", f"{crop:g}", "1 keeps the whole of the shorter edge")
