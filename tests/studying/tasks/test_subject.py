from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import fsspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import tare
from tare.errors import DataError
from tare.studying.tasks.subject import subject_of


def images(folder: Path, count: int = 6) -> None:
    folder.mkdir(exist_ok=True)
    for index in range(count):
        pixels = np.random.default_rng(index).integers(0, 256, (8 + index, 9, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")


def test_statistics_of_a_subset_are_those_of_measuring_it(tmp_path: Path) -> None:
    images(tmp_path / "a")
    (tmp_path / "a" / "README.txt").write_text("no image")
    subject = subject_of(str(tmp_path / "a"))
    assert [Path(name).name for name in subject.names] == [f"{index}.png" for index in range(6)]
    assert (subject.layout, subject.raw_dtype, subject.channels) == ("NCHW", "uint8", 3)
    chosen = [4, 1, 2]
    expected = tare.measure([subject.names[index] for index in chosen])
    found = subject.stats(chosen)
    assert found.mean == expected.mean
    assert found.std == expected.std
    assert [c.mean_se for c in found.channels] == [c.mean_se for c in expected.channels]


@pytest.mark.parametrize(("shape", "layout"), [((7, 4), "NC"), ((7, 5, 6, 3), "NCHW")])
@pytest.mark.parametrize("kind", ["float32", "float64", "uint8", "uint16"])
def test_arrays_of_every_kind_have_the_moments_of_their_chosen_samples(
    tmp_path: Path, shape: tuple[int, ...], layout: str, kind: str
) -> None:
    values = np.random.default_rng(0).integers(0, 200, shape).astype(kind)
    np.save(tmp_path / "x.npy", values)
    subject = subject_of(str(tmp_path / "x.npy"))
    scale = {"uint8": 255, "uint16": 65535}.get(kind, 1)
    picked = values[[5, 0, 3]].reshape(-1, shape[-1]).astype(np.float64) / scale
    assert subject.layout == layout
    assert np.allclose(subject.stats([5, 0, 3]).mean, picked.mean(0))
    assert np.allclose(subject.stats([5, 0, 3]).std, picked.std(0))


def test_tiles_with_pixels_that_mean_no_data_are_refused_as_such(tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio", reason="reads GeoTIFF (pip install 'tare[geo]')")
    place = {"crs": "EPSG:32633", "transform": rasterio.transform.from_origin(500000, 5600000, 10, 10)}
    values = np.random.default_rng(0).integers(0, 200, (2, 8, 8)).astype(np.uint16)
    for index in range(3):
        options = {"driver": "GTiff", "count": 2, "height": 8, "width": 8, "dtype": "uint16", "nodata": 0, **place}
        with rasterio.open(tmp_path / f"{index}.tif", "w", **options) as file:
            file.write(values)
    with pytest.raises(DataError, match=r"samples of which every value counts, found values of .*0.tif' that mean no data; fill"):
        subject_of(str(tmp_path))


@given(st.integers(2, 12), st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_a_split_uses_every_sample_once_and_a_larger_pool_begins_with_the_smaller(pool: int, seed: int) -> None:
    from tare.sources.opening import open_source
    from tare.studying.tasks.subject import Subject

    source = open_source(np.zeros((20, 2)))
    subject = Subject(tuple(map(str, range(20))), (), "NC", source, "")
    train, test = subject.split(pool, seed)
    assert sorted([*train, *test]) == list(range(20))
    assert list(subject.split(pool + 3, seed)[0][:pool]) == list(train)


def test_data_that_cannot_be_counted_on_are_refused(tmp_path: Path) -> None:
    images(tmp_path / "broken")
    (tmp_path / "broken" / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    with pytest.raises(DataError, match=r"samples that can all be read, found .*0\.png"):
        subject_of(str(tmp_path / "broken"))
    images(tmp_path / "mixed")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "mixed" / "grey.png")
    with pytest.raises(DataError, match=r"samples of one kind.*1 channels of uint8, 3 channels of uint8"):
        subject_of(str(tmp_path / "mixed"))


def test_rows_of_a_table_are_samples_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,grade\n1,2,x\n3,4,y\n5,9,x\n")
    subject = subject_of(str(tmp_path / "t.csv"))
    assert (subject.number, subject.channels, subject.layout) == (3, 2, "NC")
    assert subject.stats([0, 2]).mean == (3.0, 5.5)
    assert subject_of(str(tmp_path / "t.csv"), label="a").stats([0, 2]).mean == (5.5,)


def digest(place: Path | str, **options: str) -> str:
    """The hash of data as they are now."""
    return subject_of.__wrapped__(str(place), **options).digest()


def test_values_that_change_change_the_hash(tmp_path: Path) -> None:
    digests = set()
    for value in (1.0, 2.0, 1.0):
        np.save(tmp_path / "x.npy", np.full((4, 2), value))
        digests.add(digest(tmp_path / "x.npy"))
    assert len(digests) == 2


def test_names_and_the_places_of_pixels_are_in_the_hash_and_other_files_are_not(tmp_path: Path) -> None:
    images(tmp_path / "a")
    before = digest(tmp_path / "a")
    (tmp_path / "a" / "README.txt").write_text("no image, as are the outputs of a study in the folder of its data")
    os.utime(tmp_path / "a" / "1.png")
    assert digest(tmp_path / "a") == before
    (tmp_path / "a" / "5.png").rename(tmp_path / "a" / "5_dog.png")
    named = digest(tmp_path / "a")
    with Image.open(tmp_path / "a" / "1.png") as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "a" / "1.png")
    assert len({before, named, digest(tmp_path / "a")}) == 3


def _table(place: Path, labels: list[int]) -> None:
    frame = pl.DataFrame({"a": [1.0, 2.0, 4.0], "y": list(map(str, labels))})
    frame.write_parquet(place) if place.suffix == ".parquet" else frame.write_csv(place)


def _tables(place: Path, labels: list[int]) -> None:
    place.mkdir(exist_ok=True)
    for name in "ab":
        _table(place / f"{name}.csv", labels)


def _arrays(place: Path, labels: list[int]) -> None:
    np.savez(place, x=np.eye(3), y=labels)


def _store(place: Path, labels: list[int]) -> None:
    zarr = pytest.importorskip("zarr", reason="reads Zarr (pip install 'tare[science]')")
    group = zarr.open_group(str(place), mode="w")
    group["x"], group["y"] = np.eye(3), np.array(labels)


def _manifest(place: Path, labels: list[int]) -> None:
    images(place.parent / "listed", 3)
    place.write_text("path,label\n" + "".join(f"listed/{index}.png,{label}\n" for index, label in enumerate(labels)))


def _remote(place: Path, labels: list[int]) -> None:
    fsspec.filesystem("memory").pipe(f"/{place.name}", f"a,y\n1,{labels[0]}x\n2,{labels[1]}x\n".encode())


@pytest.mark.parametrize(
    ("name", "write", "options"),
    [
        ("t.csv", _table, {}),
        ("t.parquet", _table, {}),
        ("tables", _tables, {}),
        ("x.npz", _arrays, {"array": "x"}),
        ("x.zarr", _store, {"array": "x"}),
        ("listed.csv", _manifest, {}),
        ("memory://t.csv", _remote, {}),
    ],
)
def test_labels_beside_the_samples_are_in_the_hash(
    tmp_path: Path, name: str, write: Callable[[Path, list[int]], None], options: dict[str, str]
) -> None:
    found = []
    for labels in ([0, 1, 0], [0, 1, 0], [1, 0, 0]):
        write(tmp_path / name, labels)
        found.append(digest(tmp_path / name if "://" not in name else name, **options))
    assert found[0] == found[1] != found[2]
