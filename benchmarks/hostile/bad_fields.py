"""Files of satellites, medicine, science, sound, video and databases that are broken, lie, or attack: what writes each, by name.

Formats whose library is not installed are left out.
"""

from __future__ import annotations

import gzip
import json
import pickle
import sqlite3
import struct
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.hostile.bad_images import flipped

Writer = Callable[[Path], Any]
_RNG = np.random.default_rng(0)


class _Bait:
    """Touches a file when it is unpickled."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("tare-was-here"),)


def bad_fields() -> dict[str, Writer]:
    """File name to what writes it: nothing in any of them can be measured, unless bits were flipped."""
    found: dict[str, Writer] = {}
    for ending, (module, write) in _WRITERS.items():
        if find_spec(module) is not None:
            found |= _damaged(ending, write)
    special = ((module, name, write) for module, files in _SPECIAL.items() for name, write in files.items())
    return {**found, **{name: write for module, name, write in special if find_spec(module) is not None}}


def _damaged(ending: str, write: Writer) -> dict[str, Writer]:
    """Five damages of a file that is whole otherwise; what writes it must end with ``ending``."""

    def changed(change: Callable[[bytes], bytes]) -> Writer:
        def damage(path: Path) -> None:
            write(path)
            path.write_bytes(change(path.read_bytes()))

        return damage

    return {
        f"empty{ending}": changed(lambda _: b""),
        f"words{ending}": changed(lambda _: b"no such format " * 40),
        f"truncated{ending}": changed(lambda data: data[: len(data) // 2]),
        f"header-only{ending}": changed(lambda data: data[:64]),
        f"flipped{ending}": changed(lambda data: flipped(data[:400], 25) + data[400:]),
    }


def _geotiff(path: Path, **options: Any) -> None:
    import rasterio

    values = _RNG.integers(0, 4000, (5, 60, 70)).astype("uint16")
    place = {"crs": "EPSG:32632", "transform": rasterio.transform.from_origin(5e5, 5e6, 10, 10)}
    profile = {"count": 5, "height": 60, "width": 70, "dtype": "uint16", "photometric": "MINISBLACK", **place, **options}
    with rasterio.open(path, "w", driver="GTiff", **profile) as file:
        file.write(values)


def _cut_scene(path: Path, length: int) -> None:
    _geotiff(path, nodata=0)
    path.write_bytes(path.read_bytes()[:length])


def _nifti(path: Path, shape: tuple[int, ...] = (12, 13, 14)) -> None:
    import nibabel

    nibabel.save(nibabel.Nifti1Image(_RNG.normal(size=shape), np.eye(4)), path)


def _lying_nifti(path: Path) -> None:
    _nifti(path)
    data = bytearray(path.read_bytes())
    struct.pack_into("<8h", data, 40, 3, 32767, 32767, 32767, 1, 1, 1, 1)
    path.write_bytes(data)


def _dicom(path: Path, *, syntax: str = "1.2.840.10008.1.2.1", rows: int = 40, pixels: bool = True) -> None:
    from pydicom.dataset import FileDataset, FileMetaDataset

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4"
    meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID, data.SeriesInstanceUID, data.Modality = (
        "1.2.840.10008.5.1.4.1.1.2",
        "1.2.3.4",
        "1.2",
        "CT",
    )
    data.Rows, data.Columns, data.SamplesPerPixel, data.PhotometricInterpretation = rows, 40, 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
    if pixels:
        data.PixelData = _RNG.integers(0, 3000, (40, 40)).astype("uint16").tobytes()
    data.save_as(path, enforce_file_format=True)
    if syntax != "1.2.840.10008.1.2.1":
        other = syntax.encode().ljust(20, b"\0")[:20]
        path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", other, 1))


def _flac(path: Path) -> None:
    import soundfile

    soundfile.write(path, _RNG.uniform(-1, 1, (9000, 2)), 16000)


def _video(path: Path) -> None:
    import av

    with av.open(str(path), "w") as video:
        stream = video.add_stream("mpeg4", rate=10)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        for _ in range(8):
            values = _RNG.integers(0, 255, (48, 64, 3)).astype("uint8")
            video.mux(stream.encode(av.VideoFrame.from_ndarray(values, format="rgb24")))
        video.mux(stream.encode())


def _hdf5(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=_RNG.normal(size=(300, 20)), chunks=(50, 20), compression="gzip", fletcher32=True)


def _linked_hdf5(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file["x"] = h5py.ExternalLink("/etc/passwd", "x")


def _stored_outside(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.create_dataset("x", (64,), "u1", external=[("/etc/passwd", 0, 64)])


def _virtual(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        layout = h5py.VirtualLayout((12,), "f8")
        layout[:] = h5py.VirtualSource("../other.h5", "x", (12,))
        file.create_virtual_dataset("x", layout)


def _unfilled(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.create_dataset("x", (1 << 40, 3), "f8", chunks=(1 << 10, 3))


def _zarr(path: Path, **changes: Any) -> None:
    import zarr

    array = zarr.create_array(path, shape=(20, 30), chunks=(10, 30), dtype="f8", zarr_format=2)
    array[:] = 1.0
    metadata = json.loads((path / ".zarray").read_text())
    (path / ".zarray").write_text(json.dumps({**metadata, **changes}))


def _pickled_zarr(path: Path) -> None:
    _zarr(path, filters=[{"id": "pickle"}], dtype="|O")
    (path / "0.0").write_bytes(pickle.dumps(_Bait()))


#: Sixteen MiB of zeros; gzip takes many members in a row.
_MEMBER_BYTES = 1 << 24


def _bomb_zarr(path: Path, edge: int) -> None:
    """One chunk of ``edge`` x ``edge`` doubles, which holds two GiB of zeros."""
    path.mkdir()
    sides = {"shape": [edge, edge], "chunks": [edge, edge]}
    rest = {"dtype": "<f8", "compressor": {"id": "gzip", "level": 5}, "fill_value": 0, "order": "C", "filters": None}
    (path / ".zarray").write_text(json.dumps({"zarr_format": 2, **sides, **rest}))
    (path / "0.0").write_bytes(gzip.compress(bytes(_MEMBER_BYTES)) * 128)


def _bomb_hdf5(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        data = file.create_dataset("x", (1 << 14, 1 << 14), "f8", chunks=(1 << 14, 1 << 14), compression="gzip")
        data.id.write_direct_chunk((0, 0), gzip.compress(bytes(_MEMBER_BYTES)))


def _two_looks(path: Path, *, one_series: bool = False, **tags: Any) -> None:
    """Two DICOM images, of which the second has other tags."""
    from pydicom import dcmread

    path.mkdir()
    for number, changes in enumerate(({}, tags)):
        _dicom(path / f"{number}.dcm")
        data = dcmread(path / f"{number}.dcm")
        data.SeriesInstanceUID = "1.2" if one_series else f"1.2.{number}"
        for name, value in changes.items():
            setattr(data, name, value)
        data.save_as(path / f"{number}.dcm", enforce_file_format=True)


def _two_slices(path: Path) -> None:
    path.mkdir()
    for number, rows in enumerate((40, 39)):
        _dicom(path / f"{number}.dcm", rows=rows)


def _jxl(path: Path) -> None:
    from imagecodecs import jpegxl_encode

    path.write_bytes(jpegxl_encode(_RNG.integers(0, 255, (40, 50, 3)).astype("uint8"), lossless=True))


def _mat(path: Path) -> None:
    from scipy import io

    io.savemat(path, {"X": _RNG.normal(size=(60, 60))}, do_compression=True)


def _pt(path: Path) -> None:
    import torch

    torch.save(torch.rand(200, 3), path)


def _safetensors(path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"x": torch.rand(200, 3)}, path)


def _sqlite(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE t (a REAL)")
    database.executemany("INSERT INTO t VALUES (?)", [(k / 7,) for k in range(5000)])
    database.commit()
    database.close()


def _duckdb(path: Path) -> None:
    import duckdb

    with duckdb.connect(str(path)) as database:
        database.execute("CREATE TABLE t AS SELECT range::DOUBLE AS x FROM range(1000)")


def _lmdb(path: Path) -> None:
    import lmdb

    with (
        lmdb.open(str(path), map_size=1 << 22, subdir=False, lock=False) as environment,
        environment.begin(write=True) as writing,
    ):
        for k in range(200):
            writing.put(b"%d" % k, pickle.dumps(_Bait()))


def _json_lines(path: Path) -> None:
    path.write_text('{"a": "words"}\n' * 200)


_WRITERS: dict[str, tuple[str, Writer]] = {
    ".bsq": ("rasterio", lambda path: path.write_bytes(bytes(500))),
    ".nii": ("nibabel", _nifti),
    ".nii.gz": ("nibabel", _nifti),
    ".dcm": ("pydicom", _dicom),
    ".flac": ("soundfile", _flac),
    ".mp4": ("av", _video),
    ".h5": ("h5py", _hdf5),
    ".mat": ("scipy", _mat),
    ".pt": ("torch", _pt),
    ".safetensors": ("safetensors", _safetensors),
    ".sqlite": ("sqlite3", _sqlite),
    ".duckdb": ("duckdb", _duckdb),
    ".mdb": ("lmdb", _lmdb),
    ".jsonl": ("pyarrow", _json_lines),
    ".jxl": ("imagecodecs", _jxl),
}
_SPECIAL: dict[str, dict[str, Writer]] = {
    "rasterio": {
        "truncated-scene.tif": lambda path: _cut_scene(path, 9000),
        "no-data-at-all.tif": lambda path: _cut_scene(path, 700),
    },
    "nibabel": {
        "four-axes.nii.gz": lambda path: _nifti(path, (5, 5, 5, 7)),
        "five-axes.nii": lambda path: _nifti(path, (3, 3, 3, 2, 2)),
        "claims-32767-a-side.nii": _lying_nifti,
    },
    "pydicom": {
        "no-pixels.dcm": lambda path: _dicom(path, pixels=False),
        "deflated.dcm": lambda path: _dicom(path, syntax="1.2.840.10008.1.2.1.99"),
        "mpeg.dcm": lambda path: _dicom(path, syntax="1.2.840.10008.1.2.4.10"),
        "claims-65535-rows.dcm": lambda path: _dicom(path, rows=65535),
        "mixed-looks": lambda path: _two_looks(path, one_series=True, PhotometricInterpretation="MONOCHROME1"),
        "mixed-units": lambda path: _two_looks(path, RescaleSlope=1, RescaleIntercept=-1024),
        "slices-of-two-sizes": _two_slices,
    },
    "h5py": {
        "external-link.h5": _linked_hdf5,
        "external-storage.h5": _stored_outside,
        "virtual.h5": _virtual,
        "never-filled.h5": _unfilled,
        "chunk-of-two-gigabytes.h5": _bomb_hdf5,
    },
    "zarr": {
        "pickle.zarr": _pickled_zarr,
        "unknown-codec.zarr": lambda path: _zarr(path, compressor={"id": "evil"}),
        "lying.zarr": lambda path: _zarr(path, shape=[1 << 50, 30]),
        "negative.zarr": lambda path: _zarr(path, shape=[-3, 30]),
        "chunk-of-two-gigabytes.zarr": lambda path: _bomb_zarr(path, 1 << 14),
        "bomb.zarr": lambda path: _bomb_zarr(path, 64),
    },
    "torch": {
        "pickle.pt": lambda path: path.write_bytes(pickle.dumps(_Bait())) and None,
        "pickle.pth": lambda path: __import__("torch").save({"x": _Bait()}, path),
    },
    "av": {"playlist.mp4": lambda path: path.write_text("ffconcat version 1.0\nfile /etc/passwd\n") and None},
    "google_crc32c": {
        "words.tfrecord": lambda path: path.write_bytes(b"words " * 99) and None,
        "empty.tfrecord": lambda path: path.write_bytes(b"") and None,
    },
}
