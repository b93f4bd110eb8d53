"""Real images as bytes, and the ways in which pipelines bring them to size."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2

#: Folders under $TARE_DATA, and what they hold.
DATA = {
    "hymenoptera": "photographs",
    "cifar10-test": "CIFAR-10",
    "mnist-test": "MNIST, grey as three channels",
    "rsscn7-98": "satellite images",
}
_EDGE = 320


def photographs(root: Path, name: str, count: int) -> list[Image.Image]:
    """``count`` images of a folder in a seeded order, large ones shrunk to 320 px."""
    files = sorted(path for path in (root / name).rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".tif"))
    chosen = random.Random(0).sample(files, min(count, len(files)))  # noqa: S311
    images = [Image.open(path).convert("RGB") for path in chosen]
    for image in images:
        image.thumbnail((_EDGE, _EDGE))
    return images


def _bytes(image: Image.Image, size: int, interpolation: v2.InterpolationMode) -> Tensor:
    return v2.functional.pil_to_tensor(v2.functional.center_crop(v2.functional.resize(image, [size], interpolation), [size]))


def resized_bytes(images: list[Image.Image], size: int, interpolation: str = "bilinear") -> Tensor:
    """Resized as PIL images: ``(N, 3, size, size)`` uint8."""
    return torch.stack([_bytes(image, size, v2.InterpolationMode(interpolation)) for image in images])


def resized_floats(images: list[Image.Image], size: int, interpolation: str = "bilinear") -> Tensor:
    """Scaled to [0, 1] first and resized then: ``(N, 3, size, size)`` float32, no grid left; bicubic overshoots."""
    mode = v2.InterpolationMode(interpolation)
    steps = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Resize(size, mode), v2.CenterCrop(size)])
    return torch.stack([steps(image) for image in images])


#: Ways from images to unit values ``(N, 3, size, size)``; all of them are right.
WAYS: dict[str, Callable[[list[Image.Image], int], Tensor]] = {
    "8-bit resize": lambda images, size: resized_bytes(images, size) / 255,
    "8-bit bicubic resize": lambda images, size: resized_bytes(images, size, "bicubic") / 255,
    "float resize": resized_floats,
    "float bicubic resize, overshooting": lambda images, size: resized_floats(images, size, "bicubic"),
    "random crop and jitter of 8-bit images": lambda images, size: _augmented(images, size, as_floats=False),
    "random crop and jitter of floats": lambda images, size: _augmented(images, size, as_floats=True),
    "mixup": lambda images, size: _mixed(resized_bytes(images, size) / 255),
    "cutmix": lambda images, size: _cut(resized_bytes(images, size) / 255),
}
#: Ways from normalised values to what reaches the network; all of them are right.
AFTERWARDS: dict[str, Callable[[Tensor], Tensor]] = {
    "as it is": lambda values: values,
    "noise in erased boxes": lambda values: _erased(values),  # noqa: PLW0108 - defined further down
    "zeros around": lambda values: torch.nn.functional.pad(values, (8, 8, 8, 8)),
    "float16": lambda values: values.half(),
    "bfloat16": lambda values: values.bfloat16(),
    "channels_last": lambda values: values.contiguous(memory_format=torch.channels_last),
}


def _augmented(images: list[Image.Image], size: int, *, as_floats: bool) -> Tensor:
    torch.manual_seed(0)
    values = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    changes = [v2.RandomResizedCrop(size), v2.RandomHorizontalFlip(), v2.ColorJitter(0.4, 0.4, 0.4)]
    steps = v2.Compose([*values, *changes] if as_floats else [*changes, *values])
    return torch.stack([steps(image) for image in images])


def _mixed(units: Tensor, share: float = 0.37) -> Tensor:
    return share * units + (1 - share) * units.flip(0)


def _cut(units: Tensor) -> Tensor:
    mixed, half = units.clone(), units.shape[-1] // 2
    mixed[..., :half, :half] = units.flip(0)[..., :half, :half]
    return mixed


def _erased(values: Tensor) -> Tensor:
    torch.manual_seed(0)
    erasing = v2.RandomErasing(p=0.5, value="random")
    return torch.stack([erasing(image) for image in values])


def batches(values: Tensor, size: int) -> Iterator[Tensor]:
    """Batches ``(size, C, H, W)`` of values ``(N, C, H, W)``, in order."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
