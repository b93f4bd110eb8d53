"""Augmentation of raw images before normalisation: of single images, and of batches (mixup, cutmix)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray

from tare.datasets.options import Augmenting
from tare.errors import SpecError
from tare.input_spec.resize import bands_of, joined, nearest
from tare.statistics.dataset_stats import DatasetStats
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

    placed = v2.Compose([_crop(size, interpolation), v2.RandomHorizontalFlip()])
    bytewise, deep = (v2.Compose(_last(augmenting, [scale * value for value in fill or ()])) for scale in (255, 1))

    return _Varied(placed, bytewise, deep)


def paired_transform(size: tuple[int, int], interpolation: str) -> Callable[..., Any]:
    """The same random resized crop and flip for an image and its mask ``(H, W)``, which takes the nearest pixel."""
    return _Paired(_crop(size, interpolation))


@dataclass(frozen=True, slots=True)
class _Varied:
    """An object instead of a closure, since spawned loader processes receive it by pickle."""

    placed: Any
    bytewise: Any
    deep: Any

    def __call__(self, image: Any) -> torch.Tensor:
        if isinstance(image, torch.Tensor):
            image = joined(self.placed(bands_of(image)))
            steps = self.bytewise if image.dtype == torch.uint8 else self.deep
            return steps(image).as_subclass(torch.Tensor)  # type: ignore[no-any-return]
        return self.bytewise(self.placed(image)).as_subclass(torch.Tensor)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class _Paired:
    """As the transform of images alone: the same draws give the same crop and flip of an image."""

    crop: Any

    def __call__(self, image: Any, mask: NDArray[Any]) -> tuple[torch.Tensor, NDArray[Any]]:
        from torchvision.transforms.v2 import functional

        top, left, height, width = self.crop.get_params(image, self.crop.scale, self.crop.ratio)
        flips = bool(torch.rand(1) < 0.5)
        bands = bands_of(image) if isinstance(image, torch.Tensor) else [image]
        size, mode = self.crop.size, self.crop.interpolation
        cut = [functional.resized_crop(band, top, left, height, width, size, mode, antialias=True) for band in bands]
        taken = nearest(mask[top : top + height, left : left + width], size)
        cut = [functional.horizontal_flip(band) for band in cut] if flips else cut
        whole = joined(cut) if isinstance(image, torch.Tensor) else functional.pil_to_tensor(cut[0])
        return whole, taken[:, ::-1] if flips else taken


def _crop(size: tuple[int, int], interpolation: str) -> Any:
    from timm.data.transforms import str_to_interp_mode
    from torchvision.transforms import v2

    return v2.RandomResizedCrop(size, scale=_SCALE, interpolation=str_to_interp_mode(interpolation), antialias=True)


def _last(augmenting: Augmenting, colour: list[float]) -> list[Any]:
    """The policy, the conversion to a tensor, and erasing; ``colour`` is in the image's own values."""
    from torchvision.transforms import v2

    erasing = [v2.RandomErasing(augmenting.erasing, value=colour or 0.0)] if augmenting.erasing else []
    return [*_policy(augmenting, colour), v2.ToImage(), *erasing]


def check_policy(augmenting: Augmenting, stats: DatasetStats) -> None:
    """Raise :class:`SpecError` for a policy of colours and images that it cannot vary.

    Torchvision's operations on colours cut floats to [0, 1], and take one or three channels.
    """
    if augmenting.augmentation in ("none", "basic"):
        return
    low, high = min(channel.min for channel in stats.channels), max(channel.max for channel in stats.channels)
    count = len(stats.channels)
    if count in (1, 3) and 0 <= low <= high <= 1:
        return
    found = f"{count} channels" if count not in (1, 3) else f"{stats.dtype} values from {low:.6g} to {high:.6g}"
    expected = f"grey or colour images with values from 0 to 1, or of 8 or 16 bits, for --augmentation {augmenting.augmentation}"
    raise SpecError(expected, found, "use --augmentation basic")


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
