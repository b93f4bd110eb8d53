"""Resize and crop as torchvision v2 steps: how an image becomes the network's input size, on raw pixels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import SpecError
from tare.input_spec.fields import Crop

if TYPE_CHECKING:
    import torch
    from PIL import Image


def evaluation_steps(
    size: tuple[int, int], crop: Crop, interpolation: str, antialias: bool = True, fill: float | Sequence[float] = 0
) -> list[Any]:
    """Resize and crop to ``size`` (height, width) without chance, for a PIL image or a tensor ``(..., C, H, W)``.

    Modes are timm's (``timm.data.transforms_factory.transforms_imagenet_eval``); its own classes do what torchvision lacks.
    ``fill`` is the raw value in the border of the mode ``border``, one for all channels or a list; timm takes the mean.
    """
    from torchvision.transforms import v2

    if crop.mode == "none":
        return []
    mode = interpolation_mode(interpolation)
    resized = crop.resized(size)
    if crop.mode == "border":
        from timm.data.transforms import CenterCropOrPad, ResizeKeepRatio

        return [ResizeKeepRatio(resized, interpolation=interpolation, longest=1.0), CenterCropOrPad(size, fill=fill)]
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


#: Pillow's modes of 8-bit grey and colours, which become red, green and blue without a loss.
_BYTES = frozenset(("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV"))


class EightBits:
    """A step that hands an 8-bit image on as it is: one of more bits would be cut to 0..255 without a word.

    A tensor of floats is one of unit values, as it is to torchvision.
    """

    def __call__(self, image: Any) -> Any:
        """The image. Raises :class:`SpecError` for one that is not of bytes or unit values."""
        if (found := _no_bytes(image)) is None:
            return image
        remedy = "convert it as the training images were, or use InputSpec.apply"
        raise SpecError("an 8-bit image, grey or in colours", found, remedy)


def _no_bytes(image: Any) -> str | None:
    """What an image is that is not one of bytes, or a tensor of unit values; None for these."""
    if not hasattr(image, "dtype"):
        return None if image.mode in _BYTES else f"one of Pillow's mode {image.mode!r}"
    kind = str(image.dtype).removeprefix("torch.")
    if "float" not in kind:
        return None if kind == "uint8" else f"a tensor of {kind}"
    low, high = (float(end) for end in (image.min(), image.max()))
    return None if low >= 0 and high <= 1 else f"a tensor of {kind} from {low:g} to {high:g}"


def training_steps(size: tuple[int, int], interpolation: str, least_area: float = 0.35) -> list[Any]:
    """Random resized crop and horizontal flip, the usual augmentation of raw pixels."""
    from torchvision.transforms import v2

    return [
        v2.RandomResizedCrop(size, scale=(least_area, 1.0), interpolation=interpolation_mode(interpolation), antialias=True),
        v2.RandomHorizontalFlip(),
    ]


def bands_of(image: torch.Tensor) -> list[Image.Image]:
    """Each channel of an image ``(C, H, W)`` as a Pillow image of its own, of bytes or of floats.

    Pillow takes two or four channels for colours with transparency: it resizes them multiplied by the last one. Torch, which
    resizes any number, has other filters, and another nearest pixel.
    """
    from PIL import Image

    return [Image.fromarray(band) for band in np.ascontiguousarray(image.numpy())]


def joined(bands: Sequence[Image.Image]) -> torch.Tensor:
    """The image ``(C, H, W)`` whose channels are ``bands``."""
    import torch

    return torch.from_numpy(np.stack([np.asarray(band) for band in bands]))


def nearest(values: NDArray[Any], size: Sequence[int]) -> NDArray[Any]:
    """Resize ``(H, W)`` to ``size`` by the pixel under each new pixel's centre, in whole numbers.

    Pillow and the filters of images go by the centres as well. The mode ``nearest`` of torch takes the first pixel of each cell,
    which moves a mask against its image.
    """
    rows, columns = ((2 * np.arange(new) + 1) * had // (2 * new) for had, new in zip(values.shape, size, strict=True))
    taken: NDArray[Any] = values[rows[:, None], columns]
    return taken


def interpolation_mode(name: str) -> Any:
    """Torchvision's name for an interpolation. Raises :class:`SpecError` if it has none."""
    from torchvision.transforms import InterpolationMode

    try:
        return InterpolationMode(name)
    except ValueError:
        known = ", ".join(mode.value for mode in InterpolationMode)
        raise SpecError(f"an interpolation: {known}", f"{name!r}", "correct it") from None
