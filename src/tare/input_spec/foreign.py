"""Fields from a foreign document: checked values with their origin, or one line that says what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import PARSERS, Field, Known, Unknown

#: Fields of a specification by name, each a ``Field``.
Fields = dict[str, Any]


def known_field(name: str, value: Any, origin: str) -> Known[Any]:
    """State the field ``name`` with a value out of a foreign document.

    Raises :class:`SpecError` if the field cannot have this value: a NaN, a text for a number, a negative size.
    """
    try:
        return Known(PARSERS[name](value), origin)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise SpecError(f"a valid {name!r} ({origin})", f"{short_repr(value)} ({error})", "correct it") from None


def flag_of(config: Mapping[str, Any], key: str, default: bool, source: str) -> bool:
    """A switch of a configuration; an absent or null one has the library's ``default``.

    Raises :class:`SpecError` for anything but true and false.
    """
    value = config.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise SpecError(f"true or false for {key!r} of {source}", short_repr(value), "correct it")
    return value


def value_of(fields: Mapping[str, Field[Any]], name: str, target: str) -> Any:
    """The value of a field that ``target`` has to state. Raises :class:`SpecError` if nobody stated it."""
    field = fields[name]
    if isinstance(field, Unknown):
        raise SpecError(f"a known {name} to write {target}", f"it is unknown: {field.reason}", "state it in the spec first")
    return field.value


def refuse_other(fields: Mapping[str, Field[Any]], allowed: Mapping[str, tuple[Any, ...]], target: str) -> None:
    """Raise :class:`SpecError` for the first field whose value ``target`` cannot state; unknown fields pass."""
    for name, values in allowed.items():
        field = fields[name]
        if isinstance(field, Known) and field.value not in values:
            able = " or ".join(str(value) for value in values)
            remedy = "convert the network, or keep the spec as tare's own JSON"
            raise SpecError(f"{name} {able}, which is all that {target} can state", f"{field.value!r}", remedy)


#: Which pixel a library takes for the middle that falls between two, as the ``offset`` of a crop.
OFFSETS: Mapping[str, str] = {"timm": "even", "torchvision": "even", "hf": "down"}


def other_middle(fields: Mapping[str, Field[Any]], form: str) -> str | None:
    """What the library of a format crops otherwise than the fields say; None where it crops the same or nothing is known.

    No format has a key for it.
    """
    size, crop = fields["size"], fields["crop"]
    if isinstance(size, Unknown) or isinstance(crop, Unknown):
        return None
    if crop.value.offset == OFFSETS[form] or not crop.value.cuts(size.value):
        return None
    library = {"hf": "transformers rounds it down"}.get(form, f"{form} rounds it to even")
    own = {"even": "is rounded to even", "down": "is rounded down"}[crop.value.offset]
    return f"the middle of a crop that falls between two pixels {own} here, and {library}: such images differ by one pixel"


def unit_constants(fields: Mapping[str, Field[Any]], target: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std in unit values of 8-bit images, whatever the spec's own scale is.

    ``(s v - m) / d`` is ``(v / 255 - m / (255 s)) / (d / (255 s))``. Raises :class:`SpecError` if one is unknown.
    """
    mean, std = value_of(fields, "mean", target), value_of(fields, "std", target)
    scale = value_of(fields, "scale", target)
    if scale == 1 / 255:
        return mean, std
    return tuple(m / (255 * scale) for m in mean), tuple(d / (255 * scale) for d in std)
