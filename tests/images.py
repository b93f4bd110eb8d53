"""Small image files for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def save_png(path: Path, pixels: NDArray[Any]) -> NDArray[Any]:
    """Write ``(H, W)`` or ``(H, W, C)`` losslessly and return the pixels as ``(H, W, C)``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, format="PNG")
    return pixels if pixels.ndim == 3 else pixels[..., None]


def random_rgb(seed: int, height: int = 5, width: int = 7) -> NDArray[np.uint8]:
    """Random 8-bit pixels ``(H, W, 3)``."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def rgb_folder(root: Path, count: int) -> list[NDArray[Any]]:
    """Write ``count`` images of different sizes below two labels; return their pixels in order of their names."""
    return [save_png(root / ("ab"[i % 2]) / f"{i:03}.png", random_rgb(i, 3 + i % 4, 4 + i % 3)) for i in range(count)]
