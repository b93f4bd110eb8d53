"""The input that a model must be given, and the catalog's constants as conventions that it may be given by mistake."""

from __future__ import annotations

from dataclasses import replace

from tare.input_spec.affine import Affine
from tare.input_spec.spec import InputSpec, Known
from tare.normalisation.catalog import CatalogEntry, entries
from tare.normalisation.diagnosis import Convention


def conventions_for(spec: InputSpec) -> tuple[Convention, ...]:
    """Return the catalog's constants for the network's number of channels and its raw values.

    For 8-bit images they are those of photographs, where one-channel constants are repeated; for other raw values those of
    the same units, or of any units where the network states none.
    """
    if isinstance(spec.raw_dtype, Known) and spec.raw_dtype.value != "uint8":
        return tuple(Convention(entry.name, _affine(entry)) for entry in entries() if _counts_alike(entry, spec))
    count = spec.channel_count() or 3
    found = []
    for entry in entries():
        if len(entry.mean) in (1, count) and entry.is_image:
            mean, std = (values * (count if len(values) == 1 else 1) for values in (entry.mean, entry.std))
            order = entry.channels if count == 3 and len(entry.mean) == 3 else None
            found.append(
                Convention(entry.name, InputSpec.of(mean, std, scale=entry.scale, channels=order, raw_dtype="uint8").affine())
            )
    return tuple(found)


def _counts_alike(entry: CatalogEntry, spec: InputSpec) -> bool:
    """Whether constants could be given to a network by mistake: of as many channels, and of raw values that count the same."""
    units = spec.units.value if isinstance(spec.units, Known) else ""
    fits = not entry.is_image and not entry.clip and len(entry.mean) == spec.channel_count()
    return fits and (not units or units == entry.units)


def _affine(entry: CatalogEntry) -> Affine:
    return Affine.of_normalisation(entry.mean, entry.std, entry.scale, tuple(range(len(entry.mean))))


def as_handed(spec: InputSpec) -> InputSpec:
    """Return the specification of the model's own input: raw values if the model applies its constants itself."""
    inside = spec.extra.get("inside")
    if not isinstance(inside, str):
        return spec
    count = 1 if isinstance(spec.channels, Known) and spec.channels.value == "L" else 3
    return replace(spec, scale=Known(1.0, inside), mean=Known((0.0,) * count, inside), std=Known((1.0,) * count, inside))
