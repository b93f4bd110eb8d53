"""One step of a preprocessing pipeline, described in the same terms for every library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

StepKind = Literal[
    "identity",  # nothing happens to the image: p=0, NoOp, a step for boxes only
    "resize",  # size: tuple of 1 or 2, or None; fit: "cover", "contain" or "squash"; interpolation; antialias (None: not stated)
    "crop",  # size (height, width) or None; place: "center", "random" or "other"; pads (a small image); offset as in Crop
    "random_resized_crop",  # size (height, width), interpolation, antialias
    "pad",  # fill
    "geometric",  # flips, rotations, affine and elastic maps: pixels move, values stay; expands: the image may grow
    "photometric",  # brightness, contrast, colour jitter, blur, noise, autoaugment and the like: values change
    "erase",  # random erasing, cutout: value
    "convert",  # to an array or image tensor, values as they are; layout: "CHW" or "HWC"
    "to_tensor",  # to a float tensor; 8-bit values become [0, 1]; layout; keeps_tensors: tensors stay unchanged
    "to_dtype",  # dtype ("float32"), scale (whether values are scaled to the dtype's range)
    "rescale",  # factor, offset (numbers): y = factor * v + offset, in floats; integers_only: floats stay as they are
    "normalize",  # mean, std (tuples), max_value: y = (v / max_value - mean) / std
    "normalize_by_image",  # how: "min_max", "mean_std" or "max", from each image's own values; per_channel
    "clamp",  # low, high
    "grayscale",  # channels: 1, 3, or None for as many as before
    "colour",  # to: "RGB", "BGR", "L" (from an image that states its colour space)
    "order",  # order: a permutation of channels
    "permute",  # axes change; layout: what results, such as "CHW", "HWC", "CTHW"
    "opaque",  # anything else: its effect can only be seen by running it; why
]


@dataclass(frozen=True, slots=True)
class Step:
    """A step: its ``kind``, the ``name`` that its library gives it, its place and its parameters (``values``).

    The place ``where`` begins with the pipeline: ``torchvision Compose, step 3``. The first step inside the third is ``step
    3.1``. ``random`` says whether two runs on one image may differ.
    """

    kind: StepKind
    name: str
    where: str
    values: Mapping[str, Any] = field(default_factory=dict)
    random: bool = False

    @property
    def origin(self) -> str:
        """``torchvision Compose, step 4 Normalize``."""
        return f"{self.where} {self.name}"
