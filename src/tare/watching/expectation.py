"""The input that a live network's ``forward`` expects; wrappers and normalising layers inside are seen through."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from tare.checking.rules.evidence import Measured
from tare.errors import TareError
from tare.input_spec.affine import Affine
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.normalisation.conventions import as_handed, conventions_for
from tare.normalisation.diagnosis import Convention, explanations
from tare.readers.module import normalises_inside
from tare.readers.table import read_spec
from tare.statistics.dataset_stats import DatasetStats

_WRAPPERS = (torch.nn.parallel.DistributedDataParallel, torch.nn.DataParallel)
# Constants above it belong to values in 0..255, constants below it to values in [0, 1].
_UNIT_CONSTANTS = 2.0


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the batches are compared with.

    ``affine`` is None if it is unknown or does not describe 8-bit values; ``channels`` are the channel counts that the network
    may take, ``weights`` the dtype of its parameters.
    """

    spec: InputSpec
    network: str
    affine: Affine | None
    channels: tuple[int, ...] = ()
    weights: str = "float32"
    conventions: tuple[Convention, ...] = ()
    measured: Measured | None = None
    maps: tuple[tuple[str, Affine], ...] = field(default=(), repr=False)

    @classmethod
    def of(
        cls,
        spec: InputSpec,
        network: str,
        taken: int | None = None,
        weights: str = "float32",
        conventions: tuple[Convention, ...] = (),
        measured: Measured | None = None,
    ) -> Expectation:
        """From a spec and ``taken``, the input channels of the first layer; if they disagree, both counts are allowed."""
        affine = _eight_bit_affine(spec)
        counts = tuple(dict.fromkeys(count for count in (affine and len(affine.scale), taken) if count))
        maps = tuple(one for one in explanations(affine, conventions) if _is_finite(one[1])) if affine else ()
        return cls(spec, network, affine, counts, weights, conventions, measured, maps)


def expectation(model: torch.nn.Module, spec: Any, data: DatasetStats | str | os.PathLike[str] | None) -> Expectation:
    """What the spec expects of batches, or without a spec, what the model states.

    Raises :class:`SpecError` if a spec is named and cannot be read; a model that states nothing has an unknown spec.
    """
    bare = unwrapped(model)
    stated = as_handed(_stated(bare) if spec is None else read_spec(spec))
    stats = data if data is None or isinstance(data, DatasetStats) else DatasetStats.load(Path(data))
    parameter = next(iter(bare.parameters()), None)
    weights = "float32" if parameter is None else str(parameter.dtype).removeprefix("torch.")
    name = spec if isinstance(spec, str) else type(bare).__name__
    channels = next(_convolutions(bare), None)
    return Expectation.of(stated, name, channels, weights, conventions_for(stated), None if stats is None else Measured(stats))


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
    unit = max(*map(abs, inside.mean.value), *inside.std.value) <= _UNIT_CONSTANTS
    order = inside.channels.value if isinstance(inside.channels, Known) else None
    return InputSpec.of(
        (0.0,) * count, (1.0,) * count, scale=1 / 255 if unit else 1.0, channels=order, raw_dtype="uint8", origin=origin
    )


def _convolutions(model: torch.nn.Module) -> Iterator[int]:
    """The input channels of every convolution, in the order of their registration."""
    for module in model.modules():
        if isinstance(module, torch.nn.Conv1d | torch.nn.Conv2d | torch.nn.Conv3d):
            yield module.in_channels


def _eight_bit_affine(spec: InputSpec) -> Affine | None:
    """The map from 8-bit values, None where it is unknown or raw values are of another kind."""
    return spec.affine_if_known() if isinstance(spec.raw_dtype, Known) and spec.raw_dtype.value == "uint8" else None


def _is_finite(affine: Affine) -> bool:
    """Whether the map of a mistake is usable: the mean of a dark channel used as its std divides by nearly zero."""
    return all(1e-9 < abs(scale) < 1e6 for scale in affine.scale) and all(abs(shift) < 1e6 for shift in affine.shift)
