"""Kornia's augmentations, colour conversions and containers as steps. They take batches of float tensors ``(N, C, H, W)``."""

from __future__ import annotations

from typing import Any

from tare.pipelines.found import (
    Container,
    Found,
    Library,
    Reader,
    always,
    at_random,
    edges_of,
    floats_of,
    square,
    step,
    with_probability,
)
from tare.pipelines.step import Step, StepKind


def _p(thing: Any) -> float:
    """The probability that a sample is changed: that of the sample times that of its batch."""
    return float(thing.p) * float(getattr(thing, "p_batch", 1.0))


def _sometimes(kind: StepKind, draws: bool = False, **values: Any) -> Reader:
    return lambda thing: with_probability(_p(thing), (step(kind, random=draws, **values),))


def _constants(thing: Any) -> tuple[tuple[float, ...], tuple[float, ...]]:
    stated = getattr(thing, "flags", None) or {"mean": thing.mean, "std": thing.std}
    return floats_of(stated["mean"]), floats_of(stated["std"])


def _normalize(thing: Any) -> Found:
    mean, std = _constants(thing)
    return with_probability(getattr(thing, "p", 1.0), (step("normalize", mean=mean, std=std, max_value=1.0),))


def _denormalize(thing: Any) -> Found:
    """``v * std + mean``, as the Normalize with the same effect."""
    mean, std = _constants(thing)
    spread = std * len(mean) if len(std) == 1 else std
    centre = mean * len(spread) if len(mean) == 1 else mean
    inverse: dict[str, Any] = {
        "mean": tuple(-m / s for m, s in zip(centre, spread, strict=True)),
        "std": tuple(1 / s for s in spread),
        "max_value": 1.0,
    }
    return with_probability(getattr(thing, "p", 1.0), (step("normalize", **inverse),))


def _resample(flags: Any) -> str | None:
    stated = flags.get("resample")
    name = getattr(stated, "name", stated)
    return None if name is None else str(name).lower()


def _resized(size: Any, side: str, interpolation: str | None, antialias: bool) -> Step:
    edges = edges_of(size)
    fit = "squash" if len(edges) == 2 else {"short": "cover", "long": "contain"}.get(side, "cover")
    known = len(edges) == 2 or side in ("short", "long")
    return step("resize", size=edges if known else None, fit=fit, interpolation=interpolation, antialias=antialias)


def _resize(thing: Any) -> Found:
    flags = thing.flags
    found = _resized(flags["size"], flags["side"], _resample(flags), bool(flags.get("antialias")))
    return with_probability(_p(thing), (found,))


def _resize_layer(thing: Any) -> Found:
    return (_resized(thing.size, thing.side, thing.interpolation, bool(thing.antialias)),)


def _center_crop(thing: Any) -> Found:
    size = square(thing.flags["size"])
    return with_probability(_p(thing), (step("crop", size=size, place="center", pads=False, offset="down"),))


def _random_crop(thing: Any) -> Found:
    flags = thing.flags
    pads = (step("pad", "RandomCrop", fill=flags.get("fill", 0)),) if flags.get("padding") else ()
    crop = step("crop", random=True, size=square(flags["size"]), place="random", pads=bool(flags.get("pad_if_needed")))
    return with_probability(_p(thing), (*pads, crop))


def _random_resized_crop(thing: Any) -> Found:
    flags = thing.flags
    how: dict[str, Any] = {"interpolation": _resample(flags), "antialias": False}
    return with_probability(_p(thing), (step("random_resized_crop", random=True, size=square(flags["size"]), **how),))


def _pad_to(thing: Any) -> Found:
    return with_probability(_p(thing), (step("pad", fill=thing.flags.get("pad_value", 0)),))


def _rescale(thing: Any) -> Found:
    return (step("rescale", factor=float(thing.factor), offset=0.0),)


def _sequential(thing: Any) -> Found:
    chosen = getattr(thing, "random_apply", False)
    return Container(tuple(thing), random=chosen is not False and chosen is not None)


def _patches(thing: Any) -> Found:
    return Container(tuple(thing), random=True)  # every patch draws on its own


_CERTAIN_GEOMETRY = ("RandomHorizontalFlip", "RandomVerticalFlip", "RandomHorizontalFlip3D", "RandomVerticalFlip3D")
_CERTAIN_VALUES = ("RandomInvert", "RandomEqualize", "RandomEqualize3D", "RandomAutoContrast")
_COLOUR_SPACES = ("Hls", "Hsv", "Lab", "LinearRgb", "Luv", "Xyz", "Ycbcr", "Yuv")
_ADJUST = ("Brightness", "BrightnessAccumulative", "Contrast", "ContrastWithMeanSubtraction", "Gamma", "Hue", "Log")
_ADJUST_MORE = ("Saturation", "SaturationWithGraySubtraction", "Sigmoid")
_FILTERS = (
    "BilateralBlur",
    "BoxBlur",
    "GaussianBlur2d",
    "MedianBlur",
    "MotionBlur",
    "UnsharpMask",
    "Sobel",
    "Laplacian",
    "Canny",
)

READERS: dict[str, Reader] = {
    **dict.fromkeys(("AugmentationSequential", "ImageSequential", "VideoSequential"), _sequential),
    "PatchSequential": _patches,
    **dict.fromkeys(("AutoAugment", "RandAugment", "TrivialAugment"), at_random("photometric")),
    "Normalize": _normalize,
    "Denormalize": _denormalize,
    "Rescale": _rescale,
    **dict.fromkeys(("SmallestMaxSize", "LongestMaxSize"), _resize),
    "Resize": lambda thing: _resize(thing) if hasattr(thing, "flags") else _resize_layer(thing),
    "CenterCrop": _center_crop,
    "RandomCrop": _random_crop,
    "RandomResizedCrop": _random_resized_crop,
    "PadTo": _pad_to,
    "RandomErasing": _sometimes("erase", draws=True, value=None),
    "RandomGrayscale": _sometimes("grayscale", channels=None),
    **dict.fromkeys(_CERTAIN_GEOMETRY, _sometimes("geometric")),
    **dict.fromkeys(("Hflip", "Vflip", "Rot180", "Rotate", "Translate", "Scale", "Shear", "Affine"), always("geometric")),
    **dict.fromkeys(_CERTAIN_VALUES, _sometimes("photometric")),
    **dict.fromkeys(("RgbToBgr", "BgrToRgb"), always("order", order=(2, 1, 0))),
    **dict.fromkeys(("RgbToGrayscale", "BgrToGrayscale"), always("grayscale", channels=1)),
    "GrayscaleToRgb": always("colour", to="RGB"),
    "Rgb255ToRgb": always("rescale", factor=1 / 255, offset=0.0),
    "RgbToRgb255": lambda _: (step("rescale", factor=255.0, offset=0.0), step("clamp", low=0.0, high=255.0)),
    **dict.fromkeys((f"RgbTo{space}" for space in _COLOUR_SPACES), always("photometric")),
    **dict.fromkeys((f"{space}ToRgb" for space in _COLOUR_SPACES), always("photometric")),
    **dict.fromkeys((f"Adjust{what}" for what in (*_ADJUST, *_ADJUST_MORE)), always("photometric")),
    **dict.fromkeys((*_FILTERS, "Invert", "Sepia"), always("photometric")),
    "ImageToTensor": always("convert", layout="CHW"),
}

FAMILIES: dict[str, Reader] = {
    "IntensityAugmentationBase2D": _sometimes("photometric", draws=True),
    "IntensityAugmentationBase3D": _sometimes("photometric", draws=True),
    "GeometricAugmentationBase2D": _sometimes("geometric", draws=True),
    "GeometricAugmentationBase3D": _sometimes("geometric", draws=True),
    "MixAugmentationBaseV2": _sometimes("photometric", draws=True),
    # Transforms by elastic maps, fisheye and thin plates derive directly from this base class.
    "AugmentationBase2D": _sometimes("geometric", draws=True),
}

LIBRARY = Library("kornia", ("kornia",), READERS, FAMILIES)
