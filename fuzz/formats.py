"""The same random values written in every format that can hold them."""

from __future__ import annotations

import gzip
import importlib.util
import io
import json
import sqlite3
import struct
import tarfile
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Values = NDArray[Any]


@dataclass(frozen=True)
class Format:
    """How a format writes values below a folder: it returns what is read, a path or an object.

    ``needs`` are the packages without which it is left out, ``options`` keywords of ``tare.measure``. ``holds`` says whether it
    can hold values of a type. ``ending`` is the name of the file, where it is one file that can have any name.
    """

    name: str
    write: Callable[[Path, Values], Any]
    needs: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    holds: Callable[[np.dtype[Any]], bool] = lambda _: True
    ending: str = ""

    @property
    def here(self) -> bool:
        """Whether its packages are installed."""
        return all(importlib.util.find_spec(name) is not None for name in self.needs)


def _file(ending: str, write: Callable[[Path, Values], None]) -> Callable[[Path, Values], Path]:
    def written(folder: Path, values: Values) -> Path:
        path = folder / f"data{ending}"
        write(path, values)
        return path

    return written


def _one(name: str, ending: str, write: Callable[[Path, Values], None], *needs: str, **known: Any) -> Format:
    return Format(name, _file(ending, write), needs, ending=ending, **known)


def _npy(path: Path, values: Values) -> None:
    np.save(path, np.ascontiguousarray(values))


def _swapped(values: Values) -> Values:
    return values.astype(values.dtype.newbyteorder(">"))


def _npy_version_2(path: Path, values: Values) -> None:
    with path.open("wb") as file:
        np.lib.format.write_array(file, np.ascontiguousarray(values), version=(2, 0))


def _hdf5(path: Path, values: Values, **how: Any) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=values, **how)


def _zarr(path: Path, values: Values, version: int) -> None:
    import zarr

    chunks = tuple(max(1, length // 2) for length in values.shape)
    array = zarr.create_array(store=str(path), shape=values.shape, chunks=chunks, dtype=values.dtype, zarr_format=version)
    array[...] = values


def _mat(path: Path, values: Values) -> None:
    from scipy import io as scipy_io

    scipy_io.savemat(path, {"x": values}, do_compression=True)


def _safetensors(path: Path, values: Values) -> None:
    from safetensors.numpy import save

    path.write_bytes(save({"x": np.ascontiguousarray(values)}))


def _pt(path: Path, values: Values) -> None:
    import torch

    torch.save(torch.from_numpy(np.ascontiguousarray(values)), path)


def _in(names: str) -> Callable[[np.dtype[Any]], bool]:
    return lambda dtype: dtype.name in names.split()


_IDX = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}


def _idx(path: Path, values: Values) -> None:
    head = bytes((0, 0, _IDX[values.dtype.name], values.ndim)) + struct.pack(f">{values.ndim}I", *values.shape)
    data = head + _swapped(values).tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def _arrays(layout: str) -> tuple[Format, ...]:
    """Formats of arrays of any shape."""
    stated = {"layout": layout}

    def several(folder: Path, values: Values) -> str:
        for number, part in enumerate(np.array_split(values, 3)):
            np.save(folder / f"part-{number}.npy", part)
        return str(folder / "part-{0..2}.npy")

    return (
        _one("npy", ".npy", _npy, options=stated),
        _one("npy, version 2", ".npy", _npy_version_2, options=stated),
        _one("npy, most significant byte first", ".npy", lambda p, v: _npy(p, _swapped(v)), options=stated),
        _one("npy, Fortran order", ".npy", lambda p, v: np.save(p, np.asfortranarray(v)), options=stated),
        Format("npy, shards by a pattern", several, options=stated),
        _one("npz", ".npz", lambda p, v: np.savez(p, x=v), options=stated),
        _one("npz, deflated, Fortran order", ".npz", lambda p, v: np.savez_compressed(p, x=np.asfortranarray(v)), options=stated),
        _one("IDX", ".idx", _idx, options=stated, holds=lambda dtype: dtype.name in _IDX),
        _one("IDX, gzip", ".idx.gz", _idx, options=stated, holds=lambda dtype: dtype.name in _IDX),
        _one("HDF5", ".h5", _hdf5, "h5py", options=stated),
        _one("HDF5, most significant byte first", ".h5", lambda p, v: _hdf5(p, _swapped(v)), "h5py", options=stated),
        _one("HDF5, chunks, gzip", ".h5", lambda p, v: _hdf5(p, v, chunks=True, compression="gzip"), "h5py", options=stated),
        _one("Zarr 2", ".zarr", lambda p, v: _zarr(p, v, 2), "zarr", options=stated),
        _one("Zarr 3", ".zarr", lambda p, v: _zarr(p, v, 3), "zarr", options=stated),
        _one("MATLAB", ".mat", _mat, "scipy", options=stated),
        _one("safetensors", ".safetensors", _safetensors, "safetensors", options=stated, holds=lambda dtype: dtype.kind != "c"),
        _one("pt", ".pt", _pt, "torch", options=stated, holds=_in("uint8 int8 int16 int32 int64 float32 float64")),
        Format("NumPy array", lambda _, values: values, options=stated),
        Format("NumPy array, strided", lambda _, values: np.repeat(values, 2, axis=0)[::2], options=stated),
        Format("tensor", lambda _, v: _tensor(v), ("torch",), stated, _in("uint8 int8 int16 int32 int64 float32 float64")),
    )


def _tensor(values: Values) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(values))


def _encoded(values: Values, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values).save(buffer, kind, **options)
    return buffer.getvalue()


def _deep_pgm(values: Values) -> bytes:
    height, width, channels = values.shape
    head = f"P{5 if channels == 1 else 6}\n{width} {height}\n65535\n".encode()
    return head + _swapped(values).tobytes()


def _pngs(values: Values) -> list[bytes]:
    return [_encoded(each, "PNG") for each in values]


def _folder(kind: str, ending: str, **options: Any) -> Callable[[Path, Values], Path]:
    def written(folder: Path, values: Values) -> Path:
        for number, each in enumerate(values):
            place = folder / "data" / f"class{number % 2}" / f"{number:04}{ending}"
            place.parent.mkdir(parents=True, exist_ok=True)
            deep = kind == "PPM" and each.dtype == np.uint16
            place.write_bytes(_deep_pgm(each) if deep else _encoded(each, kind, **options))
        return folder / "data"

    return written


def _list(folder: Path, values: Values) -> Path:
    images = _folder("PNG", ".png")(folder, values)
    lines = sorted(str(path.relative_to(folder)) for path in images.rglob("*.png"))
    (folder / "list.txt").write_text("\n".join(lines) + "\n")
    return folder / "list.txt"


def _manifest(folder: Path, values: Values) -> Path:
    images = _folder("PNG", ".png")(folder, values)
    rows = [f"{path.relative_to(folder)},{path.parent.name}" for path in sorted(images.rglob("*.png"))]
    (folder / "list.csv").write_text("\n".join(["path,label", *rows]) + "\n")
    return folder / "list.csv"


def _tar(path: Path, values: Values, form: int = tarfile.PAX_FORMAT) -> None:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w", format=form) as archive:
        for number, data in enumerate(_pngs(values)):
            member = tarfile.TarInfo(f"{'long' * 30}/class{number % 2}/{number:04}.png")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def _cells(values: Values) -> Any:
    import pyarrow as pa

    return pa.table({"image": pa.array(_pngs(values), pa.binary()), "label": [f"c{k % 2}" for k in range(len(values))]})


def _parquet_of_images(path: Path, values: Values) -> None:
    from pyarrow import parquet

    parquet.write_table(_cells(values), path, row_group_size=7)


def _arrow_of_images(path: Path, values: Values) -> None:
    from pyarrow import feather

    feather.write_feather(_cells(values), path, compression="uncompressed")


def _lmdb(path: Path, values: Values) -> None:
    import lmdb

    with lmdb.open(str(path), map_size=1 << 30) as store, store.begin(write=True) as transaction:
        for number, data in enumerate(_pngs(values)):
            transaction.put(f"{number:06}".encode(), data)


def _varint(number: int) -> bytes:
    parts = []
    while True:
        number, low = number >> 7, number & 127
        parts.append(low | (128 if number else 0))
        if not number:
            return bytes(parts)


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _tfrecord(path: Path, values: Values) -> None:
    import google_crc32c

    def masked(data: bytes) -> bytes:
        value = int(google_crc32c.value(data))
        return struct.pack("<I", (((value >> 15) | (value << 17)) + 0xA282EAD8) & 0xFFFFFFFF)

    records = []
    for data in _pngs(values):
        feature = _field(1, _field(1, data))  # bytes_list { value }
        example = _field(1, _field(1, _field(1, b"image/encoded") + _field(2, feature)))
        head = struct.pack("<Q", len(example))
        records.append(head + masked(head) + example + masked(example))
    path.write_bytes(b"".join(records))


IMAGES = (
    *_arrays("NHWC"),
    Format("PNG", _folder("PNG", ".png")),
    Format("BMP", _folder("BMP", ".bmp"), holds=_in("uint8")),
    Format("TIFF", _folder("TIFF", ".tif")),
    Format("TIFF, deflated", _folder("TIFF", ".tif", compression="tiff_deflate")),
    Format("PPM or PGM", _folder("PPM", ".ppm"), holds=_in("uint8")),
    Format("PNG without an ending", _folder("PNG", "")),
    Format("list of files", _list),
    Format("CSV of paths", _manifest),
    _one("tar", ".tar", _tar),
    _one("tar, GNU names", ".tar", lambda p, v: _tar(p, v, tarfile.GNU_FORMAT)),
    _one("tar, gzip", ".tar.gz", _tar),
    _one("Parquet of images", ".parquet", _parquet_of_images, "pyarrow"),
    _one("Arrow of images", ".arrow", _arrow_of_images, "pyarrow"),
    _one("LMDB", ".lmdb", _lmdb, "lmdb"),
    _one("TFRecord", ".tfrecord", _tfrecord, "google_crc32c"),
    Format("list of images", lambda _, values: [each[..., 0] if each.shape[-1] == 1 else each for each in values]),
)
DEEP_IMAGES = (
    *_arrays("NHWC"),
    Format("PNG", _folder("PNG", ".png")),
    Format("TIFF", _folder("TIFF", ".tif")),
    Format("PGM", _folder("PPM", ".pgm")),
)


def _table(values: Values) -> Any:
    import pyarrow as pa

    return pa.table({f"v{column}": np.ascontiguousarray(values[:, column]) for column in range(values.shape[1])})


def _lines(values: Values, sign: str) -> bytes:
    rows = [sign.join(f"v{column}" for column in range(values.shape[1]))]
    rows += [sign.join(map(repr, row)) for row in values.tolist()]
    return ("\n".join(rows) + "\n").encode()


def _csv(path: Path, values: Values) -> None:
    data = _lines(values, "\t" if ".tsv" in path.name else ",")
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def _parquet(path: Path, values: Values, rows: int, **how: Any) -> None:
    from pyarrow import parquet

    parquet.write_table(_table(values), path, row_group_size=rows, **how)


def _arrow(path: Path, values: Values, stream: bool) -> None:
    import pyarrow as pa

    table = _table(values)
    with pa.OSFile(str(path), "wb") as sink, (pa.ipc.new_stream if stream else pa.ipc.new_file)(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=11)


def _json_lines(path: Path, values: Values) -> None:
    names = [f"v{column}" for column in range(values.shape[1])]
    data = "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in values.tolist()).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def _sqlite(path: Path, values: Values) -> None:
    names = [f"v{column}" for column in range(values.shape[1])]
    database = sqlite3.connect(path)
    database.execute(f"CREATE TABLE t ({', '.join(f'{name} REAL' for name in names)})")
    database.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(names))})", values.tolist())  # noqa: S608 - our own names
    database.commit()
    database.close()


def _duckdb(path: Path, values: Values) -> None:
    import duckdb

    table = _table(values)
    with duckdb.connect(str(path)) as database:
        database.register("given", table)
        database.execute("CREATE TABLE t AS SELECT * FROM given")


def _frame(package: str) -> Callable[[Path, Values], Any]:
    def made(_: Path, values: Values) -> Any:
        columns = {f"v{column}": values[:, column] for column in range(values.shape[1])}
        return importlib.import_module(package).DataFrame(columns)

    return made


TABLES = (
    _one("CSV", ".csv", _csv),
    _one("CSV, gzip", ".csv.gz", _csv),
    _one("TSV", ".tsv", _csv),
    _one("Parquet", ".parquet", lambda p, v: _parquet(p, v, 17), "pyarrow"),
    _one("Parquet, one group, not compressed", ".parquet", lambda p, v: _parquet(p, v, 1 << 20, compression="none"), "pyarrow"),
    _one("Arrow file", ".arrow", lambda p, v: _arrow(p, v, stream=False), "pyarrow"),
    _one("Arrow stream", ".arrow", lambda p, v: _arrow(p, v, stream=True), "pyarrow"),
    _one("JSON lines", ".jsonl", _json_lines, "pyarrow"),
    _one("JSON lines, gzip", ".jsonl.gz", _json_lines, "pyarrow"),
    _one("SQLite", ".sqlite", _sqlite, "pyarrow"),
    _one("DuckDB", ".duckdb", _duckdb, "duckdb", "pyarrow"),
    Format("Arrow table", lambda _, values: _table(values), ("pyarrow",)),
    Format("polars frame", _frame("polars"), ("polars", "pyarrow")),
    Format("pandas frame", _frame("pandas"), ("pandas", "pyarrow")),
)


def _wavs(folder: Path, values: Values) -> Path:
    place = folder / "data"
    place.mkdir()
    for number, each in enumerate(values):
        with wave.open(str(place / f"{number:04}.wav"), "wb") as file:
            file.setnchannels(each.shape[1])
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(each.astype("<i2").tobytes())
    return place


def _sounds(kind: str, ending: str) -> Callable[[Path, Values], Path]:
    def written(folder: Path, values: Values) -> Path:
        import soundfile

        place = folder / "data"
        place.mkdir()
        for number, each in enumerate(values):
            soundfile.write(place / f"{number:04}{ending}", each.astype(np.int16), 8000, format=kind, subtype="PCM_16")
        return place

    return written


def _unit(folder: Path, values: Values) -> Path:
    """What 16-bit recordings mean: shares of half the range."""
    np.save(folder / "data.npy", (values / 32768).astype(np.float32))
    return folder / "data.npy"


SOUNDS = (
    Format("npy of shares", _unit, options={"layout": "NTC"}),
    Format("WAV", _wavs),
    *(
        Format(kind, _sounds(kind, ending), ("soundfile",))
        for kind, ending in (("FLAC", ".flac"), ("AIFF", ".aiff"), ("AU", ".au"), ("CAF", ".caf"), ("W64", ".w64"))
    ),
)


def _nifti(ending: str, swapped: bool = False) -> Callable[[Path, Values], Path]:
    def written(folder: Path, values: Values) -> Path:
        import nibabel

        place = folder / "data"
        place.mkdir()
        for number, each in enumerate(values):
            header = nibabel.Nifti1Header(endianness=">" if swapped else "<")
            header.set_data_dtype(each.dtype)
            nibabel.save(nibabel.Nifti1Image(each, np.eye(4), header), place / f"{number:04}{ending}")
        return place

    return written


def _each_npy(folder: Path, values: Values) -> Path:
    place = folder / "data"
    place.mkdir()
    for number, each in enumerate(values):
        np.save(place / f"{number:04}.npy", np.asfortranarray(each) if number % 2 else each)
    return place


VOLUMES = (
    Format("npy, one a volume", _each_npy, options={"layout": "HWD"}),
    Format("npy", _file(".npy", _npy), options={"layout": "NHWD"}),
    Format("HDF5, chunks", _file(".h5", lambda p, v: _hdf5(p, v, chunks=True)), ("h5py",), {"layout": "NHWD"}),
    Format("NIfTI", _nifti(".nii"), ("nibabel",)),
    Format("NIfTI, gzip", _nifti(".nii.gz"), ("nibabel",)),
    Format("NIfTI, most significant byte first", _nifti(".nii", swapped=True), ("nibabel",)),
)


@dataclass(frozen=True)
class Family:
    """Values of one meaning: how they are drawn, in which types, and the formats that can hold them."""

    name: str
    dtypes: Sequence[str]
    draw: Callable[[np.random.Generator, np.dtype[Any]], Values]
    formats: tuple[Format, ...]


def _drawn(generator: np.random.Generator, dtype: np.dtype[Any], shape: Sequence[int]) -> Values:
    if dtype.kind == "f":
        return np.ldexp(generator.standard_normal(shape), generator.integers(-20, 20, shape)).astype(dtype)
    known = np.iinfo(dtype)
    low, high = max(known.min, -(2**20)), min(known.max, 2**20)
    return generator.integers(low, high, shape, dtype=np.int64, endpoint=True).astype(dtype)


def _shape(generator: np.random.Generator, *ranges: tuple[int, int]) -> list[int]:
    return [int(generator.integers(low, high + 1)) for low, high in ranges]


_OTHERS = ("float32", "int16", "int32", "int64", "uint8")


def _rows(generator: np.random.Generator, dtype: np.dtype[Any]) -> Values:
    return _drawn(generator, dtype, _shape(generator, (2, 100), (2, 7)))


FAMILIES = (
    Family(
        "images of 8 bits",
        ("uint8",),
        lambda g, d: _drawn(g, d, [*_shape(g, (3, 80), (5, 24), (5, 24)), int(g.choice([1, 3]))]),
        IMAGES,
    ),
    Family("images of 16 bits", ("uint16",), lambda g, d: _drawn(g, d, [*_shape(g, (3, 20), (5, 24), (5, 24)), 1]), DEEP_IMAGES),
    Family("rows of numbers", ("float64",), _rows, (*_arrays("NC"), *TABLES)),
    Family("arrays of other types", _OTHERS, _rows, _arrays("NC")),
    Family("tables of other types, which count as float64", _OTHERS, _rows, TABLES),
    Family("recordings", ("int16",), lambda g, d: _drawn(g, d, _shape(g, (2, 9), (50, 400), (1, 2))), SOUNDS),
    Family(
        "volumes",
        ("int16", "float32", "uint8"),
        lambda g, d: _drawn(g, d, _shape(g, (2, 5), (5, 12), (6, 12), (5, 9))),
        VOLUMES,
    ),
)
