"""Augmentation of raw images before normalisation: of single images, and of batches (mixup, cutmix)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from tare.datasets.options import Augmenting
from tare.system.seeds import derived

_SCALE = (0.35, 1.0)


def training_transform(
    size: tuple[int, int], interpolation: str, augmenting: Augmenting, fill: Sequence[float] | None = None
) -> Callable[[Any], torch.Tensor]:
    """Random resized crop, flip and the policy of ``augmenting``, on raw pixels; returns ``(C, H, W)``, not normalised.

    Pixels from outside the image, and erased pixels, take the colour ``fill`` (unit values, one per channel), which
    normalisation maps to zero. Without it they are black, which normalisation maps far from zero.
    """
    from torchvision.transforms import v2

    first = (_crop(size, interpolation), v2.RandomHorizontalFlip())
    bytewise, deep = (v2.Compose([*first, *_last(augmenting, [scale * value for value in fill or ()])]) for scale in (255, 1))

    return _Varied(bytewise, deep)


def paired_transform(size: tuple[int, int], interpolation: str) -> Callable[[Any, torch.Tensor], tuple[Any, torch.Tensor]]:
    """The same random resized crop and flip for an image and its mask ``(1, H, W)``, which takes the nearest pixel."""
    return _Paired(size, interpolation)


def resized_mask(mask: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """A mask ``(1, H, W)`` at ``size``: each pixel is the one nearest to its centre, as images are resized about centres.

    torchvision resizes its masks by torch's older mode ``nearest``, which takes the upper left pixel of each cell: a mask made
    smaller by s then lies (s - 1)/2 pixels beside its image.
    """
    from torchvision.transforms.v2 import InterpolationMode, functional

    return functional.resize(mask, list(size), interpolation=InterpolationMode.NEAREST_EXACT)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class _Paired:
    """An object instead of a closure, since spawned loader processes receive it by pickle."""

    size: tuple[int, int]
    interpolation: str

    def __call__(self, image: Any, mask: torch.Tensor) -> tuple[Any, torch.Tensor]:
        from torchvision.transforms.v2 import functional

        crop = _crop(self.size, self.interpolation)
        box = crop.get_params(image, crop.scale, crop.ratio)
        varied = functional.resized_crop(image, *box, list(self.size), interpolation=crop.interpolation, antialias=True)
        of_it = resized_mask(functional.crop(mask, *box), self.size)
        if torch.rand(1) < 0.5:
            varied, of_it = functional.horizontal_flip(varied), functional.horizontal_flip(of_it)
        return functional.to_image(varied), of_it


@dataclass(frozen=True, slots=True)
class _Varied:
    """An object instead of a closure, since spawned loader processes receive it by pickle."""

    bytewise: Any
    deep: Any

    def __call__(self, image: Any) -> torch.Tensor:
        steps = self.deep if isinstance(image, torch.Tensor) else self.bytewise
        return steps(image).as_subclass(torch.Tensor)  # type: ignore[no-any-return]


def _crop(size: tuple[int, int], interpolation: str) -> Any:
    from timm.data.transforms import str_to_interp_mode
    from torchvision.transforms import v2

    return v2.RandomResizedCrop(size, scale=_SCALE, interpolation=str_to_interp_mode(interpolation), antialias=True)


def _last(augmenting: Augmenting, colour: list[float]) -> list[Any]:
    """The policy, the conversion to a tensor, and erasing; ``colour`` is in the image's own values."""
    from torchvision.transforms import v2

    erasing = [v2.RandomErasing(augmenting.erasing, value=colour or 0.0)] if augmenting.erasing else []
    return [*_policy(augmenting, colour), v2.ToImage(), *erasing]


def _policy(augmenting: Augmenting, colour: list[float]) -> list[Any]:
    """The published policies with torchvision's own settings; TrivialAugment: Müller and Hutter 2021, RandAugment: Cubuk 2020."""
    from torchvision.transforms import v2

    fill = colour or None
    if augmenting.augmentation == "trivialaugment":
        return [v2.TrivialAugmentWide(fill=fill)]
    if augmenting.augmentation == "randaugment":
        return [v2.RandAugment(fill=fill)]
    return []


@dataclass(frozen=True, slots=True)
class Mixing:
    """Mixup (Zhang et al. 2018) and CutMix (Yun et al. 2019) by torchvision, drawn from (seed, epoch, batch, process).

    If both have a positive alpha, each batch gets one of them with equal probability.
    """

    augmenting: Augmenting
    classes: int
    seed: int

    def __call__(
        self, images: torch.Tensor, labels: torch.Tensor, epoch: int, batch: int, process: int = 0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Mix raw images ``(N, C, H, W)``, given as bytes or unit values, to unit values; labels become shares ``(N, K)``."""
        from torchvision.transforms import v2

        if not self.augmenting.mixes:
            return images, labels
        unit = images.float() / 255 if images.dtype == torch.uint8 else images
        kinds = ((v2.MixUp, self.augmenting.mixup), (v2.CutMix, self.augmenting.cutmix))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derived(self.seed, epoch, batch, process))
            chosen = [(kind, alpha) for kind, alpha in kinds if alpha > 0]
            kind, alpha = chosen[int(torch.randint(len(chosen), ()))]
            mixed: tuple[torch.Tensor, torch.Tensor] = kind(alpha=alpha, num_classes=self.classes)(unit, labels)
        return mixed
