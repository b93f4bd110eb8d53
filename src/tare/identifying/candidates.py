"""The normalisations that a checkpoint may have been trained with: published constants, and what people make of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tare.input_spec.affine import Affine
from tare.input_spec.spec import InputSpec
from tare.normalisation.catalog import CatalogEntry, entries

Form = Literal["z-scored", "mean subtracted", "divided by std", "as it is", "-1..1", "normalised twice"]
Range = Literal["0..1", "0..255"]

_UNIT = 255.0
# Below this share of the range that raw values 0..255 are mapped to, two normalisations are one.
_SAME = 0.005


@dataclass(frozen=True, slots=True)
class Family:
    """What kind of normalisation it is: the range it starts from, what is done with it, and the order of colours."""

    form: Form
    range: Range
    order: str

    def __str__(self) -> str:
        return f"{self.range} {self.form}, {self.order}" if self.order else f"{self.range} {self.form}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A normalisation by its name; ``also`` are the names of others that no value tells apart from it."""

    name: str
    spec: InputSpec
    affine: Affine
    family: Family
    also: tuple[str, ...] = ()


def candidates(channels: int) -> tuple[Candidate, ...]:
    """All normalisations for so many channels, the plain ones first, each map once.

    Every published constant z-scored, its mean alone subtracted (from unit or raw values), its std alone applied, applied
    twice, and taken for one of raw values; unit and raw values as they are; each of it for red, green, blue, for blue, green,
    red, and for blue, green, red with the constants left in the order of red, green, blue.
    """
    found: list[Candidate] = []
    ends: dict[tuple[int, ...], list[tuple[int, Values]]] = {}
    for made in _all(channels):
        of_order = ends.setdefault(made.affine.order, [])
        mine = _ends(made.affine)
        place = next((i for i, other in of_order if _one(mine, other, found[i].affine)), None)
        if place is None:
            of_order.append((len(found), mine))
            found.append(made)
        elif made.name not in found[place].also:
            found[place] = replace(found[place], also=(*found[place].also, made.name))
    return tuple(found)


def of_affine(name: str, affine: Affine, family: Family) -> Candidate:
    """A candidate from its canonical map; the mean and std are per channel of the network, in its own order."""
    std = tuple(1 / (_UNIT * scale) for scale in affine.scale)
    mean = tuple(-shift * s for shift, s in zip(affine.shift, std, strict=True))
    channels = "L" if len(mean) == 1 else "BGR" if affine.order == (2, 1, 0) else "RGB"
    return Candidate(name, InputSpec.of(mean, std, channels=channels, origin=f"tare identify: {name}"), affine, family)


def _ends(affine: Affine) -> Values:
    """What raw 0 and 255 become in each channel: two maps lie nowhere further apart than there."""
    return tuple(end * scale + shift for end in (0.0, _UNIT) for scale, shift in zip(affine.scale, affine.shift, strict=True))


def _one(left: Values, right: Values, affine: Affine) -> bool:
    """Are maps with these ends one, ``right`` being those of ``affine``?"""
    least = _SAME * _UNIT * max(map(abs, affine.scale))
    return all(abs(one - other) <= least for one, other in zip(left, right, strict=True))


def _all(channels: int) -> Iterator[Candidate]:
    """Plain forms of all constants come first: of two names for one map, the first remains."""
    orders = ("RGB", "BGR") if channels == 3 else ("",)
    for order in orders:
        end = ", BGR" if order == "BGR" else ""
        zeros, ones = (0.0,) * channels, (1.0,) * channels
        yield _made(f"unit values{end}", zeros, ones, order, Family("as it is", "0..1", order))
        yield _made(f"raw values{end}", zeros, (1 / _UNIT,) * channels, order, Family("as it is", "0..255", order))
    usable = [entry for entry in entries() if len(entry.mean) in (1, channels) and entry.channels in ("RGB", "BGR", "L")]
    for form in range(_FORMS):
        for entry in usable:
            if form == 0 or (len(entry.mean) == channels and entry.scale != 1.0):
                yield from _of_entry(entry, form, channels, orders)


def _of_entry(entry: CatalogEntry, form: int, channels: int, orders: Sequence[str]) -> Iterator[Candidate]:
    turned = entry.channels == "BGR"
    mean, std = (
        [value / (_UNIT * entry.scale) for value in values] * (channels // len(values)) for values in (entry.mean, entry.std)
    )
    mean, std = (mean[::-1], std[::-1]) if turned else (mean, std)
    suffix, family, of_unit = _forms(tuple(mean), tuple(std), raw=entry.scale == 1.0)[form]
    for order in orders[::-1] if turned else orders:
        values = tuple((m, s) for m, s in zip(*of_unit, strict=True))
        name = entry.name + suffix
        plain = order == ("BGR" if turned else orders[0])
        label = name if plain else f"{name}, {order}"
        for_order = values[::-1] if order == "BGR" else values
        means, stds = tuple(m for m, _ in for_order), tuple(s for _, s in for_order)
        yield _made(label, means, stds, order, replace(family, order=order))
    if channels == 3 and len(set(mean)) > 1:
        yield _made(f"{name}, colours exchanged under its constants", *of_unit, "BGR", replace(family, order="BGR"))


_FORMS = 6
Values = tuple[float, ...]


def _forms(mean: Values, std: Values, *, raw: bool) -> list[tuple[str, Family, tuple[Values, Values]]]:
    """What becomes of a mean and std of unit values, as the mean and std that amount to it; names get a suffix."""
    ones = (1.0,) * len(mean)
    bytewise = tuple(s / _UNIT for s in ones)
    if raw:  # means subtracted from raw values, as caffe does
        return [("", Family("mean subtracted", "0..255", ""), (mean, std))]
    half = set(mean) == set(std) == {0.5}
    twice_mean = tuple(m + m * s for m, s in zip(mean, std, strict=True))
    return [
        ("", Family("-1..1" if half else "z-scored", "0..1", ""), (mean, std)),
        (", mean only", Family("mean subtracted", "0..1", ""), (mean, ones)),
        (", mean only of 0..255", Family("mean subtracted", "0..255", ""), (mean, bytewise)),
        (", std only", Family("divided by std", "0..1", ""), ((0.0,) * len(mean), std)),
        (", applied twice", Family("normalised twice", "0..1", ""), (twice_mean, tuple(s * s for s in std))),
        (", applied to 0..255", Family("z-scored", "0..255", ""), _of_raw(mean, std)),
    ]


def _of_raw(mean: Values, std: Values) -> tuple[Values, Values]:
    """Constants of unit values applied to raw ones: (255 x - m)/s is (x - m/255)/(s/255)."""
    return tuple(m / _UNIT for m in mean), tuple(s / _UNIT for s in std)


def _made(name: str, mean: Values, std: Values, order: str, family: Family) -> Candidate:
    raw = family.range == "0..255"  # state constants as they are written in code: of raw values
    stated = [tuple(value * (_UNIT if raw else 1.0) for value in values) for values in (mean, std)]
    scale = 1.0 if raw else 1 / _UNIT
    spec = InputSpec.of(stated[0], stated[1], scale=scale, channels=order or None, origin=f"tare identify: {name}")
    return Candidate(name, spec, spec.affine(), family)
