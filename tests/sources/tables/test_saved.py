"""Folders of the Hugging Face library, against the library itself and NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import tare
from tare.errors import DataError

datasets = pytest.importorskip("datasets", reason="writes the folders (pip install 'tare[hf]')")
VALUES = np.random.default_rng(5).normal(size=(50, 2))


def saved(folder: Path) -> None:
    """A dataset in two shards, and what ``map`` and ``shuffle`` leave beside it."""
    table = datasets.Dataset.from_dict({"a": VALUES[:, 0], "b": VALUES[:, 1]})
    table.save_to_disk(folder, num_shards=2)
    loaded = datasets.load_from_disk(folder)
    loaded.map(lambda row: {"a": 10 * row["a"]})
    loaded.shuffle(seed=1)


def test_a_saved_dataset_is_the_files_that_it_states_and_not_its_cache(tmp_path: Path) -> None:
    for split in ("train", "test"):
        saved(tmp_path / split)
    assert len([*tmp_path.rglob("cache-*.arrow")]) == 4
    for folder, samples in ((tmp_path / "train", 50), (tmp_path, 100)):
        stats = tare.measure(folder)
        assert stats.samples == samples
        np.testing.assert_allclose(stats.mean, VALUES.mean(axis=0), rtol=1e-12)
        assert "cache-" in " ".join(stats.extra["remarks"])
    assert tare.measure(tmp_path / "train", columns=["b"]).samples == 50


def test_a_saved_dataset_without_one_of_its_files_is_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    (tmp_path / "data-00001-of-00002.arrow").unlink()
    with pytest.raises(DataError, match=r"the files that .*state\.json' states, found no 'data-00001-of-00002\.arrow' beside it"):
        tare.measure(tmp_path)


@pytest.mark.parametrize(("beside", "samples"), [("dataset_info.json", 1), ("state.json", 1), ("readme.json", 2)])
def test_files_named_as_a_cache_are_one_beside_what_the_library_writes(tmp_path: Path, beside: str, samples: int) -> None:
    for name in ("corpus-train.arrow", "cache-1f.arrow"):
        with pa.OSFile(str(tmp_path / name), "wb") as file, pa.ipc.new_stream(file, pa.schema({"x": pa.float64()})) as stream:
            stream.write_table(pa.table({"x": [1.0]}))
    (tmp_path / beside).write_text('{"of": "something else"}')
    assert tare.measure(tmp_path).samples == samples


def test_columns_that_the_saved_format_hides_are_told(tmp_path: Path) -> None:
    table = datasets.Dataset.from_dict({"a": VALUES[:, 0], "b": VALUES[:, 1]})
    table.with_format("numpy", columns=["b"]).save_to_disk(tmp_path)
    said = "the format that is saved with the dataset shows b alone: --columns measures these"
    assert said in tare.measure(tmp_path).extra["remarks"]
    named = tare.measure(tmp_path, columns=["b"])
    assert said not in named.extra["remarks"]
    assert named.mean == tare.measure(datasets.load_from_disk(tmp_path)).mean
