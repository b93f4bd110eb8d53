"""Batches of images with their masks: the same geometry for both, masks by the nearest pixel, colours of the image alone."""

from __future__ import annotations

from typing import Any

import torch

from tare.datasets.augmentation import paired_transform, resized_mask
from tare.datasets.files import LabelledFile
from tare.datasets.image_batches import ImageBatches, as_taken
from tare.errors import DataError
from tare.samples.records import Skipped
from tare.system.seeds import derived


class MaskBatches(ImageBatches):
    """Images as in :class:`ImageBatches`, each with the class indices ``(H, W)`` of its mask, int64, at the network's size."""

    def __init__(self, files: Any, geometry: Any, *arguments: Any) -> None:
        super().__init__(files, geometry, *arguments)
        self.size = geometry.size
        self.both = paired_transform(geometry.size, geometry.interpolation)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, Any]:
        file: LabelledFile = self.files[index % len(self.files)]
        values = file.read(self.colour)
        if isinstance(values, Skipped):  # readable when the run began: the data changed meanwhile
            raise DataError("images that stay readable during training", f"{file.path!r}: {values.reason}", "restore it")
        image, mask = as_taken(values), torch.from_numpy(file.label.read())[None]  # type: ignore[union-attr]
        if not self.augments:
            return self.transform(image), plain(resized_mask(mask, self.size))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derived(self.seed, index))
            varied, of_it = self.both(image, mask)
        return varied.as_subclass(torch.Tensor), plain(of_it)


def plain(mask: torch.Tensor) -> torch.Tensor:
    """A mask ``(1, H, W)`` of class indices as targets ``(H, W)``."""
    return mask.as_subclass(torch.Tensor)[0].long()
