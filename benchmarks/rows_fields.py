"""Formats of a field against bare reading by the same library with one thread, and against the loops that people paste."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import Outcome, Result, Row, Setting, compared, peer
from tare.measuring.api import measure

_GOAL = ">= 0.8"


def fields(setting: Setting) -> Iterator[Outcome]:
    """Tiles, volumes, chunked arrays and sound: the time of bare reading divided by that of measuring."""
    rows: tuple[tuple[str, list[str], Callable[[Setting, Path], Iterator[Result]]], ...] = (
        ("GeoTIFF tiles", ["rasterio"], _tiles),
        ("NIfTI volumes", ["nibabel"], _volumes),
        ("HDF5 chunks", ["h5py"], _hdf5),
        ("Zarr chunks", ["zarr"], _zarr),
        ("FLAC", ["soundfile"], _flac),
    )
    for name, modules, row in rows:
        folder = setting.scratch / f"field {modules[0]}"
        folder.mkdir(exist_ok=True)
        yield from peer(name, modules, partial(row, setting, folder))


ROWS = (Row("fields", fields),)


def _ratios(
    setting: Setting, name: str, data: Path, bare: Callable[[], Any], pasted: Callable[[], Any] | None = None
) -> Iterator[Result]:
    def ours() -> Any:
        return measure(data, workers=1)

    yield compared(name, bare, ours, setting, ratio_of="bare reading / tare", goal=_GOAL, rounds=5)
    if pasted is not None:
        yield compared(name, pasted, ours, setting, ratio_of="NumPy running sums / tare", rounds=3)


def _tiles(setting: Setting, folder: Path) -> Iterator[Result]:
    import rasterio

    rng = np.random.default_rng(0)
    place = {"crs": "EPSG:32632", "transform": rasterio.transform.from_origin(5e5, 5e6, 10, 10), "compress": "deflate"}
    for k in range(4 if setting.quick else 60):
        values = np.clip(rng.normal(1500, 300, (13, 256, 256)), 1, 10000).astype(np.uint16)
        with rasterio.open(
            folder / f"{k}.tif", "w", driver="GTiff", width=256, height=256, count=13, dtype="uint16", **place
        ) as file:
            file.write(values)

    def read() -> Iterator[Any]:
        for path in sorted(folder.iterdir()):
            with rasterio.open(path) as file:
                yield file.read()

    yield from _ratios(setting, "13 bands of uint16", folder, lambda: [None for _ in read()], lambda: _running(read(), (1, 2)))


def _volumes(setting: Setting, folder: Path) -> Iterator[Result]:
    import nibabel

    rng = np.random.default_rng(0)
    for k in range(1 if setting.quick else 4):
        values = rng.normal(0, 300, (256, 256, 20 if setting.quick else 80)).astype(np.int16)
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), folder / f"{k}.nii.gz")

    def read() -> Iterator[Any]:
        for path in sorted(folder.iterdir()):
            yield np.asanyarray(nibabel.load(path).dataobj)

    yield from _ratios(setting, "int16, gzip", folder, lambda: [None for _ in read()], lambda: _running(read(), None))


def _hdf5(setting: Setting, folder: Path) -> Iterator[Result]:
    import h5py

    values, place = _photographs(setting), folder / "a.h5"
    with h5py.File(place, "w") as file:
        file.create_dataset("x", data=values, chunks=(32, *values.shape[1:]), compression="gzip")

    def bare() -> None:
        with h5py.File(place) as file:
            for start in range(0, len(values), 32):
                file["x"][start : start + 32]

    yield from _ratios(setting, "uint8, gzip", place, bare)


def _zarr(setting: Setting, folder: Path) -> Iterator[Result]:
    import zarr

    values, place = _photographs(setting), folder / "a.zarr"
    array = zarr.create_array(place, shape=values.shape, chunks=(32, *values.shape[1:]), dtype=values.dtype, overwrite=True)
    array[:] = values

    def bare() -> None:
        opened = zarr.open_array(place, mode="r")
        for start in range(0, len(values), 32):
            opened[start : start + 32]

    yield from _ratios(setting, "uint8, zstd", place, bare)


def _flac(setting: Setting, folder: Path) -> Iterator[Result]:
    import soundfile

    rng = np.random.default_rng(0)
    for k in range(2 if setting.quick else 20):
        soundfile.write(folder / f"{k}.flac", np.cumsum(rng.normal(0, 0.01, 16000 * 60)) % 0.5, 16000)

    def read() -> None:
        for path in sorted(folder.iterdir()):
            soundfile.read(path, dtype="float32", always_2d=True)

    yield from _ratios(setting, "16 bits, 16 kHz", folder, read)


def _photographs(setting: Setting) -> Any:
    """Smooth images, which compress as photographs do."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (320 if setting.quick else 3200, 8, 8, 3)).astype(np.uint8)
    return np.kron(coarse, np.ones((1, 8, 8, 1), np.uint8)) // 2 + rng.integers(0, 8, (1, 64, 64, 3)).astype(np.uint8)


def _running(arrays: Iterator[Any], axes: tuple[int, ...] | None) -> Any:
    """The loop that people paste: sums and sums of squares in float64."""
    number, total, squares = 0, 0.0, 0.0
    for array in arrays:
        values = array.astype(np.float64)
        number += values.size
        total, squares = total + values.sum(axes), squares + (values**2).sum(axes)
    return number, total, squares
