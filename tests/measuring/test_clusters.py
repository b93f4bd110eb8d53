"""Standard errors over clusters against NumPy, and against the spread of repeated draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import tare
from tare.errors import DataError
from tare.sources.tables import csv_table

RNG = np.random.default_rng(3)


def tiles(folder: Path, scenes: int = 6) -> dict[str, list[NDArray[Any]]]:
    """Grey tiles of scenes that differ in brightness and in number of tiles and pixels."""
    made: dict[str, list[NDArray[Any]]] = {}
    for scene in range(scenes):
        (folder / f"scene{scene}").mkdir()
        for tile in range(2 + scene % 3):
            values = np.clip(RNG.normal(40 + 25 * scene, 10, (6 + tile, 7)), 0, 255).astype("uint8")
            Image.fromarray(values).save(folder / f"scene{scene}" / f"s{scene}_{tile}.png")
            made.setdefault(f"s{scene}", []).append(values)
    return made


def cluster_errors(made: dict[str, list[NDArray[Any]]]) -> tuple[float, float]:
    """Standard errors of mean and std by the ratio estimator, written out for the totals of each cluster."""
    flat = [np.concatenate([tile.ravel() for tile in each]).astype(float) for each in made.values()]
    n, s, q = (np.array([f(values) for values in flat]) for f in (len, np.sum, lambda values: np.sum(values**2)))
    mean = s.sum() / n.sum()
    variance = q.sum() / n.sum() - mean**2
    number = n.sum() ** 2 / np.sum(n**2)  # of clusters of equal size
    factor = number / (number - 1) / n.sum() ** 2
    of_mean = factor * np.sum((s - mean * n) ** 2)
    of_variance = factor * np.sum((q - 2 * mean * s + (mean**2 - variance) * n) ** 2)
    return float(np.sqrt(of_mean) / 255), float(np.sqrt(of_variance / (4 * variance)) / 255)


@pytest.mark.parametrize("cluster", ["folder", r"s(\d)_", r"s\d(?=_)"])
def test_standard_errors_count_clusters_and_all_else_stays(tmp_path: Path, cluster: str) -> None:
    made = tiles(tmp_path)
    plain, clustered = tare.measure(tmp_path), tare.measure(tmp_path, cluster=cluster)
    (channel,), (before,) = clustered.channels, plain.channels
    np.testing.assert_allclose((channel.mean_se, channel.std_se), cluster_errors(made), rtol=1e-9)
    assert (channel.mean, channel.std, channel.mean_of_sample_std) == (before.mean, before.std, before.mean_of_sample_std)
    assert clustered.samples == plain.samples
    assert clustered.extra["clusters"] == 6
    assert channel.mean_se > 1.2 * before.mean_se


def test_each_sample_a_cluster_gives_the_errors_of_samples(tmp_path: Path) -> None:
    tiles(tmp_path)
    (one,), (other,) = (tare.measure(tmp_path, cluster=cluster).channels for cluster in (None, r"s\d_\d"))
    np.testing.assert_allclose((one.mean_se, one.std_se), (other.mean_se, other.std_se), rtol=1e-12)


def test_the_result_does_not_depend_on_workers_or_a_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    tiles(tmp_path / "data")
    results = [
        tare.measure(tmp_path / "data", cluster="folder", workers=1),
        tare.measure(tmp_path / "data", cluster="folder", workers=3),
        tare.measure(tmp_path / "data", cluster="folder", checkpoint=tmp_path / "kept"),
    ]
    assert results[0].channels == results[1].channels == results[2].channels


def test_grey_tiles_among_colour_ones_are_clustered_as_rgb(tmp_path: Path) -> None:
    tiles(tmp_path)
    Image.fromarray(RNG.integers(0, 255, (5, 5, 3)).astype("uint8")).save(tmp_path / "scene0" / "s0_9.png")
    stats = tare.measure(tmp_path, cluster="folder")
    assert stats.extra["clusters"] == 6
    assert len(stats.channels) == 3
    assert stats.channels[0].mean_se > 0


@pytest.mark.parametrize(
    ("cluster", "found"),
    [
        ("x(", "regular expression"),
        (r"s0()_|s(1)", "nothing in the first group of"),
        ("nothing", "no match of 'nothing'"),
        (r"s", "at least two clusters, found one, 's'"),
    ],
)
def test_a_pattern_that_makes_no_clusters_is_refused(tmp_path: Path, cluster: str, found: str) -> None:
    tiles(tmp_path)
    with pytest.raises(DataError, match=found):
        tare.measure(tmp_path, cluster=cluster)


def test_a_random_sample_is_not_clustered(tmp_path: Path) -> None:
    tiles(tmp_path)
    with pytest.raises(DataError, match="independent samples"):
        tare.measure(tmp_path, cluster="folder", tolerance=0.1)


@pytest.mark.parametrize("nodata", [None, (-1.0,)])
@pytest.mark.parametrize("dtype", ["uint8", "float64"])
@pytest.mark.parametrize("shape", [(40, 6, 5, 1), (40, 1)], ids=["images", "rows"])
def test_samples_of_one_array_have_clusters_of_their_own(
    tmp_path: Path, shape: tuple[int, ...], dtype: str, nodata: tuple[float, ...] | None
) -> None:
    """Four clusters by the tens of the samples' numbers."""
    level = np.repeat(RNG.normal(100, 30, 4), 10).reshape(-1, *[1] * (len(shape) - 1))
    values = np.clip(level + RNG.normal(0, 5, shape), 0, 255).astype(dtype)
    np.save(tmp_path / "all.npy", values)
    options: dict[str, Any] = {"cluster": r"\[(\d?)\d\]", "layout": "NHWC" if len(shape) == 4 else "NC", "nodata": nodata}
    if shape == (40, 1) and dtype == "float64" and nodata:  # levels of bytes are a stack, whose samples have names
        with pytest.raises(DataError, match="rows of one file in one cluster"):
            tare.measure(tmp_path / "all.npy", **options)
        return
    stats = tare.measure(tmp_path / "all.npy", **options)
    assert stats.extra["clusters"] == 4
    means = values.reshape(4, -1).mean(axis=1) / (255 if dtype == "uint8" else 1)
    assert stats.channels[0].mean_se == pytest.approx(means.std(ddof=1) / 2, rel=1e-9)


def test_rows_of_a_csv_whose_numbers_are_not_known_are_one_cluster_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_table, "_HEAD", 20)
    monkeypatch.setattr(csv_table, "_BLOCK", 20)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "t.csv").write_text("v\n" + "".join(f"{row}\n" for row in range(100)))
    with pytest.raises(DataError, match="rows of one file in one cluster where their numbers are not known"):
        tare.measure(tmp_path / "a" / "t.csv", cluster=r".*", workers=1)
    with pytest.raises(DataError, match="at least two clusters"):
        tare.measure(tmp_path / "a" / "t.csv", cluster="folder", workers=1)


@pytest.mark.parametrize("name", ["images", "train/images"])
def test_a_folder_is_a_cluster_wherever_an_array_lies_in_its_files(tmp_path: Path, name: str) -> None:
    h5py = pytest.importorskip("h5py", reason="writes HDF5 files (pip install 'tare[science]')")
    made = {}
    for scene in range(4):
        folder = tmp_path / f"scene#{scene}"
        folder.mkdir()
        made[str(scene)] = [RNG.integers(0, 60 + 60 * scene, (2, 6, 7)).astype("uint8") for _ in range(3)]
        for place, values in enumerate(made[str(scene)]):
            with h5py.File(folder / f"{place}.h5", "w") as file:
                file[name] = values
    stats = tare.measure(str(tmp_path / "*" / "*.h5"), cluster="folder", layout="NHW")
    assert stats.extra["clusters"] == 4
    assert stats.channels[0].mean_se == pytest.approx(cluster_errors(made)[0], rel=1e-9)
