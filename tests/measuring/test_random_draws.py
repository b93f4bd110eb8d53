from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tare
from tare.errors import DataError, SpecError
from tests.encoding import encoded, packed
from tests.images import random_rgb, rgb_folder, save_png

MANY = np.random.default_rng(0).integers(0, 256, (20_000, 5, 5, 3), dtype=np.uint8)


def test_a_sample_is_enough_and_says_how_large_it_was() -> None:
    sampled, whole = tare.measure(MANY, tolerance=0.02, seed=3), tare.measure(MANY)
    record = sampled.extra["sampled"]
    assert record["samples"] == sampled.samples < 2_000
    assert record["total"] == 20_000
    assert record["share"] == sampled.samples / 20_000
    assert all(max(width["mean"], width["std"]) <= 0.02 for width in record["half_widths"])
    assert sampled.mean == pytest.approx(whole.mean, abs=0.02)
    assert sampled.std == pytest.approx(whole.std, abs=0.02)


def test_seed_decides_what_is_read_and_the_number_of_workers_does_not() -> None:
    first = tare.measure(MANY, tolerance=0.02, seed=1, workers=1)
    assert tare.measure(MANY, tolerance=0.02, seed=1, workers=3) == first
    assert tare.measure(MANY, tolerance=0.02, seed=2) != first


def test_reading_everything_gives_the_exact_figures(tmp_path: Path) -> None:
    rgb_folder(tmp_path, 60)
    (tmp_path / "a" / "bad.png").write_bytes(b"")
    (tmp_path / "README.md").write_text("about")
    sampled = tare.measure(tmp_path, tolerance=1e-6, max_skipped=0.1)
    whole = tare.measure(tmp_path, max_skipped=0.1)
    assert sampled.extra["sampled"]["complete"]
    assert (sampled.channels, sampled.skipped) == (whole.channels, whole.skipped)


def test_files_that_cannot_be_read_do_not_hide_the_dtype_of_the_others(tmp_path: Path) -> None:
    rgb_folder(tmp_path, 300)
    for index in range(300):
        (tmp_path / f"{index}.jpg").write_bytes(b"")
    sampled = tare.measure(tmp_path, tolerance=0.05, max_skipped=1.0)
    assert sampled.samples < 300
    assert sampled.dtype == "uint8"


class Squares:
    """A map-style dataset as torch knows it."""

    def __len__(self) -> int:
        return 500

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return MANY[index].astype(np.float32).transpose(2, 0, 1) / 255, index % 2


def saved(folder: Path, name: str) -> Path:
    path = folder / name
    if name.endswith(".npz"):
        np.savez_compressed(path, x=MANY)
    else:
        np.save(path, MANY)
    return path


@pytest.mark.parametrize("kind", ["npy", "npz", "list", "dataset", "seen"])
def test_whatever_can_be_indexed_can_be_sampled(tmp_path: Path, kind: str) -> None:
    if kind in ("npy", "npz"):
        stats = tare.measure(saved(tmp_path, f"x.{kind}"), tolerance=0.02)
    elif kind == "dataset":
        stats = tare.measure(Squares(), tolerance=0.04)
    else:
        files = [str(tmp_path / f"{i}.png") for i in range(200)]
        for index, file in enumerate(files):
            save_png(Path(file), random_rgb(index))
        stats = tare.measure(files, tolerance=0.05, as_seen=8 if kind == "seen" else None)
    assert stats.samples == stats.extra["sampled"]["samples"] < stats.extra["sampled"]["total"]


def as_csv(folder: Path) -> Path:
    (folder / "t.csv").write_text("a,b\n1,2\n3,4\n")
    return folder / "t.csv"


def as_parquet(folder: Path) -> Path:
    pq.write_table(pa.table({"a": [1.0, 2.0]}), folder / "t.parquet")
    return folder / "t.parquet"


def as_stream(folder: Path) -> Path:
    return packed(folder / "t.tar.gz", [("1.png", encoded(random_rgb(0), "PNG"))])


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (
            as_csv,
            r"found '.*t\.csv', whose rows can only be found by reading the whole file, which would as well measure it; measure",
        ),
        (as_parquet, r"found '.*t\.parquet', whose numbers are stored by the thousand: .* more than measuring all; measure all"),
        (as_stream, r"found '.*t\.tar\.gz', which is a stream: compressed as a whole, or not on this machine; measure all"),
    ],
)
def test_what_cannot_be_sampled_is_refused_with_the_reason(tmp_path: Path, made: Callable[[Path], Path], reason: str) -> None:
    path = made(tmp_path)
    for data in (path, [path, path]):
        with pytest.raises(DataError, match=r"data that can be read in any order .* found"):
            tare.measure(data, tolerance=0.1)
    with pytest.raises(DataError, match=reason):
        tare.measure(path, tolerance=0.1)


def test_kinds_that_must_not_be_pooled_are_refused(tmp_path: Path) -> None:
    for index in range(10):
        save_png(tmp_path / f"{index}.png", random_rgb(index)[..., 0].astype("u1" if index % 2 else "u2"))
    with pytest.raises(DataError, match="samples with one number of channels and one dtype"):
        tare.measure(tmp_path, tolerance=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tolerance": 0.0}, "a positive tolerance in unit values, found 0.0"),
        ({"tolerance": 0.1, "confidence": 1.0}, "--confidence above zero and at most 0.9999, found 1.0"),
        ({"tolerance": 0.1, "engine": "ray"}, "a random sample without an engine or a checkpoint"),
        ({"tolerance": 0.1, "checkpoint": "x.json"}, "a random sample without an engine or a checkpoint"),
        ({"engine": "dask"}, "one of --engine: local or ray, found 'dask'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises((DataError, SpecError), match=message):
        tare.measure(MANY[:100], **options)


def test_nothing_to_sample_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected at least one"):
        tare.measure(tmp_path, tolerance=0.1)
