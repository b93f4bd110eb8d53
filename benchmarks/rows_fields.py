"""Formats of a field against bare reading by the same library with one thread, and against the loops that people paste."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import Outcome, Result, Row, Setting, compared, peer
from benchmarks.rows_scaling import divided, measured_alone
from tare.measuring.api import measure

_GOAL = ">= 0.8"
#: Writes so much of a kind into a folder, and names what is to be measured.
Make = Callable[[Path, int], Path]


def fields(setting: Setting) -> Iterator[Outcome]:
    """Tiles, volumes, chunked arrays and sound: the time of bare reading divided by that of measuring."""
    rows: tuple[tuple[str, list[str], Callable[[Setting, Path], Iterator[Result]]], ...] = (
        ("GeoTIFF tiles", ["rasterio"], _tiles),
        ("NIfTI volumes", ["nibabel"], _volumes),
        ("HDF5 chunks", ["h5py"], _hdf5),
        ("Zarr chunks", ["zarr"], _zarr),
        ("FLAC", ["soundfile"], _flac),
        ("log-mel", ["soundfile", "transformers"], _log_mel),
        ("log-mel of librosa", ["soundfile", "transformers", "librosa"], _log_mel_of_librosa),
    )
    for name, modules, row in rows:
        yield from peer(name, modules, partial(row, setting, _empty(setting, f"field {name}")))


def growth(setting: Setting) -> Iterator[Outcome]:
    """Peak memory of a process that measures ten times the data, divided by that of one that measures once the data."""
    kinds: tuple[tuple[str, list[str], Make, int], ...] = (
        ("GeoTIFF tiles", ["rasterio"], _write_tiles, 30),
        ("NIfTI volumes", ["nibabel"], _write_volumes, 2),
        ("HDF5 chunks", ["h5py"], _write_hdf5, 3200),
        ("Zarr chunks", ["zarr"], _write_zarr, 3200),
        ("FLAC", ["soundfile"], _write_flac, 20),
    )
    for name, modules, make, size in kinds:
        yield from peer(name, modules, partial(_grown, setting, name, make, size // 10 if setting.quick else size))


ROWS = (Row("fields", fields), Row("field growth", growth))


def _grown(setting: Setting, name: str, make: Make, size: int) -> Iterator[Result]:
    once = make(_empty(setting, f"once {name}"), size or 1)
    if name in ("HDF5 chunks", "Zarr chunks"):
        many = make(_empty(setting, f"many {name}"), 10 * size)
    else:  # the same files under ten names
        many = _empty(setting, f"many {name}")
        for path in once.iterdir():
            for index in range(10):
                os.link(path, many / f"{index}-{path.name}")
    pairs = [(measured_alone(once, many)[1], measured_alone(once, once)[1]) for _ in range(1 if setting.quick else 3)]
    yield divided(f"{name}, peak memory", "ten times the data / once", pairs, "MB", "<= 1.2")


def _empty(setting: Setting, name: str) -> Path:
    folder = setting.scratch / name
    folder.mkdir(exist_ok=True)
    return folder


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

    _write_tiles(folder, 4 if setting.quick else 60)

    def read() -> Iterator[Any]:
        for path in sorted(folder.iterdir()):
            with rasterio.open(path) as file:
                yield file.read()

    yield from _ratios(setting, "13 bands of uint16", folder, lambda: [None for _ in read()], lambda: _running(read(), (1, 2)))


def _volumes(setting: Setting, folder: Path) -> Iterator[Result]:
    import nibabel

    _write_volumes(folder, 1 if setting.quick else 4)

    def read() -> Iterator[Any]:
        for path in sorted(folder.iterdir()):
            yield np.asanyarray(nibabel.load(path).dataobj)

    yield from _ratios(setting, "int16, gzip", folder, lambda: [None for _ in read()], lambda: _running(read(), None))


def _hdf5(setting: Setting, folder: Path) -> Iterator[Result]:
    import h5py

    number = 320 if setting.quick else 3200
    place = _write_hdf5(folder, number)

    def bare() -> None:
        with h5py.File(place) as file:
            for start in range(0, number, 32):
                file["x"][start : start + 32]

    yield from _ratios(setting, "uint8, gzip", place, bare)


def _zarr(setting: Setting, folder: Path) -> Iterator[Result]:
    import zarr

    number = 320 if setting.quick else 3200
    place = _write_zarr(folder, number)

    def bare() -> None:
        opened = zarr.open_array(place, mode="r")
        for start in range(0, number, 32):
            opened[start : start + 32]

    yield from _ratios(setting, "uint8, zstd", place, bare)


def _flac(setting: Setting, folder: Path) -> Iterator[Result]:
    import soundfile

    _write_flac(folder, 2 if setting.quick else 20)

    def read() -> None:
        for path in sorted(folder.iterdir()):
            soundfile.read(path, dtype="float32", always_2d=True)

    yield from _ratios(setting, "16 bits, 16 kHz", folder, read)


def _log_mel(setting: Setting, folder: Path) -> Iterator[Result]:
    """The front end of an audio spectrogram transformer against a loop over its own extractor, which takes most of the time."""
    import soundfile
    from transformers import AutoFeatureExtractor

    sounds, network = _spoken(setting, folder)
    extract = AutoFeatureExtractor.from_pretrained(network)  # type: ignore[no-untyped-call]

    def one(path: Path) -> Any:
        return extract(soundfile.read(path, dtype="float32")[0], sampling_rate=16000, return_tensors="np")["input_values"]

    def pasted() -> Any:
        return _running(map(one, sorted(sounds.iterdir())), None)

    yield _mel(setting, sounds, network, pasted, "the network's extractor and running sums / tare", _GOAL)


def _log_mel_of_librosa(setting: Setting, folder: Path) -> Iterator[Result]:
    """The loop that people paste, which computes other values than the network's front end: 128 bins, 25 ms, 10 ms, decibels."""
    import librosa

    sounds, network = _spoken(setting, folder)

    def one(path: Path) -> Any:
        values, rate = librosa.load(path, sr=None)
        mel = librosa.feature.melspectrogram(y=values, sr=rate, n_fft=512, win_length=400, hop_length=160, n_mels=128)
        return librosa.power_to_db(mel)

    def pasted() -> Any:
        return _running(map(one, sorted(sounds.iterdir())), None)

    yield _mel(setting, sounds, network, pasted, "librosa and running sums / tare", "")


def _mel(setting: Setting, sounds: Path, network: Path, pasted: Callable[[], Any], ratio_of: str, goal: str) -> Result:
    ours = partial(measure, sounds, as_seen=f"hf:{network}", workers=1)
    return compared("log-mel, 10 s at 16 kHz", pasted, ours, setting, ratio_of=ratio_of, goal=goal, rounds=5)


def _spoken(setting: Setting, folder: Path) -> tuple[Path, Path]:
    """Recordings of 10 s, and a network's configuration beside its feature extractor."""
    import transformers

    network, sounds = folder / "network", folder / "sounds"
    transformers.ASTConfig().save_pretrained(network)
    transformers.ASTFeatureExtractor().save_pretrained(network)  # type: ignore[no-untyped-call]
    sounds.mkdir(exist_ok=True)
    return _write_flac(sounds, 2 if setting.quick else 40, seconds=10), network


def _write_tiles(folder: Path, number: int) -> Path:
    import rasterio

    rng = np.random.default_rng(0)
    place = {"crs": "EPSG:32632", "transform": rasterio.transform.from_origin(5e5, 5e6, 10, 10), "compress": "deflate"}
    size = {"width": 256, "height": 256, "count": 13, "dtype": "uint16"}
    for k in range(number):
        values = np.clip(rng.normal(1500, 300, (13, 256, 256)), 1, 10000).astype(np.uint16)
        with rasterio.open(folder / f"{k}.tif", "w", driver="GTiff", **size, **place) as file:
            file.write(values)
    return folder


def _write_volumes(folder: Path, number: int) -> Path:
    import nibabel

    rng = np.random.default_rng(0)
    for k in range(number):
        values = rng.normal(0, 300, (256, 256, 80)).astype(np.int16)
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), folder / f"{k}.nii.gz")
    return folder


def _write_hdf5(folder: Path, number: int) -> Path:
    import h5py

    values, place = _photographs(number), folder / "a.h5"
    with h5py.File(place, "w") as file:
        file.create_dataset("x", data=values, chunks=(32, *values.shape[1:]), compression="gzip")
    return place


def _write_zarr(folder: Path, number: int) -> Path:
    import zarr

    values, place = _photographs(number), folder / "a.zarr"
    array = zarr.create_array(place, shape=values.shape, chunks=(32, *values.shape[1:]), dtype=values.dtype, overwrite=True)
    array[:] = values
    return place


def _write_flac(folder: Path, number: int, *, seconds: int = 60) -> Path:
    import soundfile

    rng = np.random.default_rng(0)
    for k in range(number):
        soundfile.write(folder / f"{k}.flac", np.cumsum(rng.normal(0, 0.01, 16000 * seconds)) % 0.5, 16000)
    return folder


@cache
def _photographs(number: int) -> Any:
    """Smooth images, which compress as photographs do."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (number, 8, 8, 3)).astype(np.uint8)
    return np.kron(coarse, np.ones((1, 8, 8, 1), np.uint8)) // 2 + rng.integers(0, 8, (1, 64, 64, 3)).astype(np.uint8)


def _running(arrays: Iterator[Any], axes: tuple[int, ...] | None) -> Any:
    """The loop that people paste: sums and sums of squares in float64."""
    number, total, squares = 0, 0.0, 0.0
    for array in arrays:
        values = array.astype(np.float64)
        number += values.size
        total, squares = total + values.sum(axes), squares + (values**2).sum(axes)
    return number, total, squares
