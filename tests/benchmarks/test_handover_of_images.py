"""Some hand-overs of images and tiles: the same answer however they are told, or a refusal, or a word."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="trains networks (pip install 'tare[transfer]')")

from fuzz.handover import pictures, rasters, volumes
from fuzz.handover.matrix import Tally, World, explore


@pytest.mark.parametrize(
    ("world", "only", "package"),
    [
        (pictures.WORLDS[0], "transfer, predict, second on npz, N", ""),
        (pictures.WORLDS[0], "transfer, predict, second on Parquet of the hub", "pyarrow"),
        (pictures.WORLDS[0], "transfer, predict, second on tiles of b", "rasterio"),
        (rasters.WORLDS[0], "transfer, predict, second on tiles, bands", "rasterio"),
        (rasters.WORLDS[0], "spec, transfer --spec, second on tiles, names", "rasterio"),
        (volumes.WORLDS[0], "transfer, predict, second on NIfTI, t", "nibabel"),
    ],
    ids=lambda value: value.name if isinstance(value, World) else str(value),
)
def test_the_second_step_answers_alike_however_the_data_are_told(world: World, only: str, package: str, tmp_path: Path) -> None:
    if package:
        pytest.importorskip(package)
    tally = Tally()
    explore(world, 1, tmp_path, tally, only)
    assert tally.faults == []
    assert tally.same.total() + tally.refused.total() + tally.remarked.total() > 0
