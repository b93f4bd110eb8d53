"""Torchvision's transforms (v1 and v2) and the presets of its weights, as steps."""

from __future__ import annotations

from typing import Any

from tare.pipelines.found import (
    Container,
    Found,
    Library,
    Reader,
    always,
    at_random,
    chance,
    edges_of,
    floats_of,
    is_point,
    square,
    step,
    text_of,
    with_probability,
)
from tare.pipelines.step import Step


def _resize(thing: Any) -> Found:
    size, longest = thing.size, getattr(thing, "max_size", None)
    if size is None:
        return (_resized(edges_of(longest), "contain", thing),)
    edges = edges_of(size)
    if len(edges) == 2:
        return (_resized(edges, "squash", thing),)
    found = _resized(edges, "cover", thing)
    return (found if longest is None else step("resize", **{**found.values, "max_size": int(longest)}),)


def _resized(size: tuple[int, ...] | None, fit: str, thing: Any, random: bool = False) -> Step:
    how: dict[str, Any] = {"interpolation": text_of(thing.interpolation), "antialias": getattr(thing, "antialias", None)}
    return step("resize", random=random, size=size, fit=fit, **how)


def _random_resize(thing: Any) -> Found:
    is_one = thing.max_size - thing.min_size == 1  # drawn from a range without its end
    return (_resized((thing.min_size,) if is_one else None, "cover", thing, random=not is_one),)


def _random_shortest(thing: Any) -> Found:
    is_one = len(set(thing.min_size)) == 1
    found = _resized(tuple(thing.min_size[:1]) if is_one else None, "cover", thing, random=not is_one)
    longest = {} if thing.max_size is None else {"max_size": int(thing.max_size)}
    return (step("resize", random=found.random, **{**found.values, **longest}),)


def _center_crop(thing: Any) -> Found:
    return (step("crop", size=square(thing.size), place="center", pads=True),)


def _random_crop(thing: Any) -> Found:
    pads = (step("pad", "RandomCrop", fill=thing.fill),) if thing.padding else ()
    crop = step("crop", random=True, size=square(thing.size), place="random", pads=bool(thing.pad_if_needed))
    return (*pads, crop)


def _random_resized_crop(thing: Any) -> Found:
    # With scale and ratio fixed at 1 nothing is drawn. A square image is kept whole; another image is cropped centrally.
    fixed = is_point(thing.scale, 1) and is_point(thing.ratio, 1)
    how: dict[str, Any] = {"interpolation": text_of(thing.interpolation), "antialias": getattr(thing, "antialias", None)}
    return (step("random_resized_crop", random=not fixed, size=square(thing.size), **how),)


def _rotation(thing: Any) -> Found:
    if is_point(thing.degrees, 0):
        return (step("identity"),)
    return (step("geometric", random=not is_point(thing.degrees), expands=bool(thing.expand)),)


def _affine(thing: Any) -> Found:
    ranges = [thing.degrees, thing.scale or (1, 1)]
    shears = thing.shear or (0, 0, 0, 0)
    ranges += [shears[i : i + 2] for i in range(0, len(shears), 2)]
    shifts = any(thing.translate or (0, 0))
    still = is_point(ranges[0], 0) and is_point(ranges[1], 1) and all(is_point(shear, 0) for shear in ranges[2:])
    if still and not shifts:
        return (step("identity"),)
    return (step("geometric", random=shifts or not all(is_point(each) for each in ranges)),)


def _colour_jitter(thing: Any) -> Found:
    given = [(each, 0.0 if name == "hue" else 1.0) for name, each in _jitters(thing).items() if each is not None]
    if all(is_point(each, neutral) for each, neutral in given):
        return (step("identity"),)
    # ColorJitter also draws the order of its operations, unless there is only one.
    return (step("photometric", random=len(given) > 1 or not is_point(given[0][0])),)


def _jitters(thing: Any) -> dict[str, Any]:
    return {name: getattr(thing, name) for name in ("brightness", "contrast", "saturation", "hue")}


def _blur(thing: Any) -> Found:
    return (step("photometric", random=not is_point(thing.sigma)),)


def _jpeg(thing: Any) -> Found:
    quality = thing.quality
    return (step("photometric", random=not (isinstance(quality, int) or is_point((quality[0], quality[-1])))),)


def _erase(thing: Any) -> Found:
    return with_probability(thing.p, (step("erase", random=True, value=thing.value),))


def _to_dtype(thing: Any) -> Found:
    wanted = _image_dtype(thing.dtype) if isinstance(thing.dtype, dict) else thing.dtype
    if wanted is None:
        return (step("identity"),)
    return (step("to_dtype", dtype=_dtype_name(wanted), scale=bool(getattr(thing, "scale", True))),)


def _image_dtype(by_type: dict[Any, Any]) -> Any:
    """The dtype that images get: v2.ToDtype looks up the type of the image, which may be any of three."""
    names = {getattr(key, "__name__", str(key)): value for key, value in by_type.items()}
    keys = [key for key in ("Image", "Video", "Tensor") if key in names]
    if len({names[key] for key in keys}) > 1:
        raise ValueError("images and plain tensors get different dtypes")
    if not keys and "others" not in names:
        raise ValueError("no dtype for images")
    return names[keys[0]] if keys else names["others"]


def _dtype_name(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def _normalize(thing: Any) -> Found:
    return (step("normalize", mean=floats_of(thing.mean), std=floats_of(thing.std), max_value=1.0),)


def _grayscale(thing: Any) -> Found:
    return (step("grayscale", channels=int(thing.num_output_channels)),)


def _apply(thing: Any) -> Found:
    members = tuple(thing.transforms)
    return (step("identity"),) if thing.p <= 0 else Container(members, random=thing.p < 1)


def _choice(thing: Any) -> Found:
    members = tuple(thing.transforms)
    weights = thing.p if thing.p is not None else [1.0] * len(members)
    possible = tuple(member for member, weight in zip(members, weights, strict=True) if weight > 0)
    return Container(possible, random=len(possible) > 1)


def _random_order(thing: Any) -> Found:
    members = tuple(thing.transforms)
    return Container(members, random=len(members) > 1)


def _compose(thing: Any) -> Found:
    return Container(tuple(thing.transforms))


_TENSOR = (step("convert", "pil_to_tensor", layout="CHW"), step("to_dtype", "convert_image_dtype", dtype="float32", scale=True))


def _preset(thing: Any) -> tuple[Step, ...]:
    steps = []
    if getattr(thing, "resize_size", None) is not None:
        size = edges_of(thing.resize_size)
        # The video preset states no antialias and always passes False.
        how: dict[str, Any] = {"interpolation": text_of(thing.interpolation), "antialias": getattr(thing, "antialias", False)}
        steps.append(step("resize", "resize", size=size, fit="squash" if len(size) == 2 else "cover", **how))
    if hasattr(thing, "crop_size"):
        steps.append(step("crop", "center_crop", size=square(thing.crop_size), place="center", pads=True))
    steps += _TENSOR
    return (*steps, step("normalize", "normalize", mean=floats_of(thing.mean), std=floats_of(thing.std), max_value=1.0))


def _video_preset(thing: Any) -> Found:
    return (*_preset(thing), step("permute", "permute", layout="CTHW"))


def _flow_preset(_: Any) -> Found:
    half = (0.5, 0.5, 0.5)
    return (*_TENSOR, step("normalize", "normalize", mean=half, std=half, max_value=1.0))


_SOMETIMES_PHOTOMETRIC = ("RandomAdjustSharpness", "RandomAutocontrast", "RandomEqualize", "RandomInvert", "RandomPosterize")
_AUTOMATIC = ("AugMix", "AutoAugment", "RandAugment", "TrivialAugmentWide")
_BOXES = ("ClampBoundingBoxes", "ClampKeyPoints", "ConvertBoundingBoxFormat", "SanitizeBoundingBoxes", "SanitizeKeyPoints")


def _crops(thing: Any) -> Found:
    return (step("crop", size=square(thing.size), place="other", pads=False),)


def _elastic(thing: Any) -> Found:
    return (step("geometric", random=any(thing.alpha)),)


def _noise(thing: Any) -> Found:
    return (step("photometric", random=bool(thing.sigma)),)


READERS: dict[str, Reader] = {
    "Compose": _compose,
    "RandomApply": _apply,
    "RandomChoice": _choice,
    "RandomOrder": _random_order,
    "Resize": _resize,
    "RandomResize": _random_resize,
    "RandomShortestSize": _random_shortest,
    "ScaleJitter": lambda thing: (_resized(None, "contain", thing, random=True),),
    "CenterCrop": _center_crop,
    "RandomCrop": _random_crop,
    "RandomIoUCrop": at_random("crop", size=None, place="random", pads=False),
    "FiveCrop": _crops,
    "TenCrop": _crops,
    "RandomResizedCrop": _random_resized_crop,
    "Pad": lambda thing: (step("pad", fill=thing.fill),),
    "RandomZoomOut": lambda thing: with_probability(thing.p, (step("pad", random=True, fill=thing.fill),)),
    "RandomHorizontalFlip": chance("geometric"),
    "RandomVerticalFlip": chance("geometric"),
    "RandomPerspective": chance("geometric", draws=True),
    "RandomRotation": _rotation,
    "RandomAffine": _affine,
    "ElasticTransform": _elastic,
    "UniformTemporalSubsample": always("geometric"),
    **dict.fromkeys(_SOMETIMES_PHOTOMETRIC, chance("photometric")),
    **dict.fromkeys(_AUTOMATIC, at_random("photometric")),
    "RandomSolarize": chance("photometric"),
    "RandomPhotometricDistort": chance("photometric", draws=True),
    "RandomChannelPermutation": at_random("photometric"),
    "ColorJitter": _colour_jitter,
    "GaussianBlur": _blur,
    "GaussianNoise": _noise,
    "JPEG": _jpeg,
    "MixUp": at_random("photometric"),
    "CutMix": at_random("photometric"),
    "RandomErasing": _erase,
    "RandomGrayscale": chance("grayscale", channels=None),
    "Grayscale": _grayscale,
    "RGB": always("colour", to="RGB"),
    "ToTensor": always("to_tensor", layout="CHW"),
    "PILToTensor": always("convert", layout="CHW"),
    "ToImage": always("convert", layout="CHW"),
    "ToPureTensor": always("identity"),
    "ToPILImage": always("to_dtype", dtype="uint8", scale=True, layout="HWC"),
    "ToDtype": _to_dtype,
    "ConvertImageDtype": _to_dtype,
    "Normalize": _normalize,
    "Identity": always("identity"),
    **dict.fromkeys((*_BOXES, "SetClampingMode"), always("identity")),
    "ImageClassification": _preset,
    "SemanticSegmentation": _preset,
    "VideoClassification": _video_preset,
    "ObjectDetection": lambda _: _TENSOR,
    "OpticalFlow": _flow_preset,
}

LIBRARY = Library("torchvision", ("torchvision.transforms",), READERS)
