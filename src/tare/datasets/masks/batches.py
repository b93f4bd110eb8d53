"""Batches of images with their masks: the same geometry for both, masks by the nearest pixel, colours of the image alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tare.datasets.augmentation import paired_transform
from tare.datasets.files import LabelledFile
from tare.datasets.image_batches import ImageBatches, as_taken
from tare.errors import DataError
from tare.input_spec.resize import nearest
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
        image, mask = as_taken(values), file.label.read()  # type: ignore[union-attr]
        if not self.augments:
            return self.transform(image), _targets(nearest(mask, self.size))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derived(self.seed, index))
            varied, of_it = self.both(image, mask)
        return varied, _targets(of_it)


def _targets(mask: NDArray[Any]) -> torch.Tensor:
    """A mask ``(H, W)`` of class indices as targets."""
    return torch.from_numpy(mask.astype(np.int64))
