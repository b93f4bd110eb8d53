"""The geometry of a pipeline: the resulting size, and the resize and crop of an evaluation pipeline."""

from __future__ import annotations

from collections.abc import Sequence

from tare.input_spec.fields import INTERPOLATIONS, Crop, Field, Known, Unknown
from tare.pipelines.step import Step, StepKind

_MOVING: tuple[StepKind, ...] = ("resize", "crop", "random_resized_crop", "pad", "geometric")
_RESIZING: tuple[StepKind, ...] = ("resize", "random_resized_crop")


def geometry_of_steps(steps: Sequence[Step]) -> dict[str, Field[object]]:
    """The fields size, interpolation, antialias and crop. If a field is random or differs by image, it is unknown.

    If a step is opaque, it may resize, so every field is unknown.
    """
    opaque = next((step for step in steps if step.kind == "opaque"), None)
    if opaque is not None:
        nothing = Unknown(f"{opaque.origin} can only be seen by running it")
        return dict.fromkeys(("size", "interpolation", "antialias", "crop"), nothing)
    moving = [step for step in steps if step.kind in _MOVING]
    return {
        "size": _size(moving),
        "interpolation": _stated(moving, "interpolation", INTERPOLATIONS),
        "antialias": _stated(moving, "antialias", (True, False)),
        "crop": _crop(moving, steps[0].where.partition(", step")[0] if steps else "an empty pipeline"),
    }


def _size(moving: Sequence[Step]) -> Field[object]:
    """The output size of the last step that fixes it."""
    for step in reversed(moving):
        if step.kind == "geometric" and not step.values.get("expands"):
            continue
        size = step.values.get("size")
        is_fixed = step.values.get("fit", "squash") == "squash" and not (step.random and step.kind == "resize")
        if size is None or len(size) != 2 or not is_fixed:
            return Unknown(f"{step.origin} gives each image its own size")
        return Known(tuple(size), step.origin)
    return Unknown("no step sets the size")


def _stated(moving: Sequence[Step], key: str, allowed: Sequence[object]) -> Field[object]:
    """The value that all resizing steps share."""
    resizing = [step for step in moving if step.kind in _RESIZING]
    values = {step.values.get(key) for step in resizing}
    if not resizing:
        return Unknown("no step resizes")
    if len(values) > 1:
        return Unknown(f"{resizing[0].origin} and {resizing[-1].origin} differ in {key}")
    value = values.pop()
    return Known(value, resizing[0].origin) if value in allowed else Unknown(f"{resizing[0].origin} does not state {key}")


def _crop(moving: Sequence[Step], title: str) -> Field[object]:
    if not moving:
        return Known(Crop("none", 1.0), f"{title}: no step resizes or crops")
    unclear = next((reason for reason in map(_unclear, moving) if reason), None)
    if unclear is not None:
        return Unknown(unclear)
    origin = " and ".join(step.origin for step in moving)
    kinds = [step.kind for step in moving]
    if kinds == ["resize"]:
        return _resize_only(moving[0])
    if kinds != ["resize", "crop"]:
        return Unknown(f"{origin}: not one resize followed by one crop")
    return _resize_and_crop(moving[0], moving[1], origin)


def _unclear(step: Step) -> str | None:
    """Why a step cannot belong to a resize and a central crop; None if it can."""
    if step.random:
        return f"{step.origin} is drawn at random"
    if step.kind not in ("resize", "crop") or "max_size" in step.values:
        return f"{step.origin} does more than resize and crop the image"
    if step.values.get("size") is None or step.values.get("place", "center") != "center":
        return f"{step.origin} depends on the image, or its crop is not central"
    return None


def _resize_only(resize: Step) -> Field[object]:
    if resize.values["fit"] == "squash":
        return Known(Crop("squash", 1.0), resize.origin)
    return Unknown(f"{resize.origin} keeps the image's ratio, and nothing is cropped")


def _resize_and_crop(resize: Step, crop: Step, origin: str) -> Field[object]:
    edges: tuple[int, ...] = tuple(resize.values["size"])
    mode = {"cover": "center", "squash": "squash", "contain": "border"}[resize.values["fit"]]
    if mode == "border":
        edges = (edges[0], edges[-1])
        if not crop.values.get("pads"):
            return Unknown(f"{origin}: an image that fits into the size is cropped without padding")
    fraction = crop.values["size"][0] / edges[0]
    return Known(Crop(mode, fraction, edges, crop.values.get("offset", "even")), origin)
