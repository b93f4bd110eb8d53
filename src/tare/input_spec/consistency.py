"""Statements of a specification that contradict one another."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tare.errors import SpecError
from tare.input_spec.fields import Field, Known
from tare.samples.constants import check_one_scale
from tare.samples.layout import channel_names, dtype_range

_LETTERS = {"r": "red", "g": "green", "b": "blue"}
#: Colour orders, which are names of one kind and not of one channel each.
_COLOURS = {"L": 1, "RGB": 3, "BGR": 3, "RGBA": 4}
_BITS_IN_UNITS = re.compile(r"^(\d+)-bit\b")


def channel_number(channels: str) -> int:
    """How many channels the field ``channels`` names: those of an order of colours, or the names between commas."""
    return _COLOURS.get(channels) or len(channels.split(","))


def channels_of(channels: str) -> tuple[str, ...]:
    """The names of the channels of the field ``channels``, each in its place."""
    colours = {"L": channel_names(1), "RGB": channel_names(3), "BGR": channel_names(3)[::-1]}
    return colours.get(channels) or tuple(channels.split(","))


def raw_names(channels: str) -> tuple[str, ...]:
    """The names of raw channels in the order in which they come: those of pictures are red, green, blue, also for BGR.

    The letters r, g and b are names of the same colours.
    """
    names = channel_names(3) if channels == "BGR" else channels_of(channels)
    return tuple(_LETTERS[name.casefold()] for name in names) if {name.casefold() for name in names} == {*_LETTERS} else names


def check_picture_order(channels: Field[str], what: str) -> None:
    """Raise :class:`SpecError` for names of colours in another order than that of pictures, which are red, green, blue."""
    if not isinstance(channels, Known):
        return
    names = tuple(name.casefold() for name in raw_names(channels.value))
    if names != channel_names(3) and sorted(names) == sorted(channel_names(3)):
        expected = f"channels in the order of {what}, red, green, blue"
        raise SpecError(expected, channels.value, "map arrays of that order with InputSpec.apply, or state RGB or BGR")


def check_source_places(source: Sequence[str], names: Sequence[str]) -> None:
    """Raise :class:`SpecError` for constants of a source whose channels are in other places than those that they are used for."""
    alike = [name.replace(",", ";") for name in names]  # as a specification writes names
    if len(source) == len(names) and (places := out_of_place(alike, [name.replace(",", ";") for name in source])) is not None:
        wanted, found = places
        expected = f"a source whose channels are in the order of the statistics, {', '.join(names)}"
        raise SpecError(expected, f"{found!r} where {wanted!r} is", "give mean and std in that order: source=(mean, std)")


def out_of_place(known: Sequence[str], found: Sequence[str]) -> tuple[str, str] | None:
    """The first channel that is not the known one of its place, after that one; None if there is none. Case is no difference.

    Only names that both share show that the names are of one kind: with none of them in common, such as red and B04, nothing
    is known of places.
    """
    first, second = ([name.casefold() for name in names] for names in (known, found))
    if len({*first}) < len(first) or len({*second}) < len(second):  # names that differ in their case alone
        first, second = [*known], [*found]
    moved = [place for place, (a, b) in enumerate(zip(first, second, strict=False)) if a != b]
    return (known[moved[0]], found[moved[0]]) if moved and {*first} & {*second} else None


def check_one_order(first: Field[str], second: Field[str]) -> None:
    """Raise :class:`SpecError` for two statements of channels that share some names, but not all in their places."""
    if not isinstance(first, Known) or not isinstance(second, Known):
        return
    if out_of_place(raw_names(first.value), raw_names(second.value)):
        raise SpecError("the same channels in one order in both", f"{first.value} and {second.value}", "state them so")


def check_consistent(fields: Mapping[str, Field[Any]]) -> None:
    """Raise :class:`SpecError` for statements that contradict one another: one line, with the remedy."""
    stated = {name: field.value for name, field in fields.items() if isinstance(field, Known)}
    _check_counts(stated)
    _check_bits(stated)
    _check_window(stated)
    if stated.get("channels") in ("RGB", "BGR") and "mean" in stated and "scale" not in stated:
        check_one_scale(stated["mean"], stated.get("std", ()))


def _check_counts(stated: Mapping[str, Any]) -> None:
    counts = {name: len(stated[name]) for name in ("mean", "std") if name in stated}
    if "channels" in stated:
        counts["channels"] = channel_number(stated["channels"])
    if "clip" in stated and len(stated["clip"]) > 1:
        counts["clip"] = len(stated["clip"])
    if len(set(counts.values()) - {1}) > 1:  # one number stands for all channels
        found = ", ".join(f"{count} in {name}" for name, count in counts.items())
        raise SpecError("as many channels in each field", found, "state one value for each channel")


def _check_bits(stated: Mapping[str, Any]) -> None:
    """Bits in use, the type of raw values, and units such as "12-bit code values" name one width."""
    raw, bits = stated.get("raw_dtype"), stated.get("bits")
    span = dtype_range(raw) if raw is not None else None
    width = None if span is None else (span[1] - span[0]).bit_length()
    if raw is not None and bits is not None and width is None:
        raise SpecError("bits in use of integers", f"{bits} bits of {raw}", "leave the bits out")
    if width is not None and bits is not None and bits > width:
        raise SpecError(f"at most {width} bits in use of {raw}", f"{bits}", "correct one of the two")
    named = _BITS_IN_UNITS.match(str(stated.get("units", "")))
    most = bits if bits is not None else width
    if named and most is not None and int(named[1]) != most and (bits is not None or int(named[1]) > most):
        raise SpecError(f"units that fit {most} bits", f"{stated['units']!r}", "correct the units or the bits")
    if named and raw is not None and width is None:
        raise SpecError(f"units that fit raw values of type {raw}", f"{stated['units']!r}", "correct the units or raw_dtype")


def _check_window(stated: Mapping[str, Any]) -> None:
    """A window in raw values lies inside of what their type can hold."""
    if "clip" not in stated or stated.get("value_map", "identity") != "identity" or "per_sample" in stated:
        return
    span = dtype_range(stated["raw_dtype"]) if "raw_dtype" in stated else None
    for low, high in stated["clip"]:
        if span is not None and (-math.inf < low < span[0] or span[1] < high < math.inf):
            expected = f"a clip inside of {span[0]} to {span[1]}, the range of {stated['raw_dtype']}"
            raise SpecError(expected, f"[{low:g}, {high:g}]", "state the clip in raw values, or correct raw_dtype")
