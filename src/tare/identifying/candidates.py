"""The normalisations that a checkpoint may have been trained with: published constants, and common variants of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tare.errors import SpecError
from tare.input_spec.affine import Affine
from tare.input_spec.fields import PerSample
from tare.input_spec.spec import InputSpec, Known
from tare.normalisation.catalog import CatalogEntry, entries

Treatment = Literal[
    "z-scored",
    "mean subtracted",
    "divided by std",
    "as it is",
    "-1..1",
    "normalised twice",
    "each image standardised",
    "each channel of each image standardised",
]
Range = Literal["0..1", "0..255", "any range"]
#: Whose mean and std an image is standardised by first: nobody's, the image's, or each channel's own.
Sample = Literal["", "sample", "channel"]

_UNIT = 255.0
# Two normalisations are the same if they differ by less than this share of the range that raw 0..255 is mapped to.
_SAME = 0.005
_COLOURS = 3
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of normalisation: the range of its input values, its form, and the order of colours."""

    form: Treatment
    range: Range
    order: str

    def __str__(self) -> str:
        kind = self.form if self.range == "any range" else f"{self.range} {self.form}"
        return f"{kind}, {self.order}" if self.order else kind


@dataclass(frozen=True, slots=True)
class Candidate:
    """A named normalisation; ``also`` has the names of others that compute the same map.

    With ``sample`` each image is first standardised by its own values; ``affine`` then maps the result times 255.
    """

    name: str
    spec: InputSpec
    affine: Affine
    family: Family
    also: tuple[str, ...] = ()
    sample: Sample = ""


def stated_entry(mean: Sequence[float], std: Sequence[float], channels: int) -> CatalogEntry:
    """Constants of unit values that the caller suspects. Raises :class:`SpecError` if they are not for ``channels`` channels."""
    count = max(len(mean), len(std))
    if count not in (1, channels):
        raise SpecError(f"--mean and --std for {channels} channels", f"{count} of them", "state one for each, or one for all")
    u, s = (tuple(map(float, values)) * (count // len(values)) for values in (mean, std))
    order = "RGB" if count == _COLOURS else "L"
    return CatalogEntry("--mean and --std", "stated", order, u, s, _DIGITS, "unverified", "stated by the caller")


def candidates(channels: int, suspected: CatalogEntry | None = None) -> tuple[Candidate, ...]:
    """All normalisations of inputs with this number of channels, each map once, plain forms first.

    They are unit values, raw values, images standardised by their own values, and for every published constant: the z-score, the
    mean alone (of unit or of raw values), the std alone, the z-score applied twice, and the z-score applied to raw values. Each
    is made for RGB, for BGR, and for BGR with the constants left in RGB order. ``suspected`` constants are tried like published
    ones.
    """
    found: list[Candidate] = []
    ends: dict[tuple[int, ...], list[tuple[int, PerChannel]]] = {}
    for made in _all(channels, suspected):
        of_order = ends.setdefault(made.affine.order, [])
        mine = _ends(made.affine)
        place = next((i for i, other in of_order if _same(mine, other, found[i].affine)), None)
        if place is None:
            of_order.append((len(found), mine))
            found.append(made)
        elif made.name not in found[place].also:
            found[place] = replace(found[place], also=(*found[place].also, made.name))
    return (*found, *_by_sample(channels))


def _by_sample(channels: int) -> Iterator[Candidate]:
    """Images standardised by their own values, as a whole or channel by channel, whatever the range of raw values is."""
    names: dict[Sample, tuple[str, Treatment]] = {
        "sample": ("each image by its own mean and std", "each image standardised"),
        "channel": ("each channel of each image by its own mean and std", "each channel of each image standardised"),
    }
    for sample, (name, form) in names.items():
        if sample == "channel" and channels == 1:
            continue
        for order in ("RGB", "BGR") if channels == 3 else ("",):
            places = (2, 1, 0) if order == "BGR" else tuple(range(channels))
            label = f"{name}, BGR" if order == "BGR" else name
            origin = f"tare identify: {label}"
            spec = InputSpec.of(
                (0.0,) * channels, (1.0,) * channels, scale=1.0, channels=order or None, raw_dtype="uint8", origin=origin
            )
            stated = replace(spec, per_sample=Known(PerSample("zscore", sample), origin))
            affine = Affine(places, (1 / _UNIT,) * channels, (0.0,) * channels)
            yield Candidate(label, stated, affine, Family(form, "any range", order), sample=sample)


def of_affine(name: str, affine: Affine, family: Family) -> Candidate:
    """A candidate from its map of raw values; its mean and std are in unit values, in the order of the network's channels."""
    std = tuple(1 / (_UNIT * scale) for scale in affine.scale)
    mean = tuple(-shift * s for shift, s in zip(affine.shift, std, strict=True))
    channels = "L" if len(mean) == 1 else "BGR" if affine.order == (2, 1, 0) else "RGB"
    return Candidate(
        name, InputSpec.of(mean, std, channels=channels, raw_dtype="uint8", origin=f"tare identify: {name}"), affine, family
    )


def _ends(affine: Affine) -> PerChannel:
    """The images of raw 0 and 255 in each channel: between these ends no two affine maps differ more."""
    return tuple(end * scale + shift for end in (0.0, _UNIT) for scale, shift in zip(affine.scale, affine.shift, strict=True))


def _same(left: PerChannel, right: PerChannel, affine: Affine) -> bool:
    """Whether two maps with these ends are the same; ``right`` are the ends of ``affine``."""
    least = _SAME * _UNIT * max(map(abs, affine.scale))
    return all(abs(one - other) <= least for one, other in zip(left, right, strict=True))


def _all(channels: int, suspected: CatalogEntry | None) -> Iterator[Candidate]:
    """All candidates, plain forms first: if two have the same map, the first gives the name."""
    orders = ("RGB", "BGR") if channels == 3 else ("",)
    for order in orders:
        end = ", BGR" if order == "BGR" else ""
        zeros, ones = (0.0,) * channels, (1.0,) * channels
        yield _made(f"unit values{end}", zeros, ones, order, Family("as it is", "0..1", order))
        yield _made(f"raw values{end}", zeros, (1 / _UNIT,) * channels, order, Family("as it is", "0..255", order))
    listed = [*entries(), *([suspected] if suspected is not None else [])]
    usable = [entry for known in listed for entry in _for_channels(known, channels)]
    for form in range(_FORMS):
        for entry in usable:
            if form == 0 or (len(entry.mean) == channels and entry.scale != 1.0):
                yield from _of_entry(entry, form, channels, orders)


def _for_channels(entry: CatalogEntry, channels: int) -> Iterator[CatalogEntry]:
    """The entry, where it has as many channels or one constant for all; and one constant in place of three colours' own.

    Grey networks, and networks for grey images of three equal channels, take the mean of three colours' constants: 0.449 and
    0.226 for ImageNet's.
    """
    if not entry.is_image:
        return
    alike = len(set(entry.mean)) == len(set(entry.std)) == 1
    if len(entry.mean) in (1, channels):
        yield entry
    elif alike:
        yield replace(entry, channels="L", mean=entry.mean[:1], std=entry.std[:1])
    if len(entry.mean) == 3 and not alike and (channels == 1 or entry.name in _AVERAGED):
        mean, std = (round(math.fsum(values) / 3, max(3, entry.digits)) for values in (entry.mean, entry.std))
        yield replace(entry, name=f"{entry.name}, one constant for all colours", channels="L", mean=(mean,), std=(std,))


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
# Of these the mean of the three colours' constants is in use for three equal channels.
_AVERAGED = ("imagenet",)
PerChannel = tuple[float, ...]


def _forms(mean: PerChannel, std: PerChannel, *, raw: bool) -> list[tuple[str, Family, tuple[PerChannel, PerChannel]]]:
    """The variants of a mean and std of unit values: a suffix of the name, the family, and the variant's own mean and std."""
    ones = (1.0,) * len(mean)
    if raw:  # means subtracted from raw values, as caffe does
        return [("", Family("mean subtracted", "0..255", ""), (mean, std))]
    half = set(mean) == set(std) == {0.5}
    twice_mean = tuple(m + m * s for m, s in zip(mean, std, strict=True))
    return [
        ("", Family("-1..1" if half else "z-scored", "0..1", ""), (mean, std)),
        (", mean only", Family("mean subtracted", "0..1", ""), (mean, ones)),
        (", mean only of 0..255", Family("mean subtracted", "0..255", ""), (mean, tuple(s / _UNIT for s in ones))),
        (", std only", Family("divided by std", "0..1", ""), ((0.0,) * len(mean), std)),
        (", applied twice", Family("normalised twice", "0..1", ""), (twice_mean, tuple(s * s for s in std))),
        (", applied to 0..255", Family("z-scored", "0..255", ""), _of_raw(mean, std)),
    ]


def _of_raw(mean: PerChannel, std: PerChannel) -> tuple[PerChannel, PerChannel]:
    """Constants of unit values applied to raw values: (255 x - m)/s is (x - m/255)/(s/255)."""
    return tuple(m / _UNIT for m in mean), tuple(s / _UNIT for s in std)


def _made(name: str, mean: PerChannel, std: PerChannel, order: str, family: Family) -> Candidate:
    raw = family.range == "0..255"  # the constants are then stated in raw values, as code writes them
    stated = [tuple(value * (_UNIT if raw else 1.0) for value in values) for values in (mean, std)]
    scale = 1.0 if raw else 1 / _UNIT
    spec = InputSpec.of(
        stated[0], stated[1], scale=scale, channels=order or None, raw_dtype="uint8", origin=f"tare identify: {name}"
    )
    return Candidate(name, spec, spec.affine(), family)
