"""Pictures of a segmentation's worst images: the image, its mask and the answer side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from tare.tasks.evaluations.segmentation import SegmentationEvaluation
from tare.tasks.segmentation import IGNORED

if TYPE_CHECKING:
    from tare.transferring.plan import TransferPlan

_SHOWN = 6
#: Colours of the classes by turns (Okabe and Ito's, which people with colour blindness tell apart); pixels left out are white.
_COLOURS = ((0, 0, 0), (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167))


def overlays(plan: TransferPlan, evaluation: SegmentationEvaluation, device: torch.device) -> tuple[NDArray[np.uint8], ...]:
    """Image, mask and answer ``(H, 3 W, 3)`` of the worst images, at the network's size."""
    paths = [item.sample for item in evaluation.worst[:_SHOWN]]
    files = {file.path: file for file in plan.target.judged}
    chosen = tuple(files[path] for path in paths)
    module = plan.network.module.to(device).eval()
    pictures = list(plan.views(paths))
    with torch.inference_mode():
        found = [(mask, module(fed).argmax(dim=1).cpu()) for fed, mask in plan.fed_batches(chosen, device)]
    masks, answers = (torch.cat([pair[place] for pair in found]).numpy() for place in (0, 1))
    return tuple(
        np.concatenate([_colour(picture), coloured_classes(mask), coloured_classes(answer)], axis=1)
        for picture, mask, answer in zip(pictures, masks, answers, strict=True)
    )


def coloured_classes(indices: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Class indices ``(H, W)`` as colours ``(H, W, 3)``."""
    table = np.array([*(_COLOURS[index % len(_COLOURS)] for index in range(IGNORED)), (255, 255, 255)], np.uint8)
    return table[indices]


def _colour(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(picture[..., None], 3, axis=-1) if picture.ndim == 2 else picture
