"""The input that a live network's ``forward`` expects; wrappers and normalising layers inside are seen through."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import torch

from tare.checking.rules.evidence import Measured
from tare.errors import ModelError, TareError
from tare.input_spec.affine import Affine
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.normalisation.conventions import as_handed, conventions_for
from tare.normalisation.diagnosis import GROSS, Convention, explanations
from tare.readers.live.module import normalises_inside
from tare.readers.table import read_spec
from tare.samples.constants import code_range
from tare.statistics.dataset_stats import DatasetStats
from tare.watching.sample import Taken

_WRAPPERS = (torch.nn.parallel.DistributedDataParallel, torch.nn.DataParallel)


@dataclass(frozen=True, slots=True)
class Constants:
    """The constants of a specification for raw values of any kind; ``scale`` and ``raw_dtype`` are None where unknown."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    origin: str
    scale: float | None = None
    raw_dtype: str | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the batches are compared with.

    ``affine`` is None if it is unknown or does not describe 8-bit values; ``constants`` are those for raw values of any kind.
    ``rough``: they are constants for another number of channels, so that only gross mistakes show. ``unknown`` is the reason why
    there are none. ``takes`` says how the network's tensors look, ``weights`` is the dtype of its parameters.
    """

    spec: InputSpec
    network: str
    affine: Affine | None
    takes: Taken = field(default_factory=Taken)
    weights: str = "float32"
    conventions: tuple[Convention, ...] = ()
    measured: Measured | None = None
    constants: Constants | None = None
    rough: bool = False
    unknown: str = ""
    maps: tuple[tuple[str, Affine], ...] = field(default=(), repr=False)

    @classmethod
    def of(
        cls,
        spec: InputSpec,
        network: str,
        taken: Taken | None = None,
        weights: str = "float32",
        conventions: tuple[Convention, ...] = (),
        measured: Measured | None = None,
    ) -> Expectation:
        """From a spec and what the first layer takes; if they disagree on the number of channels, both are allowed."""
        rough = _is_averaged(spec)
        affine = _eight_bit_affine(spec)
        layout = spec.layout.value if isinstance(spec.layout, Known) else ""
        first = taken or Taken()
        stated = len(spec.mean.value) if isinstance(spec.mean, Known) else affine and len(affine.scale)
        counts = tuple(dict.fromkeys(count for count in (stated, *first.channels) if count))
        conventions = () if rough else conventions  # only gross mistakes show, and those need no other constants
        kinds = [(kind, each) for kind, each in explanations(affine, conventions) if _is_finite(each)] if affine else []
        maps = tuple((kind, each) for kind, each in kinds if not rough or kind in GROSS)
        constants = _constants(spec)
        unknown = "" if constants else _why_unknown(spec)
        takes = Taken(counts, layout, first.dims)
        return cls(spec, network, affine, takes, weights, conventions, measured, constants, rough, unknown, maps)


def expectation(model: torch.nn.Module, spec: Any, data: DatasetStats | str | os.PathLike[str] | None) -> Expectation:
    """What the spec expects of batches, or without a spec, what the model states.

    A model that states nothing has an unknown spec. Raises :class:`SpecError` if a spec is named and cannot be read, and
    :class:`ModelError` for what is no network.
    """
    if not isinstance(model, torch.nn.Module):
        raise ModelError("a torch.nn.Module to watch", f"an object of type {type(model).__name__!r}", "pass the network itself")
    bare = unwrapped(model)
    stated = as_handed(_stated(bare) if spec is None else read_spec(spec))
    stats = data if data is None or isinstance(data, DatasetStats) else DatasetStats.load(data)
    parameter = next(iter(bare.parameters()), None)
    weights = "float32" if parameter is None else str(parameter.dtype).removeprefix("torch.")
    name = spec if isinstance(spec, str) else type(bare).__name__
    measured = None if stats is None else Measured(stats)
    return Expectation.of(stated, name, _first_layer(bare), weights, conventions_for(stated), measured)


def unwrapped(model: torch.nn.Module) -> torch.nn.Module:
    """The network inside the wrappers of torch.compile, DistributedDataParallel and DataParallel."""
    inner = getattr(model, "_orig_mod", None) or (model.module if isinstance(model, _WRAPPERS) else None)
    return unwrapped(inner) if isinstance(inner, torch.nn.Module) else model


def _stated(model: torch.nn.Module) -> InputSpec:
    inside = normalises_inside(model)
    if inside is not None:
        return _before(inside)
    try:
        return read_spec(model)
    except TareError as error:
        unknown = Unknown(f"the network states nothing: {error.found}")
        return InputSpec(channels=unknown, scale=unknown, mean=unknown, std=unknown)


def _before(inside: InputSpec) -> InputSpec:
    """The values that arrive in front of normalising layers: unit or raw, as the layers' constants tell."""
    if isinstance(inside.per_sample, Known):
        unknown = Unknown(f"it normalises each sample inside, whatever its values are: {inside.per_sample.origin}")
        return InputSpec(channels=inside.channels, scale=unknown, mean=unknown, std=unknown)
    if not (isinstance(inside.mean, Known) and isinstance(inside.std, Known)):
        return inside
    count, origin = len(inside.mean.value), f"it normalises inside: {inside.mean.origin}"
    unit = code_range(inside.mean.value, inside.std.value) is None
    order = inside.channels.value if isinstance(inside.channels, Known) else None
    return InputSpec.of(
        (0.0,) * count, (1.0,) * count, scale=1 / 255 if unit else 1.0, channels=order, raw_dtype="uint8", origin=origin
    )


def _first_layer(model: torch.nn.Module) -> Taken:
    """What the first convolution takes; without one, what the first linear or recurrent layer does."""
    for module in model.modules():
        if isinstance(module, torch.nn.Conv1d | torch.nn.Conv2d | torch.nn.Conv3d):
            return Taken((module.in_channels,), dims=len(module.kernel_size))
    for module in model.modules():
        if isinstance(module, torch.nn.Linear | torch.nn.RNNBase):
            return Taken((module.in_features if isinstance(module, torch.nn.Linear) else module.input_size,), dims=0)
    return Taken()


def _is_averaged(spec: InputSpec) -> bool:
    """Whether the constants are the averages of those for colours, for a grey network made of one for them."""
    return "stated_for" in spec.extra and isinstance(spec.mean, Known)


def _constants(spec: InputSpec) -> Constants | None:
    """Mean and std as they apply to values that are scaled; None where they are unknown, or each sample has its own."""
    if not (isinstance(spec.mean, Known) and isinstance(spec.std, Known)) or isinstance(spec.per_sample, Known):
        return None
    if len(spec.mean.value) != len(spec.std.value) or min(spec.std.value) <= 0:
        return None
    scale = spec.scale.value if isinstance(spec.scale, Known) else None
    raw = spec.raw_dtype.value if isinstance(spec.raw_dtype, Known) else None
    return Constants(spec.mean.value, spec.std.value, spec.mean.origin, scale, raw)


def _why_unknown(spec: InputSpec) -> str:
    for name in ("mean", "std"):
        field = getattr(spec, name)
        if isinstance(field, Unknown):
            return f"the network's {name} is unknown: {field.reason}"
    return "the spec's mean and std cannot be used"


def _eight_bit_affine(spec: InputSpec) -> Affine | None:
    """The map from 8-bit values, None where it is unknown or raw values are of another kind."""
    return spec.affine_if_known() if isinstance(spec.raw_dtype, Known) and spec.raw_dtype.value == "uint8" else None


def _is_finite(affine: Affine) -> bool:
    """Whether the map of a mistake is usable: the mean of a dark channel used as its std divides by nearly zero."""
    return all(1e-9 < abs(scale) < 1e6 for scale in affine.scale) and all(abs(shift) < 1e6 for shift in affine.shift)
