"""Resize and crop as torchvision v2 steps: how an image becomes the network's input size, on raw pixels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from tare.errors import SpecError
from tare.input_spec.fields import Crop


def evaluation_steps(
    size: tuple[int, int], crop: Crop, interpolation: str, antialias: bool = True, fill: Sequence[int] = (0,)
) -> list[Any]:
    """Resize and crop to ``size`` (height, width) without chance, for a PIL image or a tensor ``(..., C, H, W)``.

    Modes are timm's (``timm.data.transforms_factory.transforms_imagenet_eval``); its own classes do what torchvision lacks.
    ``fill`` is the raw value of each channel in the border of the mode ``border``; timm takes the mean.
    """
    from torchvision.transforms import v2

    if crop.mode == "none":
        return []
    mode = interpolation_mode(interpolation)
    resized = crop.resized(size)
    if crop.mode == "border":
        from timm.data.transforms import CenterCropOrPad, ResizeKeepRatio

        return [ResizeKeepRatio(resized, interpolation=interpolation, longest=1.0), CenterCropOrPad(size, fill=list(fill))]
    if crop.mode == "center" and len(resized) == 2:  # a size that is not square has two edges
        from timm.data.transforms import ResizeKeepRatio

        return [ResizeKeepRatio(resized, interpolation=interpolation), centre(size, crop.offset)]
    if crop.mode not in ("center", "squash"):
        raise SpecError("a crop mode: center, squash, border or none", f"{crop.mode!r}", "correct the spec")
    resize = v2.Resize(list(resized), interpolation=mode, antialias=antialias)
    return [resize] if resized == size else [resize, centre(size, crop.offset)]


def centre(size: tuple[int, int], offset: str) -> Any:
    """The step that keeps the middle ``size`` of an image, and pads a smaller one with zeros first."""
    from torchvision.transforms import v2

    if offset == "even":
        return v2.CenterCrop(list(size))
    return v2.Lambda(partial(_crop_down, size))


def _crop_down(size: tuple[int, int], image: Any) -> Any:
    """Crop at ``floor((edge - size) / 2)``; torchvision rounds half to even, which is another pixel every other time."""
    from torchvision.transforms.v2 import functional

    height, width = functional.get_size(image)
    rows, columns = max(size[0] - height, 0), max(size[1] - width, 0)
    if rows or columns:
        image = functional.pad(image, [columns // 2, rows // 2, (columns + 1) // 2, (rows + 1) // 2])
        height, width = functional.get_size(image)
    return functional.crop(image, (height - size[0]) // 2, (width - size[1]) // 2, *size)


def training_steps(size: tuple[int, int], interpolation: str, least_area: float = 0.35) -> list[Any]:
    """Random resized crop and horizontal flip, the usual augmentation of raw pixels."""
    from torchvision.transforms import v2

    return [
        v2.RandomResizedCrop(size, scale=(least_area, 1.0), interpolation=interpolation_mode(interpolation), antialias=True),
        v2.RandomHorizontalFlip(),
    ]


def interpolation_mode(name: str) -> Any:
    """Torchvision's name for an interpolation. Raises :class:`SpecError` if it has none."""
    from torchvision.transforms import InterpolationMode

    try:
        return InterpolationMode(name)
    except ValueError:
        known = ", ".join(mode.value for mode in InterpolationMode)
        raise SpecError(f"an interpolation: {known}", f"{name!r}", "correct it") from None
