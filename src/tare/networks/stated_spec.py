"""Apply a stated input specification (from ``tare identify``, ``tare spec``, a library or a file) to a network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tare.errors import ModelError, SpecError
from tare.folding.api import rewritten
from tare.input_spec.affine import Affine
from tare.input_spec.consistency import check_one_order
from tare.input_spec.fields import ALONE
from tare.input_spec.spec import InputSpec, Known
from tare.networks.building.sound import own_constants
from tare.networks.network import Network
from tare.readers.table import read_spec
from tare.samples.layout import unit_scale

Spec = str | os.PathLike[str] | InputSpec

#: The fields of a spec, beside the constants, that are applied.
_FIELDS = ("size", "interpolation", "antialias", "crop")
_BYTE_SCALE = 1 / 255
_SAME = 1e-6


def with_spec(
    network: Network, spec: Spec | None, mean: Sequence[float] | None = None, std: Sequence[float] | None = None
) -> Network:
    """Return the network with the statements of ``spec`` in place of its own; unchanged if ``spec`` is None.

    ``spec`` is an :class:`InputSpec` or anything that :func:`tare.read_spec` reads. Its constants are converted to unit values in
    red, green, blue order: for raw values scaled by k instead of 1/255 they are ``mean / (255 k)`` and ``std / (255 k)``. In a
    network that takes BGR the input channels of the first layer are exchanged exactly: it then takes RGB and gives the same
    outputs.

    Raises :class:`SpecError` for a spec that cannot be read, has another number of channels than the network or the same in other
    places, or contradicts ``mean`` and ``std`` (unit values); :class:`ModelError` if the first layer cannot be rewritten.
    """
    if spec is None:
        return network
    stated = read_spec(spec)
    if network.front is not None:
        stated = own_constants(stated, network.front)
    extra = {key: value for key, value in stated.extra.items() if key in ("length", "rate", "axes", "frames", "stride")}
    known = {name: getattr(stated, name) for name in _FIELDS if isinstance(getattr(stated, name), Known)}
    merged = replace(network.spec, **known, extra={**network.spec.extra, **extra})
    if not isinstance(stated.mean, Known) or not isinstance(stated.std, Known):
        return replace(network, spec=merged)
    order, u0, s0 = constants_by_data_channel(stated)
    if len(u0) != network.channels:
        found = f"{len(u0)} in {stated.mean.origin}"
        raise SpecError(f"a spec of {network.channels} channels, as {network.reference} takes", found, "name another spec")
    check_one_order(network.spec.channels, stated.channels)
    _check_agreement(u0, s0, mean, std)
    constants: dict[str, Any] = {"mean": Known(u0, stated.mean.origin), "std": Known(s0, stated.std.origin)}
    merged = replace(merged, **constants, **ALONE, **_raw_kind(stated))
    if order == tuple(range(len(order))):
        named = isinstance(stated.channels, Known) and "," in stated.channels.value
        return replace(network, spec=replace(merged, channels=stated.channels) if named else merged)
    return replace(_reordered(network, order, merged), spec=merged)


def with_frames(network: Network, frames: int | None, stride: int | None) -> Network:
    """Return the network with the frames of a clip that the user states in place of its own.

    Raises :class:`SpecError` for other frames than a network has positions for.
    """
    own = next((fixed for part in network.module.modules() if isinstance(fixed := getattr(part, "frames", None), int)), None)
    if own is not None and frames not in (None, own):
        found = f"--frames {frames}"
        raise SpecError(f"{own} frames, for which {network.reference} has positions", found, "leave --frames out")
    stated = {name: value for name, value in (("frames", frames), ("stride", stride)) if value is not None}
    return replace(network, spec=replace(network.spec, extra={**network.spec.extra, **stated})) if stated else network


def constants_by_data_channel(spec: InputSpec) -> tuple[tuple[int, ...], tuple[float, ...], tuple[float, ...]]:
    """Return a spec's channel order p, and its mean and std for unit values in the data's order: ``y_c = (u_p(c) - m) / s``.

    Raises :class:`SpecError` if a needed field is unknown, or the scale is not positive.
    """
    affine = spec.canonical()
    scale, stored = spec.require("scale"), spec.raw_dtype
    if isinstance(stored, Known):
        factor = scale / float(unit_scale(stored.value))
    elif abs(scale / _BYTE_SCALE - 1) < _SAME:
        factor = 1.0
    else:
        raise SpecError("a spec that says what raw values are", f"a scale of {scale:g} and no raw_dtype", "state it in the spec")
    if not factor > 0:
        raise SpecError("a positive scale", f"{scale:g}", "correct the spec")
    factor = 1.0 if abs(factor - 1) < 1e-9 else factor  # keep stated constants of unit values exactly
    place = [affine.order.index(channel) for channel in range(len(affine.order))]
    mean, std = spec.require("mean"), spec.require("std")
    return affine.order, tuple(mean[c] / factor for c in place), tuple(std[c] / factor for c in place)


def _raw_kind(spec: InputSpec) -> dict[str, Any]:
    """What the constants are of, where the spec says that it is other than 8-bit values: they are then in its unit values."""
    raw = spec.raw_dtype
    if not isinstance(raw, Known) or raw.value == "uint8":
        return {}
    return {"raw_dtype": raw, "scale": Known(float(unit_scale(raw.value)), raw.origin), "bits": spec.bits, "units": spec.units}


def _check_agreement(u0: Sequence[float], s0: Sequence[float], mean: Sequence[float] | None, std: Sequence[float] | None) -> None:
    for name, ours, theirs in (("mean", u0, mean), ("std", s0, std)):
        if theirs is None:
            continue
        every = tuple(theirs) * len(ours) if len(theirs) == 1 else tuple(theirs)
        if len(every) != len(ours) or any(abs(a - b) > _SAME * max(1.0, abs(a)) for a, b in zip(ours, every, strict=True)):
            shown = ", ".join(f"{value:g}" for value in ours)
            found = f"{', '.join(f'{value:g}' for value in theirs)}, but the spec states {shown} in unit values"
            raise SpecError(f"--{name} that agrees with --spec", found, "leave one of them out")


def _reordered(network: Network, order: tuple[int, ...], spec: InputSpec) -> Network:
    """Permute the input channels of the first layer from ``order`` to the data's order."""
    count = len(order)
    shape = (count, *spec.size.value) if isinstance(spec.size, Known) else None
    made = rewritten(network.module, Affine(order, (1.0,) * count, (0.0,) * count), "normalised", shape)
    if not made.plan.keeps_architecture:
        found = f"a layer of {network.reference} that would need another architecture"
        raise ModelError("a first layer whose channels can be exchanged", found, "use `tare respec`, and its result as --model")
    note = (
        "the spec states BGR: the input channels of the first layer were exchanged, so the network takes RGB with equal outputs"
    )
    return replace(network, module=made.network, notes=(*network.notes, note))
