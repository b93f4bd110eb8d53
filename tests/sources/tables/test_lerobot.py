"""LeRobot folders against NumPy: dimensions by name, episodes as clusters."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from PIL import Image
from pyarrow import parquet

import tare
from tare.errors import DataError

RNG = np.random.default_rng(14)


def dataset(root: Path, per_file: int = 2) -> list[NDArray[Any]]:
    """Six episodes of different lengths and positions, two in a file; one row group spans both."""
    (root / "meta").mkdir(parents=True)
    (root / "data" / "chunk-000").mkdir(parents=True)
    names = {"motors": ["shoulder", "elbow", "grip"]}
    features = {"observation.state": {"dtype": "float32", "names": names}, "action": {"dtype": "float32", "names": None}}
    (root / "meta" / "info.json").write_text(json.dumps({"codebase_version": "v3.0", "features": features}))
    episodes = [RNG.normal(RNG.normal(0, 3), 1, (20 + 5 * k, 5)).astype("float32") for k in range(6)]
    for file in range(6 // per_file):
        rows = range(file * per_file, (file + 1) * per_file)
        values = np.concatenate([episodes[k] for k in rows])
        lists = {
            "observation.state": pa.FixedSizeListArray.from_arrays(pa.array(values[:, :3].ravel()), 3),
            "action": pa.array(values[:, 3:].tolist(), pa.list_(pa.float32())),
        }
        index = np.concatenate([np.full(len(episodes[k]), k) for k in rows])
        counted = {"timestamp": np.arange(len(values)) / 10.0, "episode_index": index, "index": np.arange(len(values))}
        parquet.write_table(pa.table({**lists, **counted}), root / "data" / "chunk-000" / f"file-{file:03d}.parquet")
    return episodes


def test_dimensions_are_channels_and_episodes_are_what_errors_count(tmp_path: Path) -> None:
    episodes = dataset(tmp_path)
    stats = tare.measure(tmp_path)
    assert [channel.name for channel in stats.channels] == [
        "observation.state[shoulder]", "observation.state[elbow]", "observation.state[grip]", "action[0]", "action[1]",
    ]  # fmt: skip
    values = np.concatenate(episodes).astype(float)
    np.testing.assert_allclose(stats.mean, values.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(stats.std, values.std(axis=0), rtol=1e-12)
    n, s = np.array([len(each) for each in episodes]), np.array([each.astype(float).sum(axis=0) for each in episodes])
    equal = n.sum() ** 2 / np.sum(n**2)
    errors = np.sqrt(equal / (equal - 1) * np.sum((s - values.mean(axis=0) * n[:, None]) ** 2, axis=0)) / n.sum()
    np.testing.assert_allclose([channel.mean_se for channel in stats.channels], errors, rtol=1e-9)
    assert stats.extra["clusters"] == 6
    assert stats.samples == len(values)


@pytest.mark.parametrize("named", [False, True])
def test_images_of_an_episode_belong_to_it_whatever_their_own_names(named: bool, tmp_path: Path) -> None:
    """LeRobot names the images of each episode alike: frame_000000.png and so on."""
    (tmp_path / "data").mkdir()
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "info.json").write_text("{}")
    levels, cells = [20, 60, 100, 140, 180, 220], []
    for level in levels:
        for frame in range(10):
            encoded = io.BytesIO()
            Image.fromarray(np.full((4, 4), level + frame % 2, np.uint8)).save(encoded, "PNG")
            cells.append({"bytes": encoded.getvalue(), "path": f"#episode 7/frame_{frame:06}.png" if named else None})
    cells[-1]["bytes"] = b"none"
    table = pa.table({"observation.image": cells, "episode_index": np.repeat(range(6), 10)})
    parquet.write_table(table, tmp_path / "data" / "file-000.parquet", row_group_size=25)
    stats = tare.measure(tmp_path, columns=("observation.image",), max_skipped=0.1)
    assert (stats.samples, stats.extra["clusters"], len(stats.skipped)) == (59, 6, 1)
    n = np.array([10] * 5 + [9])
    s = np.array([10 * level + 5 for level in levels]) - np.array([0] * 5 + [221])
    equal = n.sum() ** 2 / np.sum(n**2)
    error = np.sqrt(equal / (equal - 1) * np.sum((s - s.sum() / n.sum() * n) ** 2)) / n.sum() / 255
    assert stats.channels[0].mean_se == pytest.approx(error, rel=1e-9)


def test_files_of_one_episode_each_give_the_same(tmp_path: Path) -> None:
    state = RNG.bit_generator.state
    dataset(tmp_path / "a", 1)
    RNG.bit_generator.state = state
    dataset(tmp_path / "b", 3)
    one, other = tare.measure(tmp_path / "a"), tare.measure(tmp_path / "b", workers=3)
    for ours, theirs in zip(one.channels, other.channels, strict=True):
        np.testing.assert_allclose(
            (ours.mean, ours.mean_se, ours.std_se), (theirs.mean, theirs.mean_se, theirs.std_se), rtol=1e-9
        )


def test_chosen_columns_are_measured(tmp_path: Path) -> None:
    dataset(tmp_path)
    assert [channel.name for channel in tare.measure(tmp_path, columns=["action"]).channels] == ["action[0]", "action[1]"]


@pytest.mark.parametrize("kind", ["no files", "metadata", "cut short", "no episodes"])
def test_damaged_datasets_are_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    dataset(tmp_path)
    files = sorted((tmp_path / "data").rglob("*.parquet"))
    if kind == "metadata":
        (tmp_path / "meta" / "info.json").write_text("[" * 100_000)
    elif kind == "cut short":
        files[1].write_bytes(files[1].read_bytes()[:-300])
    elif kind == "no episodes":
        parquet.write_table(parquet.read_table(files[0]).drop_columns(["episode_index"]), files[0])
    else:
        for file in files:
            file.unlink()
    with pytest.raises(DataError) as raised:
        tare.measure(tmp_path)
    assert "\n" not in str(raised.value)
