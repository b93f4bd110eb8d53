"""The networks of the measurement: architecture, the convention it is fed by, and how its images are augmented."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torchvision.transforms import v2

from tare.input_spec.spec import InputSpec
from tare.normalisation.catalog import named

ARCHITECTURES = ("plain", "residual", "separable")
#: Without batch norm: identified by the labels of the probe images.
WITHOUT = ("bare", "grouped", "layered")
_SIZE = 32


def _of(name: str, **changed: Any) -> InputSpec:
    entry = named(name)
    return InputSpec.of(entry.mean, entry.std, **{"scale": entry.scale, "channels": entry.channels, **changed})


#: What the networks are fed by.
CONVENTIONS: dict[str, InputSpec] = {
    "imagenet": _of("imagenet"),
    "cifar10": _of("cifar10"),
    "cifar10-per-image": _of("cifar10-per-image"),
    "clip": _of("clip"),
    "inception": _of("inception"),
    "unit": InputSpec.of((0.0,) * 3, (1.0,) * 3, raw_dtype="uint8"),
    "raw": InputSpec.of((0.0,) * 3, (1.0,) * 3, scale=1.0, raw_dtype="uint8"),
    "caffe": _of("caffe"),
    "imagenet BGR": InputSpec.of(named("imagenet").mean[::-1], named("imagenet").std[::-1], channels="BGR", raw_dtype="uint8"),
    "imagenet mean only": InputSpec.of(named("imagenet").mean, (1.0,) * 3, raw_dtype="uint8"),
}


def _before(*steps: Any) -> v2.Compose:
    return v2.Compose([*steps])


#: On raw bytes, and then on normalised input, by torchvision's own transforms.
AUGMENTATIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "flip": (v2.RandomHorizontalFlip(), v2.Identity()),
    "crop, black": (_before(v2.RandomCrop(_SIZE, padding=4), v2.RandomHorizontalFlip()), v2.Identity()),
    "crop, zeros": (v2.RandomHorizontalFlip(), v2.RandomCrop(_SIZE, padding=4)),
    "resized crop": (
        _before(v2.RandomResizedCrop(_SIZE, scale=(0.35, 1.0), antialias=True), v2.RandomHorizontalFlip()),
        v2.Identity(),
    ),
    "crop, black, and erasing": (
        _before(v2.RandomCrop(_SIZE, padding=4), v2.RandomHorizontalFlip()),
        v2.RandomErasing(0.5, value=0.0),
    ),
    "resized crop and colours": (
        _before(v2.RandomResizedCrop(_SIZE, scale=(0.35, 1.0), antialias=True), v2.ColorJitter(0.4, 0.4, 0.4)),
        v2.Identity(),
    ),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One network: what it was trained with, and the half of the networks that it belongs to."""

    architecture: str
    convention: str
    augmentation: str
    tuning: bool

    @property
    def spec(self) -> InputSpec:
        """The truth."""
        return CONVENTIONS[self.convention]

    def file(self, folder: Path) -> Path:
        """Where its weights lie."""
        words = (self.architecture, *self.convention.replace("-", " ").split())
        return folder / f"{'_'.join(words)}.safetensors"


def cases() -> Iterator[Case]:
    """Every architecture with every convention, augmentations in turn; every second one is for tuning, in a Latin pattern."""
    ways = list(AUGMENTATIONS)
    for row, architecture in enumerate(ARCHITECTURES):
        for column, convention in enumerate(CONVENTIONS):
            yield Case(architecture, convention, ways[(column + 2 * row) % len(ways)], tuning=(row + column) % 2 == 0)


def cases_without() -> Iterator[Case]:
    """Every architecture without batch norm with four conventions; nothing is tuned on them."""
    for architecture in WITHOUT:
        for convention, augmentation in _FED_WITHOUT.items():
            yield Case(architecture, convention, augmentation, tuning=False)


_FED_WITHOUT = {"imagenet": "flip", "inception": "crop, black", "unit": "resized crop", "imagenet BGR": "crop, zeros"}


def augmented(images: torch.Tensor, augmentation: str, spec: InputSpec) -> torch.Tensor:
    """Bytes ``(N, 3, 32, 32)`` to network input, every image varied on its own."""
    before, after = AUGMENTATIONS[augmentation]
    varied = torch.stack([before(image) for image in images])
    fed = spec.apply(varied)
    return fed if isinstance(after, v2.Identity) else torch.stack([after(image) for image in fed])
