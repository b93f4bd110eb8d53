"""Every image processor class of transformers that is made without a download, in both backends.

Where size and crop are fixed, random images go through the processor and through our transform. Where they depend on the
image, images of one colour do: whatever is resized, cut or padded, a colour's inputs must come out, each in its own channel.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.conformance.results import TOLERANCE, Result, distance, noise, tensor
from benchmarks.hf_processors import processor_classes
from tare.input_spec.spec import InputSpec, Known, Unknown

#: No value of them is what a class pads with.
COLOURS = ((10, 130, 250), (200, 33, 91))

#: Arguments of the constructor or the call without which a class does not run, or asks another program.
MADE_WITH: dict[str, dict[str, Any]] = {
    **{stem: {"do_grayscale": False} for stem in ("EfficientLoFTR", "LightGlue", "SuperGlue", "SuperPoint")},
    **{stem: {"apply_ocr": False} for stem in ("LayoutLMv2", "LayoutLMv3")},
    "TimmWrapper": {
        "pretrained_cfg": {
            "input_size": (3, 160, 160),
            "mean": (0.1, 0.2, 0.3),
            "std": (0.4, 0.5, 0.6),
            "crop_pct": 0.9,
            "interpolation": "bilinear",
        }
    },
}
#: Constants that no two channels share, so that an exchange of two channels shows.
CONSTANTS = {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6]}
WITHOUT_CONSTANTS = ("TimmWrapper",)
PAIRS = ("EfficientLoFTR", "LightGlue", "SuperGlue")
VIDEOS = ("Tvp", "VideoMAE", "Vivit")
#: Classes that resize scaled floats instead of bytes: neither rounded nor clipped, so that only the values can be equal.
IN_FLOATS = ("DepthPro", "DINOv3ViT", "PPDocLayoutV4")
BFLOAT16 = ("Llama4",)


def results() -> list[Result]:
    """Compare every class."""
    warnings.filterwarnings("ignore")
    return [result_of(member) for member in processor_classes()]


def result_of(member: type[Any]) -> Result:
    """One class of one backend, with its own constants and with three different means and stds."""
    stem = member.__name__.removesuffix("Pil").removesuffix("ImageProcessor")
    own = MADE_WITH.get(stem, {})
    found = compared(member, stem, own)
    if stem in WITHOUT_CONSTANTS or found.how == "excluded":
        return found
    other = compared(member, stem, {**own, **CONSTANTS})
    return replace(found, distance=max(found.distance, other.distance))


def compared(member: type[Any], stem: str, arguments: dict[str, Any]) -> Result:
    """One class made with ``arguments``."""
    name = member.__name__
    processor = member(**arguments)
    spec = InputSpec.from_hf(json.loads(json.dumps(processor.to_dict(), default=_plain)), name)
    for field in (spec.channels, spec.mean):
        if isinstance(field, Unknown):
            return Result("transformers", name, "excluded", reason=field.reason)
    note = f"made with {', '.join(MADE_WITH[stem])}" if stem in MADE_WITH else ""
    fixed = isinstance(spec.size, Known) and isinstance(spec.crop, Known)
    if fixed and stem not in IN_FLOATS:
        image = _given(processor, noise(301, 418))
        return Result("transformers", name, "whole", distance(spec.transform()(image), _first(run(processor, stem, image))), note)
    if fixed:
        values = noise(*spec.require("size"))
        made = _first(run(processor, stem, _given(processor, values)))
        reason = "the class resizes scaled floats, which are not rounded to bytes: compared on an image of its size"
        return Result("transformers", name, "values", distance(spec.apply(tensor(values)), made), reason)
    reason = spec.size.reason if isinstance(spec.size, Unknown) else ""
    return Result("transformers", name, "values", max(of_colour(processor, stem, spec, c) for c in COLOURS), reason)


def of_colour(processor: Any, stem: str, spec: InputSpec, colour: tuple[int, int, int]) -> float:
    """Distance of the nearest outputs to what the colour must become, channel by channel; infinite if none is in order."""
    values = np.empty((420, 560, 3), np.uint8)
    values[:] = colour
    made = run(processor, stem, _given(processor, values)).double()
    wanted = spec.affine().apply(np.array(colour, np.float64)[None])[0]
    return min((_apart(planes, wanted, stem) for planes in by_channel(made)), default=float("inf"))


def by_channel(made: torch.Tensor) -> Iterator[torch.Tensor]:
    """Every way to see the output as three channels: an axis of three, or the last axis cut in three."""
    for axis in range(made.ndim):
        if made.shape[axis] == 3:
            yield made.movedim(axis, 0).reshape(3, -1)
    if made.shape[-1] % 3 == 0:
        yield made.reshape(*made.shape[:-1], 3, -1).movedim(-2, 0).reshape(3, -1)
        yield made.reshape(*made.shape[:-1], -1, 3).movedim(-1, 0).reshape(3, -1)


def _apart(planes: torch.Tensor, wanted: Any, stem: str) -> float:
    """At least a thirtieth of a channel must be its colour, and no more of it another channel's."""
    slack = 2.0**-7 if stem in BFLOAT16 else 10 * TOLERANCE
    worst = 0.0
    for channel, value in enumerate(wanted):
        unit = max(1.0, abs(value))
        gaps = (planes[channel] - value).abs() / unit
        near = gaps <= slack
        others = [(planes[channel] - other).abs() <= slack * unit for index, other in enumerate(wanted) if index != channel]
        if near.double().mean() < 1 / 30 or any(other.sum() > near.sum() for other in others):
            return float("inf")
        worst = max(worst, float(gaps[near].max()))
    # bfloat16 has 8 bits: equal there means equal to those
    return 0.0 if stem in BFLOAT16 else worst


def run(processor: Any, stem: str, image: Any) -> torch.Tensor:
    """What the processor makes of one image, as one tensor."""
    options: dict[str, Any] = {}
    if stem == "VitPose":
        height, width = (image.height, image.width) if isinstance(image, Image.Image) else image.shape[-2:]
        options["boxes"] = [[[0, 0, width, height]]]
    given = [image, image] if stem in PAIRS else [image] if stem in VIDEOS else image
    made = processor(given, return_tensors="pt", **options)
    if isinstance(made, torch.Tensor):
        return made
    keys = ("pixel_values", "pixel_values_videos", "pixel_values_images", "image_pixel_values", "flattened_patches", "images")
    made = next(made[key] for key in keys if key in made)
    while isinstance(made, list | tuple):
        made = made[0]
    return torch.as_tensor(made)


def _first(made: torch.Tensor) -> torch.Tensor:
    """The first image of a batch, frame or pair."""
    while made.ndim > 3:
        made = made[0]
    return made


def _given(processor: Any, values: Any) -> Any:
    """The image as the backend resizes it: bytes as a tensor for torchvision, a Pillow image for Pillow."""
    return tensor(values) if getattr(processor, "backend", "pil") == "torchvision" else Image.fromarray(values)


def _plain(value: Any) -> Any:
    return dict(value) if hasattr(value, "keys") else list(value) if isinstance(value, tuple) else str(value)
