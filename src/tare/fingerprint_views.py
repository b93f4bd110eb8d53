"""Images as training saw them: the augmentations that a network may have been trained with, drawn with a seed.

What a crop adds at a border, or erasing puts in a box, is part of what batch norm remembers. Black (a raw 0) and zero (of the
normalised input, which is the raw value u0) are different, and both occur.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from tare.fingerprint_moments import Views
from tare.image_batches import Geometry, evaluation_transform
from tare.layout import unit_scale
from tare.seeds import derived

Border = Literal["none", "black", "zero", "reflect"]
Erased = Literal["none", "zero", "noise"]

#: A padded crop adds this share of the edge on each side: 4 of 32 pixels.
_PADDED = 1 / 8
_ERASED_OFTEN, _ERASED_AREA, _ERASED_RATIO = 0.5, (0.02, 1 / 3), (0.3, 3.3)
_RATIO = (3 / 4, 4 / 3)
_JITTER = 0.4


@dataclass(frozen=True, slots=True)
class Augmentation:
    """One way in which training images may have been varied; every second view is flipped.

    ``border``: a crop at random from the image padded by an eighth of its edge. ``area``: a random resized crop of at least
    this share of the image, stretched to the input's size (0: none). ``erased``: boxes in half of the images. ``colours``:
    brightness, contrast and saturation varied by 40%.
    """

    name: str
    border: Border = "none"
    area: float = 0.0
    erased: Erased = "none"
    colours: bool = False


AUGMENTATIONS = (
    Augmentation("none, or flips"),
    Augmentation("padded crop, black", "black"),
    Augmentation("padded crop, zeros after normalisation", "zero"),
    Augmentation("padded crop, reflected", "reflect"),
    Augmentation("resized crop of at least 35%", area=0.35),
    Augmentation("resized crop of at least 8%", area=0.08),
    Augmentation("padded crop, black, and erasing", "black", erased="zero"),
    Augmentation("padded crop, zeros, and erasing", "zero", erased="zero"),
    Augmentation("resized crop of at least 35% and erasing", area=0.35, erased="zero"),
    Augmentation("resized crop of at least 8% and erasing", area=0.08, erased="zero"),
    Augmentation("resized crop of at least 8% and noise in boxes", area=0.08, erased="noise"),
    Augmentation("resized crop of at least 35% and colours", area=0.35, colours=True),
    Augmentation("resized crop of at least 8% and colours", area=0.08, colours=True),
)


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """One image as unit values ``(C, H, W)``: as it is, and ``whole``, as evaluation would show it to the network."""

    values: torch.Tensor
    whole: torch.Tensor


def prepared(images: Sequence[NDArray[Any]], geometry: Geometry) -> tuple[Image, ...]:
    """Images ``(H, W, C)`` resized and cropped once; one that has the network's size is left as it is."""
    see = evaluation_transform(geometry)
    tensors = [as_tensor(image) for image in images]
    return tuple(Image(values, _whole(image, values, geometry.size, see)) for image, values in zip(images, tensors, strict=True))


def views(images: Sequence[Image], augmentation: Augmentation, each: int, seed: int, start: int = 0) -> Views:
    """``each`` views of every image, at the size of the network's input.

    ``start`` is the number of the first image: what becomes of an image depends on the seed and its number only.
    """
    drawn = [
        _view(
            image, augmentation, np.random.default_rng(derived(seed, start + place, view)), flip=(start + place + view) % 2 == 1
        )
        for place, image in enumerate(images)
        for view in range(each)
    ]
    shape = (len(images), each)
    values = torch.stack([one[0] for one in drawn])
    values = values.reshape(*shape, *values.shape[1:])
    mask, added = (_stacked([one[kind] for one in drawn], shape) for kind in (1, 2))
    return Views(values, mask, added)


def _stacked(parts: Sequence[torch.Tensor | None], shape: tuple[int, int]) -> torch.Tensor | None:
    given = [part for part in parts if part is not None]
    stacked = torch.stack(given) if given else None
    return None if stacked is None else stacked.reshape(*shape, *stacked.shape[1:])


def as_tensor(image: NDArray[Any]) -> torch.Tensor:
    """An image ``(H, W, C)`` as unit values ``(C, H, W)`` float32."""
    unit = np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32) * np.float32(unit_scale(image.dtype))
    return torch.from_numpy(unit)


def _view(
    image: Image, augmentation: Augmentation, rng: np.random.Generator, *, flip: bool
) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
    values, mask, added = image.whole, None, None
    if augmentation.area:
        height, width = image.whole.shape[1:]
        values = _resized_crop(image.values, (height, width), augmentation.area, rng)
    if augmentation.colours:
        values = _coloured(values, rng)
    if augmentation.border != "none":
        values, mask = _padded_crop(values, augmentation.border, rng)
    if augmentation.erased != "none":
        values, mask, added = _erased(values, mask, augmentation.erased, rng)
    if not flip:
        return values, mask, added
    return values.flip(-1), None if mask is None else mask.flip(-1), None if added is None else added.flip(-1)


def _whole(image: NDArray[Any], values: torch.Tensor, size: tuple[int, int], see: Any) -> torch.Tensor:
    """Resized and cropped as for evaluation; an image that has the size already is left as it is."""
    from PIL import Image as Pillow

    if image.shape[:2] == size:
        return values
    if image.dtype == np.uint8:
        return as_tensor(see(Pillow.fromarray(image.squeeze())).permute(1, 2, 0).numpy())
    seen: torch.Tensor = see(values)
    return seen


def _resized_crop(values: torch.Tensor, size: tuple[int, int], least: float, rng: np.random.Generator) -> torch.Tensor:
    """A box of random area and ratio, as torchvision draws it (Szegedy et al. 2015), resized with antialiasing."""
    height, width = values.shape[1:]
    for _ in range(10):
        area = height * width * rng.uniform(least, 1.0)
        ratio = math.exp(rng.uniform(math.log(_RATIO[0]), math.log(_RATIO[1])))
        rows, columns = round(math.sqrt(area / ratio)), round(math.sqrt(area * ratio))
        if 0 < rows <= height and 0 < columns <= width:
            break
    else:
        rows = columns = min(height, width)
    top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
    box = values[None, :, top : top + rows, left : left + columns]
    return functional.interpolate(box, size, mode="bilinear", antialias=True, align_corners=False)[0]


def _padded_crop(values: torch.Tensor, border: Border, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor | None]:
    height, width = values.shape[1:]
    rows, columns = max(1, round(height * _PADDED)), max(1, round(width * _PADDED))
    top, left = rng.integers(2 * rows + 1), rng.integers(2 * columns + 1)
    mode = "reflect" if border == "reflect" else "constant"

    def cropped(part: torch.Tensor) -> torch.Tensor:
        padded = functional.pad(part[None], (columns, columns, rows, rows), mode=mode)[0]
        return padded[:, top : top + height, left : left + width]

    return cropped(values), cropped(torch.ones(1, height, width)) if border == "zero" else None


def _erased(
    values: torch.Tensor, mask: torch.Tensor | None, kind: Erased, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Boxes as torchvision and timm draw them (Zhong et al. 2020), on the normalised input."""
    height, width = values.shape[1:]
    outside = torch.ones(1, height, width)
    if rng.random() < _ERASED_OFTEN:
        for _ in range(10):
            area = height * width * rng.uniform(*_ERASED_AREA)
            ratio = math.exp(rng.uniform(math.log(_ERASED_RATIO[0]), math.log(_ERASED_RATIO[1])))
            rows, columns = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if rows < height and columns < width:
                top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
                outside[:, top : top + rows, left : left + columns] = 0
                break
    noise = None
    if kind == "noise":
        noise = torch.from_numpy(rng.standard_normal(values.shape, dtype=np.float32)) * (1 - outside)
    return values * outside, outside if mask is None else mask * outside, noise


def _coloured(values: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Brightness, contrast and saturation, each as a mixture of the image with black, its mean grey and its own grey."""
    brightness, contrast, saturation = rng.uniform(1 - _JITTER, 1 + _JITTER, 3)
    values = (values * float(brightness)).clamp(0, 1)
    weights = torch.tensor([0.299, 0.587, 0.114]) if len(values) == 3 else torch.ones(len(values)) / len(values)
    grey = (values * weights[:, None, None]).sum(0, keepdim=True)
    values = (grey.mean() + float(contrast) * (values - grey.mean())).clamp(0, 1)
    grey = (values * weights[:, None, None]).sum(0, keepdim=True)
    return (grey + float(saturation) * (values - grey)).clamp(0, 1)
