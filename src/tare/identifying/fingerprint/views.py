"""The augmentations that a network may have been trained with, drawn with a seed.

The border that a crop adds and the boxes that erasing fills are part of the moments in batch norm. A border may be black (raw 0)
or zero after normalisation (the raw value u0); both occur, and they differ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from tare.datasets.image_batches import as_taken, evaluation_transform
from tare.identifying.fingerprint.moments import Views
from tare.input_spec.geometry import Geometry
from tare.samples.layout import unit_scale
from tare.system.seeds import derived

Border = Literal["none", "black", "zero", "reflect"]
Erased = Literal["none", "zero", "noise"]
Colours = Literal["none", "jittered", "distorted"]

#: A padded crop adds this share of the edge on each side: 4 of 32 pixels.
_PADDED = 1 / 8
_ERASED_OFTEN, _ERASED_AREA, _ERASED_RATIO = 0.5, (0.02, 1 / 3), (0.3, 3.3)
_RATIO = (3 / 4, 4 / 3)
_JITTER = 0.4
# Standard deviation of the shift of every colour, in unit values.
_CAST = 0.08


@dataclass(frozen=True, slots=True)
class TrainingAugmentation:
    """One augmentation of training images; every second view is also flipped.

    ``border``: a random crop from the image padded by an eighth of its edge. ``area``: a random resized crop of at least this
    share of the image (0: no such crop), with ``antialias`` or, as in TensorFlow, without. ``erased``: boxes in half of the
    images. ``colours``: ``jittered`` varies brightness, contrast and saturation by 40%; ``distorted`` is TensorFlow's Inception
    preprocessing, hue included. ``casts``: the std of a shift of every colour by itself.
    ``mixed``: mixup with this alpha, where no border is zero after normalisation.
    """

    name: str
    border: Border = "none"
    area: float = 0.0
    erased: Erased = "none"
    colours: Colours = "none"
    casts: float = 0.0
    antialias: bool = True
    mixed: float = 0.0


AUGMENTATIONS = (
    TrainingAugmentation("none, or flips"),
    TrainingAugmentation("padded crop, black", "black"),
    TrainingAugmentation("padded crop, zeros after normalisation", "zero"),
    TrainingAugmentation("padded crop, reflected", "reflect"),
    TrainingAugmentation("resized crop of at least 35%", area=0.35),
    TrainingAugmentation("resized crop of at least 8%", area=0.08),
    TrainingAugmentation("padded crop, black, and erasing", "black", erased="zero"),
    TrainingAugmentation("padded crop, zeros, and erasing", "zero", erased="zero"),
    TrainingAugmentation("resized crop of at least 35% and erasing", area=0.35, erased="zero"),
    TrainingAugmentation("resized crop of at least 8% and erasing", area=0.08, erased="zero"),
    TrainingAugmentation("resized crop of at least 8% and noise in boxes", area=0.08, erased="noise"),
    TrainingAugmentation("resized crop of at least 35% and colours", area=0.35, colours="jittered"),
    TrainingAugmentation("resized crop of at least 8% and colours", area=0.08, colours="jittered"),
    TrainingAugmentation("Inception's crop and colours", area=0.05, colours="distorted", antialias=False),
    TrainingAugmentation("whole images, Inception's colours", area=0.9, colours="distorted", antialias=False),
    TrainingAugmentation(
        "Inception's crop and colours, each colour shifted", area=0.05, colours="distorted", casts=_CAST, antialias=False
    ),
    TrainingAugmentation(
        "whole images, Inception's colours, each colour shifted", area=0.9, colours="distorted", casts=_CAST, antialias=False
    ),
    TrainingAugmentation("mixup, alpha 0.2", mixed=0.2),
    TrainingAugmentation("mixup, alpha 1", mixed=1.0),
    TrainingAugmentation("padded crop, black, and mixup, alpha 0.2", "black", mixed=0.2),
    TrainingAugmentation("padded crop, black, and mixup, alpha 1", "black", mixed=1.0),
    TrainingAugmentation("resized crop of at least 8% and mixup, alpha 0.2", area=0.08, mixed=0.2),
    TrainingAugmentation("resized crop of at least 8% and mixup, alpha 1", area=0.08, mixed=1.0),
)


#: Values ``(C, H, W)``, the mask of the image, and the added noise, as in :class:`Views`.
MaskedView = tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]


@dataclass(frozen=True, slots=True, eq=False)
class ProbeImage:
    """One image as unit values ``(C, H, W)``: at its own size, and ``whole``, resized and cropped as for evaluation."""

    values: torch.Tensor
    whole: torch.Tensor


def prepared(images: Sequence[NDArray[Any]], geometry: Geometry) -> tuple[ProbeImage, ...]:
    """Resize and crop images ``(H, W, C)`` once; an image of the network's size is left as it is."""
    see = evaluation_transform(geometry)
    tensors = [as_tensor(image) for image in images]
    return tuple(
        ProbeImage(values, _whole(image, values, geometry.size, see)) for image, values in zip(images, tensors, strict=True)
    )


@dataclass(frozen=True, slots=True, eq=False)
class AugmentedImages:
    """Images and their views; the random draws of an image depend only on the seed and on its number.

    Crops are kept, since augmentations with the same crop share them.
    """

    images: tuple[ProbeImage, ...]
    seed: int
    _crops: dict[tuple[int, int, float, bool], torch.Tensor] = field(default_factory=dict)

    def views(self, augmentation: TrainingAugmentation, start: int, stop: int, each: int) -> Views:
        """``each`` views of images ``start`` to ``stop - 1``, at the size of the network's input."""
        drawn = [self._drawn(augmentation, place, view) for place in range(start, stop) for view in range(each)]
        shape = (stop - start, each)
        values = torch.stack([one[0] for one in drawn])
        values = values.reshape(*shape, *values.shape[1:])
        mask, added = (_stacked([one[kind] for one in drawn], shape) for kind in (1, 2))
        return Views(values, mask, added)

    def _drawn(self, augmentation: TrainingAugmentation, place: int, view: int) -> MaskedView:
        """One view; under mixup (Zhang et al. 2018) its sum with that of another image, in shares from Beta(alpha, alpha)."""
        values, mask, added = self._view(augmentation, place, view)
        count = len(self.images)
        if not augmentation.mixed or count < 2:
            return values, mask, added
        rng = self._random(place, view, 5)
        share, other = float(rng.beta(augmentation.mixed, augmentation.mixed)), (place + int(rng.integers(1, count))) % count
        return share * values + (1 - share) * self._view(augmentation, other, view)[0], mask, added

    def _view(self, augmentation: TrainingAugmentation, place: int, view: int) -> MaskedView:
        values, mask, added = self.images[place].whole, None, None
        if augmentation.area:
            values = self._cropped(augmentation, place, view)
        if augmentation.colours != "none":
            change = _jittered if augmentation.colours == "jittered" else _distorted
            values = change(values, self._random(place, view, 1))
        if augmentation.casts:
            sign = 1 - 2 * (place % 2)  # neighbours get opposite shifts, which cancel in the mean
            values = _cast(values, sign * augmentation.casts, self._random(place - (place % 2), view, 4))
        if augmentation.border != "none":
            values, mask = _padded_crop(values, augmentation.border, self._random(place, view, 2))
        if augmentation.erased != "none":
            values, mask, added = _erased(values, mask, augmentation.erased, self._random(place, view, 3))
        if (place + view) % 2 == 0:
            return values, mask, added
        return values.flip(-1), None if mask is None else mask.flip(-1), None if added is None else added.flip(-1)

    def _cropped(self, how: TrainingAugmentation, place: int, view: int) -> torch.Tensor:
        key = (place, view, how.area, how.antialias)
        if key not in self._crops:
            image = self.images[place]
            height, width = image.whole.shape[1:]
            rng = self._random(place, view, 0)
            self._crops[key] = _resized_crop(image.values, (height, width), how.area, rng, antialias=how.antialias)
        return self._crops[key]

    def _random(self, place: int, view: int, part: int) -> np.random.Generator:
        return np.random.default_rng(derived(self.seed, place, view, part))


def _stacked(parts: Sequence[torch.Tensor | None], shape: tuple[int, int]) -> torch.Tensor | None:
    given = [part for part in parts if part is not None]
    stacked = torch.stack(given) if given else None
    return None if stacked is None else stacked.reshape(*shape, *stacked.shape[1:])


def as_tensor(image: NDArray[Any]) -> torch.Tensor:
    """An image ``(H, W, C)`` as unit values ``(C, H, W)`` float32."""
    unit = np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32) * np.float32(unit_scale(image.dtype))
    return torch.from_numpy(unit)


def _whole(image: NDArray[Any], values: torch.Tensor, size: tuple[int, int], see: Any) -> torch.Tensor:
    """The image resized and cropped as for evaluation; unchanged if it has the size already."""
    if image.shape[:2] == size:
        return values
    return as_tensor(see(as_taken(image)).permute(1, 2, 0).numpy())


def _resized_crop(
    values: torch.Tensor, size: tuple[int, int], least: float, rng: np.random.Generator, *, antialias: bool
) -> torch.Tensor:
    """A box of random area and ratio, as torchvision draws it (Szegedy et al. 2015), resized."""
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
    return functional.interpolate(box, size, mode="bilinear", antialias=antialias, align_corners=False)[0]


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


def _jittered(values: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Brightness, contrast and saturation: the image mixed with black, with its mean grey, and with its grey image."""
    brightness, contrast, saturation = rng.uniform(1 - _JITTER, 1 + _JITTER, 3)
    values = (values * float(brightness)).clamp(0, 1)
    weights = torch.tensor([0.299, 0.587, 0.114]) if len(values) == 3 else torch.ones(len(values)) / len(values)
    grey = (values * weights[:, None, None]).sum(0, keepdim=True)
    values = (grey.mean() + float(contrast) * (values - grey.mean())).clamp(0, 1)
    grey = (values * weights[:, None, None]).sum(0, keepdim=True)
    return (grey + float(saturation) * (values - grey)).clamp(0, 1)


def _distorted(values: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Brightness, saturation, hue and contrast in one of the four orders of TensorFlow's Inception preprocessing.

    Brightness changes by up to 32/255, saturation and contrast by factors from 0.5 to 1.5, hue by up to a fifth of the circle.
    Saturation is that of HSV; contrast is around the mean of each colour.
    """
    amounts = {
        "brightness": rng.uniform(-32 / 255, 32 / 255),
        "saturation": rng.uniform(0.5, 1.5),
        "hue": rng.uniform(-0.2, 0.2),
        "contrast": rng.uniform(0.5, 1.5),
    }
    for name in _ORDERS[rng.integers(len(_ORDERS))]:
        amount = float(amounts[name])
        if name == "brightness":
            values = values + amount
        elif name == "contrast":
            means = values.mean(dim=(1, 2), keepdim=True)
            values = (values - means) * amount + means
        elif len(values) == 3:
            values = _saturated(values, amount) if name == "saturation" else _turned(values, amount)
    return values.clamp(0, 1)


_ORDERS = (
    ("brightness", "saturation", "hue", "contrast"),
    ("saturation", "brightness", "contrast", "hue"),
    ("contrast", "hue", "brightness", "saturation"),
    ("hue", "saturation", "contrast", "brightness"),
)


def _saturated(values: torch.Tensor, amount: float) -> torch.Tensor:
    """HSV's saturation times ``amount``, at most 1: each colour's distance from the largest colour is scaled."""
    largest = values.amax(0, keepdim=True)
    most = largest / (largest - values.amin(0, keepdim=True)).clamp_min(1e-6)
    return largest - (largest - values) * most.clamp(max=amount)


def _turned(values: torch.Tensor, amount: float) -> torch.Tensor:
    """HSV's hue turned by ``amount`` of the circle."""
    from torchvision.transforms.v2.functional import adjust_hue

    return torch.as_tensor(adjust_hue(values.clamp(0, 1), amount))


def _cast(values: torch.Tensor, spread: float, rng: np.random.Generator) -> torch.Tensor:
    """Every colour shifted by its own normal amount of std ``|spread|``; a negative ``spread`` reverses the shifts."""
    shifts = (spread * rng.standard_normal((len(values), 1, 1))).astype(np.float32)
    return (values + torch.from_numpy(shifts)).clamp(0, 1)
