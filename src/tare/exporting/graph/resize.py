"""Pillow's resize as a matrix product, in tensor operations that an exported graph can hold.

Pillow resizes 8-bit images in two passes, along rows and then along columns. Each output value is a weighted sum whose weights
are integers of 22 bits, rounded to a byte after each pass (``Resample.c``). These sums are exact in float64, so the bytes equal
Pillow's. ONNX's ``Resize`` and torch's ``interpolate`` round differently, and some bytes differ by one level.

Pillow 13 begins with the columns if that saves work; older versions always begin with the rows. The order matters, because
values beyond 0..255 are clipped between the passes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from PIL import Image

#: Filters by Pillow's names.
GRAPH_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming")

#: Filters whose bytes equal Pillow's. ``nearest`` picks another neighbour where Pillow's running sum rounds; ``hamming`` differs
#: by the last bit of a cosine.
EXACT = frozenset({"bilinear", "bicubic", "lanczos", "box"})

_ONE = float(1 << 22)


def resize_weights(
    pixels: torch.Tensor, resized: torch.Tensor, first: torch.Tensor, count: int, interpolation: str
) -> torch.Tensor:
    """Return integer weights ``(count, n)``, in float64 and times 2^22, of ``count`` output pixels from pixel ``first`` on.

    ``pixels`` are the source's indices 0..n-1 and ``resized`` is the number of output pixels of a whole edge, both float64. Rows
    for pixels outside 0..resized-1 are zero: a crop larger than the image gets a black border.
    """
    index = (torch.arange(count, dtype=torch.float64) + first)[:, None]
    scale = (pixels.max() + 1) / resized
    inside = (index >= 0) & (index < resized)
    centre = (index + 0.5) * scale
    source = pixels[None, :]
    if interpolation == "nearest":
        return _ONE * (inside & (source == torch.floor(centre))).to(torch.float64)
    kernel, support = _KERNELS[interpolation]
    stretch = torch.clamp_min(scale, 1.0)  # when shrinking, the filter widens: antialiasing
    reach = support * stretch
    touched = (source >= torch.floor(centre - reach + 0.5)) & (source < torch.floor(centre + reach + 0.5))
    raw = torch.where(inside & touched, kernel((source - centre + 0.5) * (1.0 / stretch)), 0.0)
    total = raw.sum(dim=1, keepdim=True)
    weights = raw * (1.0 / torch.where(total == 0, 1.0, total)) * _ONE
    return torch.where(weights < 0, torch.ceil(weights - 0.5), torch.floor(weights + 0.5))


def weighted(weights: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Resize the height of ``images`` ``(N, C, H, W)``, whole numbers 0..255 in float64, and round to whole numbers."""
    return torch.floor(torch.matmul(weights, images) / _ONE + 0.5).clamp(0.0, 255.0)


def begins_with_columns(
    height: torch.Tensor, width: torch.Tensor, resized_height: torch.Tensor, resized_width: torch.Tensor
) -> torch.Tensor:
    """Return whether Pillow 13 resizes the columns first; the rule was found by comparing 3,000 shapes with both orders."""
    return (resized_height < height) & (height - resized_height > 2 * (width - resized_width))


@cache
def pillow_may_begin_with_columns() -> bool:
    """Return whether the installed Pillow, which resizes the training images, ever resizes columns first; found by trying."""
    pixels = np.random.default_rng(0).integers(0, 256, (40, 12), dtype=np.uint8)
    resized = np.asarray(Image.fromarray(pixels).resize((6, 10), Image.Resampling.BILINEAR))
    values = torch.from_numpy(pixels.astype(np.float64))
    down, across = (
        resize_weights(torch.arange(n, dtype=torch.float64), torch.tensor(float(m)), torch.zeros(()), m, "bilinear")
        for n, m in ((40, 10), (12, 6))
    )
    rows_first = weighted(down, weighted(across, values.T).T)
    return not np.array_equal(rows_first.numpy(), resized)


def _bilinear(x: torch.Tensor) -> torch.Tensor:
    return torch.where(x.abs() < 1, 1 - x.abs(), 0.0)


def _bicubic(x: torch.Tensor) -> torch.Tensor:
    a, x = -0.5, x.abs()
    near, far = ((a + 2) * x - (a + 3)) * x * x + 1, (((x - 5) * x + 8) * x - 4) * a
    return torch.where(x < 1, near, torch.where(x < 2, far, 0.0))


def _lanczos(x: torch.Tensor) -> torch.Tensor:
    return torch.where((x >= -3) & (x < 3), _sinc(x) * _sinc(x / 3), 0.0)


def _box(x: torch.Tensor) -> torch.Tensor:
    return torch.where((x > -0.5) & (x <= 0.5), torch.ones_like(x), 0.0)


def _hamming(x: torch.Tensor) -> torch.Tensor:
    return torch.where(x.abs() < 1, _sinc(x) * (0.54 + 0.46 * torch.cos(x.abs() * math.pi)), 0.0)


def _sinc(x: torch.Tensor) -> torch.Tensor:
    y = x * math.pi
    return torch.where(x == 0, 1.0, torch.sin(y) / torch.where(x == 0, 1.0, y))


_KERNELS: dict[str, tuple[Callable[[torch.Tensor], torch.Tensor], float]] = {
    "bilinear": (_bilinear, 1.0),
    "bicubic": (_bicubic, 2.0),
    "lanczos": (_lanczos, 3.0),
    "box": (_box, 0.5),
    "hamming": (_hamming, 1.0),
}
