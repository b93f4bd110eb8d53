"""The input that a model must be given, and the catalog's constants as conventions that it may be given by mistake."""

from __future__ import annotations

from dataclasses import replace

from tare.input_spec.spec import InputSpec, Known
from tare.normalisation.catalog import entries
from tare.normalisation.diagnosis import Convention


def conventions_for(spec: InputSpec) -> tuple[Convention, ...]:
    """Return the catalog's constants for the network's number of channels; one-channel constants are repeated."""
    if isinstance(spec.raw_dtype, Known) and spec.raw_dtype.value != "uint8":
        return ()  # the catalog's constants are those of 8-bit images
    count = spec.channel_count() or 3
    found = []
    for entry in entries():
        if len(entry.mean) in (1, count) and entry.channels in ("RGB", "BGR", "L"):
            mean, std = (values * (count if len(values) == 1 else 1) for values in (entry.mean, entry.std))
            order = entry.channels if count == 3 and len(entry.mean) == 3 else None
            found.append(
                Convention(entry.name, InputSpec.of(mean, std, scale=entry.scale, channels=order, raw_dtype="uint8").affine())
            )
    return tuple(found)


def as_handed(spec: InputSpec) -> InputSpec:
    """Return the specification of the model's own input: raw values if the model applies its constants itself."""
    inside = spec.extra.get("inside")
    if not isinstance(inside, str):
        return spec
    count = 1 if isinstance(spec.channels, Known) and spec.channels.value == "L" else 3
    return replace(spec, scale=Known(1.0, inside), mean=Known((0.0,) * count, inside), std=Known((1.0,) * count, inside))
