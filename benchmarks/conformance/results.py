"""What was compared with what, and how far apart the two were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

#: Largest distance of inputs that are called equal.
TOLERANCE = 1e-6

How = Literal["whole", "values", "excluded"]


@dataclass(frozen=True, slots=True)
class Result:
    """One thing compared: ``whole`` (geometry and values), ``values`` (the affine part), or ``excluded`` with a reason.

    ``distance`` is that of :func:`distance`; a geometry that differed in one byte would show as a thousandth or more, a
    thousand times the tolerance.
    """

    peer: str
    name: str
    how: How
    distance: float = 0.0
    reason: str = ""

    @property
    def equal(self) -> bool:
        """Whether both gave the same input; what was excluded did not."""
        return self.how != "excluded" and self.distance <= TOLERANCE


def distance(ours: Any, theirs: Any) -> float:
    """Largest difference in input std, relative to the largest input where that is above 1; infinite for another shape.

    Relative, because float32 keeps 7 digits: inputs of up to 255, as caffe's, are known to 1e-5 and no better.
    """
    mine, others = (torch.as_tensor(np.ascontiguousarray(value)).double() for value in (ours, theirs))
    if mine.shape != others.shape:
        return float("inf")
    return float((mine - others).abs().max() / others.abs().max().clamp(min=1))


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Random bytes ``(H, W, 3)``: every pixel differs from its neighbours, so that a shift by one shows."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def picture(height: int, width: int, seed: int = 0) -> Image.Image:
    """The same as a Pillow image."""
    return Image.fromarray(noise(height, width, seed))


def tensor(values: NDArray[np.uint8]) -> torch.Tensor:
    """Bytes ``(H, W, C)`` as a tensor ``(C, H, W)``."""
    return torch.from_numpy(values).permute(2, 0, 1).contiguous()
