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
    factor = len(flat) / (len(flat) - 1) / n.sum() ** 2
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
    [("x(", "regular expression"), ("nothing", "no match of 'nothing'"), (r"s", "at least two clusters, found one, 's'")],
)
def test_a_pattern_that_makes_no_clusters_is_refused(tmp_path: Path, cluster: str, found: str) -> None:
    tiles(tmp_path)
    with pytest.raises(DataError, match=found):
        tare.measure(tmp_path, cluster=cluster)


def test_a_random_sample_is_not_clustered(tmp_path: Path) -> None:
    tiles(tmp_path)
    with pytest.raises(DataError, match="independent samples"):
        tare.measure(tmp_path, cluster="folder", tolerance=0.1)
