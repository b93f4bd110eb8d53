"""Handwritten digits that ship with scikit-learn: 0 to 4 as dataset0, 5 to 9 as dataset1, no download."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch.utils.data import Dataset

from tare.studying.tasks.samples import Samples
from tare.studying.tasks.shipped import shipped_digits

SIZE = 16
_BORDER = 2


class ShiftedCrops(Dataset[tuple[torch.Tensor, int]]):
    """Training samples moved by up to two pixels, the border filled with black; index // N is the epoch."""

    def __init__(self, digits: Samples, seed: int) -> None:
        self.images = np.pad(digits.values[..., 0], ((0, 0), (_BORDER, _BORDER), (_BORDER, _BORDER)))
        self.labels, self.seed = digits.labels, seed

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        position = index % len(self)
        top, left = np.random.default_rng((self.seed, index)).integers(0, 2 * _BORDER + 1, 2)
        crop = self.images[position, top : top + SIZE, left : left + SIZE]
        return torch.from_numpy(crop.copy())[None], int(self.labels[position])


@cache
def load_digits() -> tuple[Samples, Samples]:
    """Dataset0 (digits 0 to 4, 901 images) and dataset1 (5 to 9, 896), grey uint8 ``(N, 16, 16, 1)``, enlarged from 8 x 8."""
    from PIL import Image

    images, digits = shipped_digits()
    stored = np.rint(images * (255 / 16)).astype(np.uint8)  # scikit-learn's levels are 0..16
    large = np.stack([np.asarray(Image.fromarray(image).resize((SIZE, SIZE), Image.Resampling.BILINEAR)) for image in stored])
    early, values = digits < 5, large[..., None]
    return Samples("digits 0-4", values[early], digits[early]), Samples("digits 5-9", values[~early], digits[~early] - 5)
