"""Every torchvision weights enum member with a transform: Pillow images and float tensors, videos as float tensors.

Given a tensor of bytes a preset resizes with torchvision's first functions, which round in another way than the second that
our transform and transformers use; such inputs are not compared (by a level for bilinear, by more for bicubic).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from benchmarks.conformance.results import Result, distance, noise, picture, tensor
from tare.input_spec.spec import InputSpec
from tare.readers.torchvision import read_weights


def results() -> list[Result]:
    """Compare each member's preset with the spec that is read from it."""
    return [result_of(member) for member in members()]


def members() -> Iterator[Any]:
    """Every member of every weights enum of torchvision."""
    from torchvision.models import get_model_weights, list_models

    for name in list_models():
        yield from get_model_weights(name)


def result_of(member: Any) -> Result:
    """One member; a preset whose output size depends on the image is compared on an image that it does not resize."""
    preset, spec = member.transforms(), read_weights(member)
    kind, name = type(preset).__name__, str(member)
    if kind == "ImageClassification":
        image, values = picture(301, 418), tensor(noise(430, 287, 1)) / 255
        apart = max(distance(spec.transform()(thing), preset(thing)) for thing in (image, values))
        return Result("torchvision", name, "whole", apart)
    if kind == "VideoClassification":
        frames = torch.stack([tensor(noise(150, 211, seed)) for seed in range(3)]) / 255
        return Result("torchvision", name, "whole", distance(spec.transform()(frames).transpose(0, 1), preset(frames)))
    return _by_value(kind, name, preset, spec)


def _by_value(kind: str, name: str, preset: Any, spec: InputSpec) -> Result:
    edge = preset.resize_size[0] if kind == "SemanticSegmentation" else 96
    values = tensor(noise(edge, edge + 37))
    made = preset(values, values)[0] if kind == "OpticalFlow" else preset(values)
    reasons = {
        "SemanticSegmentation": "the size depends on the image: compared on one whose shorter edge is right",
        "ObjectDetection": "no geometry; the model normalises inside",
        "OpticalFlow": "no geometry: the size is the image's own",
    }
    return Result("torchvision", name, "values", distance(spec.apply(values), made), reasons[kind])


def inside(name: str) -> tuple[list[float], list[float]]:
    """Mean and std that a detection model applies by itself, from the model built without memory for its weights."""
    from torchvision.models import get_model

    with torch.device("meta"):
        transform = get_model(name, weights=None, weights_backbone=None).transform
    return list(transform.image_mean), list(transform.image_std)


def detectors() -> list[str]:
    """The models whose weights carry a preset of detection."""
    from torchvision.models import get_model_weights, list_models

    return [
        name
        for name in list_models()
        if any(type(member.transforms()).__name__ == "ObjectDetection" for member in get_model_weights(name))
    ]
