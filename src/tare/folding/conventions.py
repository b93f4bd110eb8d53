"""Which conventions weights can hold: a shift and a scale per channel, and between two conventions what only those tell apart."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from tare.errors import SpecError
from tare.folding.first_layers import KEEP_IN_FRONT
from tare.input_spec.affine import Affine
from tare.input_spec.consistency import check_one_order
from tare.input_spec.fields import UNSTATED, Known
from tare.input_spec.input_map import InputMap
from tare.input_spec.spec import InputSpec
from tare.system.handed.arguments import of_kind

_APPLY = f"{KEEP_IN_FRONT}, as InputSpec.apply does it"


def check_affine(spec: InputSpec) -> None:
    """Raise :class:`SpecError` for a clip that binds, a named map, or a normalisation of each sample by its own values.

    Raises it as ``InputSpec.canonical`` does for constants that cannot be used, too.
    """
    whole = _checked(spec)
    if whole.as_affine(*_span(spec)) is None:
        raise SpecError("a shift and a scale per channel, which weights can hold", whole.why_not_affine(), _APPLY)


def between(before: InputSpec, after: InputSpec) -> Affine:
    """The map from input under ``after`` to input under ``before``.

    A clip, a named map and a normalisation of each sample come before the constants. Where both specs state the same ones, only
    the constants are mapped. Raises :class:`SpecError` if they differ, if raw values differ in type or units, if both share
    names of channels but not all in their places, or if a field that is needed is unknown or cannot be used.
    """
    for spec in (before, after):
        check_spec(spec)
    for name in ("raw_dtype", "units"):
        stated = [field.value for field in (getattr(before, name), getattr(after, name)) if isinstance(field, Known)]
        if len(set(stated)) > 1:
            what = "type" if name == "raw_dtype" else "unit"
            raise SpecError(f"raw values of one {what} in both specs", " and ".join(stated), "state them in the same raw values")
    check_one_order(before.channels, after.channels)
    first, second = (_without_slack(spec) for spec in (before, after))
    channels = len(first.affine.order)
    if len(second.affine.order) != channels:
        raise SpecError(f"two specs of {channels} channels", f"{len(second.affine.order)} in the second", "state as many")
    if _in_front(first) != _in_front(second):
        found = " and ".join(_words(each) for each in (first, second))
        raise SpecError("the same clip, map and normalisation of each sample in both specs", found, _APPLY)
    return second.affine.inverse().then(first.affine)


def check_spec(spec: InputSpec) -> None:
    """Raise :class:`SpecError` for what is no specification."""
    of_kind(spec, InputSpec, "an InputSpec", "read one: tare.read_spec('timm:resnet18')", SpecError)


def _without_slack(spec: InputSpec) -> InputMap:
    """The spec's map without a clip that no raw value reaches."""
    whole = _checked(spec)
    return InputMap(whole.affine) if whole.as_affine(*_span(spec)) is not None else whole


def _checked(spec: InputSpec) -> InputMap:
    """The spec's map, its constants checked as ``InputSpec.canonical`` checks them."""
    replace(spec, clip=UNSTATED, value_map=UNSTATED, per_sample=UNSTATED).canonical()
    return spec.input_map()


def _in_front(whole: InputMap) -> Any:
    """What comes before the constants, with the clip of each raw channel."""
    clips = whole.clip and tuple(whole.clip[whole.affine.order.index(channel)] for channel in range(len(whole.clip)))
    return whole.per_sample, whole.value_map, clips


def _words(whole: InputMap) -> str:
    """What comes before the constants, in words; every window of a clip, since specs may differ in the last alone."""
    if whole.clip is None or whole.per_sample is not None or whole.value_map != "identity":
        return whole.why_not_affine() if whole.as_affine() is None else "nothing of the kind"
    windows = dict.fromkeys(f"[{low:g}, {high:g}]" for low, high in whole.clip)
    return f"values are clipped to {', '.join(windows)}"


def _span(spec: InputSpec) -> tuple[float, float]:
    return spec.raw_range() or (-math.inf, math.inf)
