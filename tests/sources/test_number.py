"""The number of samples that progress is told of is the number that is read."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tare
from tare.sources.opening import open_source

IMAGES = np.random.default_rng(0).integers(0, 256, (70, 6, 7, 3), np.uint8)


def made(kind: str, folder: Path) -> Any:
    if kind == "array":
        return IMAGES
    if kind == "list":
        return list(IMAGES)
    if kind == "npy":
        np.save(folder / "a.npy", IMAGES)
        return folder / "a.npy"
    if kind == "shards":
        for name in "ab":
            np.save(folder / f"{name}.npy", IMAGES)
        return [folder / "a.npy", folder / "b.npy"]
    for index, image in enumerate(IMAGES):
        Image.fromarray(image).save(folder / f"{index}.png")
    if kind == "tar":
        with tarfile.open(folder.parent / "a.tar", "w") as archive:
            archive.add(folder, ".")
        return folder.parent / "a.tar"
    return sorted(folder.iterdir()) if kind == "files" else folder


@pytest.mark.parametrize("kind", ["array", "list", "npy", "shards", "folder", "files", "tar"])
def test_the_number_is_that_of_the_samples(kind: str, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    data = made(kind, tmp_path / "x")
    stats = tare.measure(data)
    assert open_source(data).number() == stats.samples


@pytest.mark.parametrize("kind", ["parquet", "table"])
def test_rows_are_counted_without_reading_them(kind: str, tmp_path: Path) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = pa.table({"x": np.arange(1000.0), "y": np.arange(1000.0)})
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=300)
    assert open_source(table if kind == "table" else tmp_path / "a.parquet").number() in (1000, None)


class Told:
    """Progress that wants to know how much there is."""

    total: float = 0
    done: float = 0

    def __call__(self, count: int) -> None:
        self.done += count

    def expect(self, total: float) -> None:
        self.total = total


def test_a_measurement_tells_how_much_there_is() -> None:
    told = Told()
    tare.measure(IMAGES, progress=told)
    assert (told.total, told.done) == (70, 70)


def test_progress_that_is_a_function_is_not_told() -> None:
    seen: list[int] = []
    tare.measure(IMAGES, progress=seen.append)
    assert sum(seen) == 70
