"""timm's own transforms as steps. timm's factory composes them with torchvision's."""

from __future__ import annotations

from typing import Any

from tare.pipelines.found import Found, Library, Reader, always, at_random, square, step, text_of, with_probability


def _interpolation(thing: Any) -> str | None:
    """The name of the interpolation; None if it is drawn from several."""
    stated = thing.interpolation
    return None if isinstance(stated, list | tuple) else text_of(stated)


def _random_resized_crop(thing: Any) -> Found:
    return (
        step("random_resized_crop", random=True, size=square(thing.size), interpolation=_interpolation(thing), antialias=True),
    )


def _resize_keep_ratio(thing: Any) -> Found:
    # ``longest`` interpolates between the scale that covers the size (0) and the scale that fits into it (1).
    fit = {0.0: "cover", 1.0: "contain"}.get(thing.longest)
    draws = thing.random_scale_prob > 0 or thing.random_aspect_prob > 0 or isinstance(thing.interpolation, list | tuple)
    height, width = square(thing.size)
    size = (height,) if height == width else (height, width)
    how: dict[str, Any] = {"interpolation": _interpolation(thing), "antialias": True}
    return (step("resize", random=draws, size=size if fit and not draws else None, fit=fit or "cover", **how),)


def _center_crop(thing: Any) -> Found:
    return (step("crop", size=square(thing.size), place="center", pads=True),)


def _random_crop(thing: Any) -> Found:
    return (step("crop", random=True, size=square(thing.size), place="random", pads=True),)


def _to_tensor(thing: Any) -> Found:
    """Timm's ToTensor changes the type but, unlike torchvision's, does not scale values."""
    dtype = str(thing.dtype).removeprefix("torch.")
    return (step("convert", layout="CHW"), step("to_dtype", dtype=dtype, scale=False))


def _erase(thing: Any) -> Found:
    return with_probability(thing.probability, (step("erase", random=True, value=thing.mode),))


def _to_sequence(thing: Any) -> Found:
    return (step("resize", size=None, fit="contain", interpolation=_interpolation(thing), antialias=True),)


READERS: dict[str, Reader] = {
    "ToNumpy": always("convert", layout="CHW"),
    "ToTensor": _to_tensor,
    "MaybeToTensor": always("to_tensor", layout="CHW", keeps_tensors=True),
    "MaybePILToTensor": always("convert", layout="CHW"),
    "RandomResizedCropAndInterpolation": _random_resized_crop,
    "ResizeKeepRatio": _resize_keep_ratio,
    "CenterCropOrPad": _center_crop,
    "RandomCropOrPad": _random_crop,
    "RandomPad": lambda thing: (step("pad", random=True, fill=thing.fill),),
    "TrimBorder": always("crop", size=None, place="other", pads=False),
    "RandomErasing": _erase,
    "AugmentOp": at_random("photometric"),
    "AutoAugment": at_random("photometric"),
    "RandAugment": at_random("photometric"),
    "AugMixAugment": at_random("photometric"),
    "ResizeToSequence": _to_sequence,
    "ResizeKeepRatioToSequence": at_random("resize", size=None, fit="contain", interpolation=None, antialias=True),
    "CenterCropToSequence": always("crop", size=None, place="center", pads=False),
    "RandomCropToSequence": at_random("crop", size=None, place="random", pads=False),
    "RandomResizedCropToSequence": at_random("random_resized_crop", size=None, interpolation=None, antialias=True),
    "Patchify": always("permute", layout="patches"),
}

LIBRARY = Library("timm", ("timm.data",), READERS)
