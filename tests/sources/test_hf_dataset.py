"""Hugging Face datasets of a folder of files, whose cells hold paths alone, against Pillow's pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

import tare
from tare.errors import DataError
from tare.sources.opening import open_source
from tests.images import random_rgb, save_png
from tests.sources.reading import assert_same_by_index

datasets = pytest.importorskip("datasets", reason="makes the datasets (pip install 'tare[hf]')")


def test_a_dataset_of_paths_is_the_files_and_a_table_of_paths_is_none(tmp_path: Path) -> None:
    pixels = [random_rgb(seed, 6, 7) for seed in range(5)]
    paths = [str(tmp_path / f"{seed}.png") for seed in range(5)]
    for path, image in zip(paths, pixels, strict=True):
        save_png(Path(path), image)
    data = datasets.Dataset.from_dict({"image": [*paths, str(tmp_path / "absent.png")]}).cast_column("image", datasets.Image())
    stats = tare.measure(data, max_skipped=0.5)
    assert stats.samples == 5
    np.testing.assert_allclose(stats.mean, np.concatenate([each.reshape(-1, 3) for each in pixels]).mean(axis=0) / 255)
    assert_same_by_index(open_source(data))
    parquet.write_table(pa.table({"image": [{"bytes": None, "path": path} for path in paths]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="the cell holds no bytes"):  # whoever wrote the table would choose the files
        tare.measure(tmp_path / "a.parquet")
