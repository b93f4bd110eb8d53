"""Small labelled image folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.images import save_png


def dark_and_light(folder: Path, train: int = 6, val: int = 3) -> Path:
    """Two classes that differ in brightness, ``train/`` and ``val/``, so many images of each in both."""
    generator = np.random.default_rng(0)
    for part, count in (("train", train), ("val", val)):
        for label, level in (("dark", 60), ("light", 180)):
            for index in range(count):
                pixels = np.clip(generator.normal(level, 30, (36, 40, 3)), 0, 255).astype(np.uint8)
                save_png(folder / part / label / f"{index}.png", pixels)
    return folder
