"""Albumentations' transforms as steps. The most important ones are known by name, all others by their base class."""

from __future__ import annotations

from typing import Any

from tare.pipelines.found import Container, Found, Library, Reader, always, edges_of, floats_of, is_point, step, with_probability
from tare.pipelines.step import Step, StepKind

#: tare's names of OpenCV's interpolation flags; 3 averages over areas.
_INTERPOLATION = {0: "nearest", 1: "bilinear", 2: "bicubic", 3: "box", 4: "lanczos", 5: "bilinear", 6: "nearest-exact"}
_DRAWING = ("get_params", "get_params_dependent_on_data", "get_params_dependent_on_targets")
#: Values of A.Normalize(normalization=...) other than standard: the statistics used, and whether each channel has its own.
_BY_IMAGE = {
    "image": ("mean_std", False),
    "image_per_channel": ("mean_std", True),
    "min_max": ("min_max", False),
    "min_max_per_channel": ("min_max", True),
}


def _sometimes(kind: StepKind, draws: bool = False, **values: Any) -> Reader:
    """A reader of a step that runs with the transform's own probability ``p``."""
    return lambda thing: with_probability(thing.p, (step(kind, random=draws, **values),))


def _family(kind: StepKind, **values: Any) -> Reader:
    """A reader of classes that are known only by their base class. The step is random if the class draws parameters."""
    return lambda thing: with_probability(thing.p, (step(kind, random=_draws(type(thing)), **values),))


def _draws(cls: type) -> bool:
    own = (base for base in cls.__mro__ if base.__name__ not in ("BasicTransform", "object"))
    return any(name in vars(base) for base in own for name in _DRAWING)


def _resized(thing: Any, size: tuple[int, ...] | None, fit: str, random: bool = False) -> tuple[Step, ...]:
    # OpenCV does not filter before it shrinks, unless it averages over areas.
    areas = bool(getattr(thing, "area_for_downscale", None)) or thing.interpolation == 3
    how: dict[str, Any] = {"interpolation": "box" if areas else _INTERPOLATION.get(thing.interpolation), "antialias": areas}
    return with_probability(thing.p, (step("resize", random=random, size=size, fit=fit, **how),))


def _resize(thing: Any) -> Found:
    return _resized(thing, (int(thing.height), int(thing.width)), "squash")


def _max_size(fit: str) -> Reader:
    def read(thing: Any) -> Found:
        if getattr(thing, "max_size_hw", None) is not None:
            edges = thing.max_size_hw
            return _resized(thing, edges_of(edges) if None not in edges else None, fit)
        sizes = edges_of(thing.max_size)
        return _resized(thing, sizes if len(sizes) == 1 else None, fit, random=len(sizes) > 1)

    return read


def _crop(place: str) -> Reader:
    def read(thing: Any) -> Found:
        size = (int(thing.height), int(thing.width))
        pads = bool(getattr(thing, "pad_if_needed", False))
        found = step("crop", random=place == "random", size=size, place=place, pads=pads, offset="down")
        return with_probability(thing.p, (found,))

    return read


def _crop_box(thing: Any) -> Found:
    size = (int(thing.y_max - thing.y_min), int(thing.x_max - thing.x_min))
    return with_probability(thing.p, (step("crop", size=size, place="other", pads=bool(thing.pad_if_needed)),))


def _random_resized_crop(thing: Any) -> Found:
    size = thing.size if getattr(thing, "size", None) is not None else (thing.height, thing.width)
    whole = is_point(getattr(thing, "scale", (0, 1)), 1) and is_point(getattr(thing, "ratio", (0, 1)), 1)
    how: dict[str, Any] = {"interpolation": _INTERPOLATION.get(thing.interpolation), "antialias": thing.interpolation == 3}
    return with_probability(thing.p, (step("random_resized_crop", random=not whole, size=edges_of(size), **how),))


def _rotate(thing: Any) -> Found:
    if is_point(thing.limit, 0):
        return (step("identity"),)
    return with_probability(thing.p, (step("geometric", random=not is_point(thing.limit)),))


def _pad(thing: Any) -> Found:
    position = str(getattr(getattr(thing, "position", ""), "value", getattr(thing, "position", "")))
    return with_probability(thing.p, (step("pad", random=position == "random", fill=thing.fill),))


def _normalize(thing: Any) -> Found:
    how = getattr(thing, "normalization", "standard")
    if how in _BY_IMAGE:
        name, per_channel = _BY_IMAGE[how]
        return with_probability(thing.p, (step("normalize_by_image", how=name, per_channel=per_channel),))
    if how != "standard":
        raise ValueError(f"tare does not know normalization={how!r}")
    mean, std, largest = floats_of(thing.mean), floats_of(thing.std), float(thing.max_pixel_value)
    return with_probability(thing.p, (step("normalize", mean=mean, std=std, max_value=largest),))


def _to_float(thing: Any) -> Found:
    if thing.max_value is None:
        return with_probability(thing.p, (step("to_dtype", dtype="float32", scale=True),))
    return with_probability(thing.p, (step("rescale", factor=1 / float(thing.max_value), offset=0.0, integers_only=True),))


def _from_float(thing: Any) -> Found:
    dtype = str(thing.dtype)
    bits = {"uint8": 8, "uint16": 16, "uint32": 32}[dtype]
    if thing.max_value not in (None, 2**bits - 1):
        raise ValueError(f"values are rounded to multiples of 1/{thing.max_value}")
    return with_probability(thing.p, (step("to_dtype", dtype=dtype, scale=True),))


def _to_gray(thing: Any) -> Found:
    count = int(getattr(thing, "num_output_channels", 3))
    return with_probability(thing.p, (step("grayscale", channels=count, method=getattr(thing, "method", None)),))


def _sequence(thing: Any) -> Found:
    p = getattr(thing, "p", 1.0)
    return (step("identity"),) if p <= 0 else Container(tuple(thing.transforms), random=p < 1)


def _one_of(thing: Any) -> Found:
    # The probabilities of members are weights here.
    possible = tuple(member for member in thing.transforms if member.p > 0)
    return (step("identity"),) if thing.p <= 0 else Container(possible, random=thing.p < 1 or len(possible) > 1)


def _some_of(thing: Any) -> Found:
    members = tuple(thing.transforms)
    drawn = thing.p < 1 or len(members) > 1 or bool(getattr(thing, "replace", False))
    return (step("identity"),) if thing.p <= 0 or thing.n == 0 else Container(members, random=drawn)


READERS: dict[str, Reader] = {
    **dict.fromkeys(("Compose", "ReplayCompose", "Sequential"), _sequence),
    **dict.fromkeys(("OneOf", "OneOrOther"), _one_of),
    **dict.fromkeys(("SomeOf", "RandomOrder"), _some_of),
    "Resize": _resize,
    "SmallestMaxSize": _max_size("cover"),
    "LongestMaxSize": _max_size("contain"),
    "RandomScale": lambda thing: _resized(thing, None, "squash", random=True),
    "CenterCrop": _crop("center"),
    "RandomCrop": _crop("random"),
    "CropNonEmptyMaskIfExists": _crop("random"),
    "AtLeastOneBBoxRandomCrop": _crop("random"),
    "Crop": _crop_box,
    "RandomResizedCrop": _random_resized_crop,
    "RandomSizedCrop": _random_resized_crop,
    "RandomSizedBBoxSafeCrop": _random_resized_crop,
    "Pad": _pad,
    "PadIfNeeded": _pad,
    "Rotate": _rotate,
    "Normalize": _normalize,
    "ToFloat": _to_float,
    "FromFloat": _from_float,
    "ToGray": _to_gray,
    "ToRGB": _sometimes("colour", to="RGB"),
    "ToTensorV2": _sometimes("convert", layout="CHW"),
    "ToTensor3D": _sometimes("convert", layout="CDHW"),
    "NoOp": always("identity"),
    "Lambda": always("opaque", why="it calls the user's own functions"),
    # These derive from DualTransform, because they change masks too, but they change values.
    "Morphological": _sometimes("photometric", draws=True),
    "Mosaic": _sometimes("photometric", draws=True),
    "OverlayElements": _sometimes("photometric", draws=True),
    "PixelDropout": _sometimes("erase", draws=True, value=None),
    "MaskDropout": _sometimes("erase", draws=True, value=None),
    "CoarseDropout3D": _sometimes("erase", draws=True, value=None),
    # These depend on the image and draw nothing.
    "Equalize": _sometimes("photometric"),
    "AutoContrast": _sometimes("photometric"),
}

#: The nearest base class decides.
FAMILIES: dict[str, Reader] = {
    "BaseDropout": _family("erase", value=None),
    "BaseCrop": _family("crop", size=None, place="random", pads=False),
    "ImageOnlyTransform": _family("photometric"),
    "DualTransform": _family("geometric"),
}

LIBRARY = Library("albumentations", ("albumentations",), READERS, FAMILIES)
