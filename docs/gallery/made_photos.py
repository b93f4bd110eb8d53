"""Write the made images that the examples with --data use: ``python docs/gallery/made_photos.py photos``."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

rng = np.random.default_rng(0)
for split, count, light in (("train", 240, 0.0), ("val", 160, 30.0)):
    for index in range(count):
        level, contrast = rng.uniform(70, 150) + light, rng.uniform(10, 60)
        pixels = rng.normal(level + np.array([12, 0, -9]), contrast, (16, 16, 3))
        path = Path(sys.argv[1], split, "ab"[index % 2], f"{index}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
