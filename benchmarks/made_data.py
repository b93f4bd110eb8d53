"""Data that the benchmarks generate: photograph-like JPEGs, arrays and tables, the same in every run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

COLUMNS = 16


def jpeg_folder(root: Path, count: int) -> Path:
    """``count`` JPEGs of about 500 x 375 pixels in two classes; smooth noise of several scales compresses like a photo."""
    import simplejpeg

    if root.is_dir():
        return root
    rng = np.random.default_rng(0)
    for index in range(count):
        folder = root / ("ab"[index % 2])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{index:05}.jpg").write_bytes(simplejpeg.encode_jpeg(_photo(rng, 375, 500), quality=90))
    return root


def byte_images(count: int, *, first: bool) -> NDArray[np.uint8]:
    """``(N, 64, 64, 3)`` or with channels first ``(N, 3, 64, 64)``."""
    rng = np.random.default_rng(1)
    photo = _photo(rng, 512, 512)
    corners = rng.integers(0, 448, (count, 2))
    images = np.stack([photo[y : y + 64, x : x + 64] for y, x in corners])
    return np.ascontiguousarray(np.moveaxis(images, -1, 1)) if first else images


def table(rows: int) -> Any:
    """A polars frame of floats of several magnitudes."""
    import polars as pl

    rng = np.random.default_rng(2)
    return pl.DataFrame({f"c{i}": rng.normal(10.0 ** (i % 5), 1.0 + i, rows) for i in range(COLUMNS)})


def write_repeated(path: Path, rows: int) -> None:
    """Write a Parquet file of the same 60,000 rows over and over."""
    import polars as pl

    pl.concat([table(60_000)] * (rows // 60_000)).write_parquet(path, row_group_size=60_000)


def _photo(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    image = np.full((height, width, 3), 110.0)
    for step, weight in ((128, 60.0), (32, 35.0), (8, 15.0), (2, 6.0)):
        coarse = rng.normal(0, weight, (height // step + 2, width // step + 2, 3))
        image += np.repeat(np.repeat(coarse, step, axis=0), step, axis=1)[:height, :width]
    return np.ascontiguousarray(np.clip(image, 0, 255).astype(np.uint8))
