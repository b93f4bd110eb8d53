"""Handwritten digits that ship with scikit-learn: 0 to 4 as dataset0, 5 to 9 as dataset1, no download."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from tare.samples.records import Sample
from tare.statistics.dataset_stats import DatasetStats, summarise
from tare.statistics.state import DatasetState
from tare.studying.tasks.shipped import shipped_digits

SIZE = 16
_BORDER = 2


@dataclass(frozen=True, slots=True)
class Digits:
    """Grey images ``(N, 16, 16)`` uint8 with labels ``(N,)`` counted from zero."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def take(self, chosen: NDArray[np.int64]) -> Digits:
        """The chosen samples."""
        return Digits(self.images[chosen], self.labels[chosen])

    def tensor(self) -> torch.Tensor:
        """Images as ``(N, 1, 16, 16)`` uint8."""
        return torch.from_numpy(self.images)[:, None]

    def measure(self, name: str) -> DatasetStats:
        """Their statistics in unit values."""
        return measure_images(self.images, name)

    def shifted(self, shift: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Digits:
        """The same scenes as another sensor records them: ``shift`` of unit values, rounded to 8 bits."""
        unit = shift(self.images / 255.0)
        return Digits(np.clip(np.rint(unit * 255.0), 0, 255).astype(np.uint8), self.labels)


class ShiftedCrops(Dataset[tuple[torch.Tensor, int]]):
    """Training samples moved by up to two pixels, the border filled with black; an index carries the epoch."""

    def __init__(self, digits: Digits, seed: int) -> None:
        self.images = np.pad(digits.images, ((0, 0), (_BORDER, _BORDER), (_BORDER, _BORDER)))
        self.labels, self.seed = digits.labels, seed

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        position = index % len(self)
        top, left = np.random.default_rng((self.seed, index)).integers(0, 2 * _BORDER + 1, 2)
        crop = self.images[position, top : top + SIZE, left : left + SIZE]
        return torch.from_numpy(crop.copy())[None], int(self.labels[position])


def load_digits() -> tuple[Digits, Digits]:
    """Dataset0 (digits 0 to 4, 901 images) and dataset1 (5 to 9, 896), enlarged to 16 x 16 and stored in 8 bits."""
    from PIL import Image

    images, shown = shipped_digits()
    bits = np.rint(images * (255 / 16)).astype(np.uint8)  # stored as 0..16
    large = np.stack([np.asarray(Image.fromarray(image).resize((SIZE, SIZE), Image.Resampling.BILINEAR)) for image in bits])
    early = shown < 5
    return Digits(large[early], shown[early]), Digits(large[~early], shown[~early] - 5)


def measure_images(images: NDArray[np.uint8], name: str) -> DatasetStats:
    """Statistics of grey images ``(N, H, W)``, one sample an image."""
    samples = (Sample(f"{name} {index}", image[..., None]) for index, image in enumerate(images))
    return summarise(DatasetState.of(samples), name, "")


def other_sensor(unit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half the contrast on a brighter ground: gain 0.5, offset 0.25."""
    return 0.5 * unit + 0.25
