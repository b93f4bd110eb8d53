"""HDF5, NetCDF-4 and MATLAB 7.3 against NumPy on the same arrays, and what must not be followed."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tare
from tare.errors import DataError
from tare.samples.raw_kind import Known
from tare.sources.opening import open_source
from tare.sources.options import Options
from tests.sources.reading import assert_moments, assert_pooled_by_index, state_of

h5py = pytest.importorskip("h5py", reason="reads HDF5 (pip install 'tare[science]')")
RNG = np.random.default_rng(2)


def one(path: Path, values: Any, name: str = "images", **options: Any) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset(name, data=values, **options)
    return path


@pytest.mark.parametrize("dtype", ["uint8", ">u2", "int16", "float16", ">f4", "float64", "int64", "bool"])
@pytest.mark.parametrize("options", [{}, {"chunks": (3, 4, 5, 3), "compression": "gzip"}])
def test_a_dataset_is_what_numpy_computes(tmp_path: Path, dtype: str, options: Any) -> None:
    values = RNG.integers(0, 2 if dtype == "bool" else 100, (10, 6, 7, 3)).astype(dtype)
    source = open_source(one(tmp_path / "a.h5", values, **options))
    assert_moments(state_of(source), values.reshape(-1, 3))


def test_samples_are_read_by_index_and_in_parts_if_they_are_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = RNG.integers(0, 60000, (5, 3, 20, 30)).astype("uint16")
    place = one(tmp_path / "a.h5", values, chunks=(2, 3, 7, 8))
    assert_pooled_by_index(open_source(place))
    whole = tare.measure(place)
    monkeypatch.setattr("tare.sources.containers.stored._PART_BYTES", 900)
    assert tare.measure(place).channels == whole.channels
    assert whole.samples == 5


def test_several_datasets_must_be_named_and_are_listed_with_their_shapes(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["train/x"] = RNG.normal(size=(20, 4))
        file["train/y"] = np.arange(20)
    with pytest.raises(DataError, match=r"train/x \(20 x 4 float64\), train/y \(20 int64\), found several.*a.h5#train/x"):
        tare.measure(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        expected = file["train/x"][:].mean(axis=0)
    for stats in (tare.measure(f"{tmp_path}/a.h5#train/x"), tare.measure(tmp_path / "a.h5", array="/train/x")):
        np.testing.assert_allclose(stats.mean, expected, rtol=1e-12)
    with pytest.raises(DataError, match="one of the arrays or tables"):
        tare.measure(f"{tmp_path}/a.h5#train/z")
    with pytest.raises(DataError, match="one name of an array"):
        tare.measure(f"{tmp_path}/a.h5#train/x", array="train/y")


def test_a_whole_array_is_one_sample_where_the_layout_has_no_n(tmp_path: Path) -> None:
    values = RNG.normal(size=(6, 7, 5)).astype("f4")
    stats = tare.measure(one(tmp_path / "a.h5", values), layout="HWC")
    assert stats.samples == 1
    np.testing.assert_allclose(stats.mean, values.astype("f8").mean(axis=(0, 1)), rtol=1e-12)


def test_units_scale_and_fill_value_are_those_that_cf_attributes_state(tmp_path: Path) -> None:
    values = RNG.integers(0, 400, (3, 8, 9)).astype("int16")
    values[0] = -999
    with h5py.File(tmp_path / "a.nc", "w") as file:
        data = file.create_dataset("t2m", data=values)
        data.attrs["units"], data.attrs["_FillValue"] = "K", np.int16(-999)
    stats = tare.measure(tmp_path / "a.nc", layout="NHW")
    np.testing.assert_allclose(stats.mean, values[1:].mean(), rtol=1e-12)
    assert stats.units == Known("K", f"{tmp_path}/a.nc#t2m")
    assert isinstance(stats.nodata, Known)
    with h5py.File(tmp_path / "a.nc", "a") as file:
        file["t2m"].attrs["scale_factor"] = 0.01
    assert "0.01 v + 0 K stated" in tare.measure(tmp_path / "a.nc", layout="NHW").extra["facts"]["scale"]


def test_a_folder_of_files_is_one_dataset_and_files_that_state_different_units_are_refused(tmp_path: Path) -> None:
    values = [RNG.normal(size=(4 + k, 3)) for k in range(3)]
    for k, each in enumerate(values):
        one(tmp_path / f"{k}.h5", each)
    np.testing.assert_allclose(tare.measure(tmp_path).mean, np.concatenate(values).mean(axis=0), rtol=1e-12)
    one(tmp_path / "3.h5", np.ones((2, 3)))
    with h5py.File(tmp_path / "3.h5", "a") as file:
        file["images"].attrs["units"] = "K"
    with pytest.raises(DataError, match=r"state the same of their values, found units K in .*3.h5"):
        tare.measure(tmp_path)


def made(path: Path, kind: str) -> str:  # noqa: C901, PLR0912 - a table of cases
    """A file that is damaged, lies, or points out of itself; returns what to measure."""
    other = one(path.parent / "other.h5", np.arange(12.0))
    (path.parent / "raw.bin").write_bytes(np.arange(12.0).tobytes())
    with h5py.File(path, "w") as file:
        if kind == "external link":
            file["images"] = h5py.ExternalLink(str(other), "images")
        elif kind == "soft link":
            file["real"] = np.arange(12.0)
            file["images"] = h5py.SoftLink("/real")
        elif kind == "external storage":
            file.create_dataset("images", (12,), "f8", external=[(str(path.parent / "raw.bin"), 0, 96)])
        elif kind == "virtual":
            layout = h5py.VirtualLayout((12,), "f8")
            layout[:] = h5py.VirtualSource(str(other), "images", (12,))
            file.create_virtual_dataset("images", layout)
        elif kind == "strings":
            file["images"] = ["a", "b"]
        elif kind == "records":
            file["images"] = np.zeros(3, [("a", "f8"), ("b", "i4")])
        elif kind == "complex":
            file["images"] = np.ones(4, complex)
        elif kind == "empty":
            file["images"] = np.zeros((0, 3))
        elif kind == "never filled":
            file.create_dataset("images", (1 << 20, 1 << 10, 3), "f8", chunks=(1, 1 << 10, 3))
        else:
            file["images"] = RNG.normal(size=(200, 30))
    data = path.read_bytes()
    if kind == "cut short":
        path.write_bytes(data[: len(data) // 2])
    if kind == "words":
        path.write_bytes(b"words " * 50)
    if kind == "no bytes":
        path.write_bytes(b"")
    return f"{path}#images" if "link" in kind else str(path)


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("external link", "which is a link to .*other.h5"),
        ("soft link", "a link to '/real'"),
        ("external storage", "whose values lie in .*raw.bin"),
        ("virtual", "a virtual dataset of .*other.h5"),
        ("strings", "never unpickled"),
        ("records", "records of a, b"),
        ("complex", "dtype complex128"),
        ("empty", "none in .*a.h5"),
        ("never filled", "a decompression bomb, or was never written"),
        ("cut short", "an HDF5 file"),
        ("words", "an HDF5 file"),
        ("no bytes", "an HDF5 file"),
    ],
)
def test_nothing_outside_the_file_is_read_and_nothing_but_numbers(tmp_path: Path, kind: str, found: str) -> None:
    place = made(tmp_path / "a.h5", kind)
    with pytest.raises(DataError, match=found) as raised:
        tare.measure(place)
    assert "\n" not in str(raised.value)


def test_a_virtual_dataset_of_its_own_file_is_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["parts"] = np.arange(12.0)
        layout = h5py.VirtualLayout((12,), "f8")
        layout[:] = h5py.VirtualSource(".", "parts", (12,))
        file.create_virtual_dataset("all", layout)
    assert tare.measure(f"{tmp_path}/a.h5#all").mean == (5.5,)


def test_a_damaged_chunk_is_an_error_and_no_sample(tmp_path: Path) -> None:
    place = one(tmp_path / "a.h5", RNG.normal(size=(200, 30)), chunks=(10, 30), compression="gzip", fletcher32=True)
    data = bytearray(place.read_bytes())
    data[-2000:-1900] = bytes(100)
    place.write_bytes(data)
    with pytest.raises(DataError, match="an undamaged array"):
        tare.measure(place)


def save_matlab_7_3(place: Path, arrays: dict[str, Any], kind: str = "double", **attributes: Any) -> None:
    """Write arrays as MATLAB's ``save -v7.3`` does: the fastest axis last."""
    with h5py.File(place, "w", userblock_size=512) as file:
        for name, values in arrays.items():
            file[name] = np.asarray(values).transpose()
            file[name].attrs["MATLAB_class"] = np.bytes_(kind)
            file[name].attrs.update(attributes)


@pytest.mark.parametrize(
    ("shape", "layout", "meant"),
    [
        ((8, 9, 3, 10), "HWCN", None),
        ((8, 9, 3, 10), None, None),
        ((10, 8, 9, 3), None, "NHWC"),
        ((40, 3), None, "NC"),
        ((40, 3), "NC", "NC"),
        ((40, 1), None, "NC"),
        ((8, 9, 3), "HWC", "HWC"),
    ],
)
def test_matlab_files_of_both_kinds_give_the_same_numbers(
    shape: tuple[int, ...], layout: str | None, meant: str | None, tmp_path: Path
) -> None:
    from scipy import io

    values = RNG.integers(0, 255, shape).astype("uint8")
    io.savemat(tmp_path / "v5.mat", {"X": values, "names": np.array(["a", "b"], object)})
    save_matlab_7_3(tmp_path / "v7.mat", {"X": values}, "uint8")
    axes = meant or "HWCN"
    found = [tare.measure(tmp_path / name, layout=layout) for name in ("v5.mat", "v7.mat")]
    for stats in found:
        assert stats.samples == (shape[axes.index("N")] if "N" in axes else 1)
        others = tuple(axis for axis, letter in enumerate(axes) if letter != "C")
        np.testing.assert_allclose(stats.mean, values.mean(axis=others) / 255, rtol=1e-12)
        said = any(f"layout {axes} assumed for shape {shape}" in remark for remark in stats.extra.get("remarks", ()))
        assert said == (layout is None)


@pytest.mark.parametrize("shape", [(28, 30, 100), (8, 9, 10, 11)])
def test_a_matlab_array_that_may_hold_its_samples_first_or_last_needs_a_layout(shape: tuple[int, ...], tmp_path: Path) -> None:
    from scipy import io

    values = RNG.integers(0, 255, shape).astype("uint8")
    io.savemat(tmp_path / "v5.mat", {"X": values})
    save_matlab_7_3(tmp_path / "v7.mat", {"X": values}, "uint8")
    for name in ("v5.mat", "v7.mat"):
        with pytest.raises(DataError, match=r"which axis counts samples, the first or the last.*--layout HWCN"):
            tare.measure(tmp_path / name)


def compact_double(values: NDArray[np.uint8]) -> bytes:
    """A MATLAB 5 file whose doubles are whole and small, and therefore stored in bytes."""

    def part(kind: int, data: bytes) -> bytes:
        return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)

    shape = struct.pack(f"<{values.ndim}i", *values.shape)
    body = part(6, struct.pack("<II", 6, 0)) + part(5, shape) + part(1, b"X") + part(2, values.tobytes(order="F"))
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    return head + part(14, body)


def test_matlab_values_have_the_class_that_matlab_shows_however_they_are_stored(tmp_path: Path) -> None:
    from scipy import io

    values = RNG.integers(0, 256, (50, 3)).astype(np.uint8)
    (tmp_path / "double5.mat").write_bytes(compact_double(values))
    save_matlab_7_3(tmp_path / "double7.mat", {"X": values.astype(float)})
    io.savemat(tmp_path / "logical5.mat", {"X": values > 100})
    save_matlab_7_3(tmp_path / "logical7.mat", {"X": (values > 100).astype(np.uint8)}, "logical", MATLAB_int_decode=np.int32(1))
    for name, dtype, expected in (("double", "float64", values), ("logical", "bool", values > 100)):
        for version in (5, 7):
            stats = tare.measure(tmp_path / f"{name}{version}.mat")
            assert stats.dtype == dtype
            np.testing.assert_allclose(stats.mean, expected.mean(0), rtol=1e-12)


def test_complex_matlab_values_are_refused(tmp_path: Path) -> None:
    from scipy import io

    io.savemat(tmp_path / "a.mat", {"X": RNG.normal(size=(20, 3)) * (1 + 2j)})
    with pytest.raises(DataError, match="an array of real numbers, found dtype complex128"):
        tare.measure(tmp_path / "a.mat")


@pytest.mark.parametrize("kind", ["char", "empty", "sparse"])
def test_what_matlab_stores_as_codes_or_sizes_is_no_array_of_numbers(kind: str, tmp_path: Path) -> None:
    place = tmp_path / "a.mat"
    if kind == "char":
        save_matlab_7_3(place, {"X": np.array([[104, 105]], np.uint16)}, "char")
    elif kind == "empty":
        save_matlab_7_3(place, {"X": np.array([0, 3], np.uint64)}, MATLAB_empty=np.uint8(1))
    else:
        save_matlab_7_3(place, {"X/data": np.array([1.0, 2.0])})
        with h5py.File(place, "a") as file:
            file["X"].attrs["MATLAB_sparse"] = np.uint64(5)
    for array in (None, "X/data" if kind == "sparse" else "X"):
        with pytest.raises(DataError, match="none in"):
            tare.measure(place, array=array)


@pytest.mark.parametrize("kind", ["cells", "cut short", "words", "no bytes"])
def test_matlab_files_without_numbers_or_damaged_are_refused(tmp_path: Path, kind: str) -> None:
    from scipy import io

    place = tmp_path / "a.mat"
    io.savemat(place, {"X": np.array([1, "a"], object)} if kind == "cells" else {"X": RNG.normal(size=(90, 90))})
    if kind == "cut short":
        place.write_bytes(place.read_bytes()[:5000])
    if kind in ("words", "no bytes"):
        place.write_bytes(b"words " * 50 if kind == "words" else b"")
    with pytest.raises(DataError) as raised:
        tare.measure(place)
    assert "\n" not in str(raised.value)


def test_options_of_other_formats_are_refused(tmp_path: Path) -> None:
    place = one(tmp_path / "a.h5", np.ones((4, 3)))
    with pytest.raises(DataError, match="options that fit"):
        open_source(place, Options(columns=("a",)))


def test_a_chunk_of_gigabytes_is_refused_undecoded(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("x", (1 << 14, 1 << 14), "f8", chunks=(1 << 14, 1 << 14), compression="gzip")
        data.id.write_direct_chunk((0, 0), b"never looked at" * 100_000)
    with pytest.raises(DataError, match=r"stored chunks of at most 1,073,741,824 bytes, decoded, found chunks of 2,147,483,648"):
        tare.measure(tmp_path / "a.h5")


def test_missing_values_of_the_cf_conventions_are_left_out_and_a_valid_range_is_said(tmp_path: Path) -> None:
    values = RNG.integers(-100, 100, (10, 6, 7, 3)).astype("int16")
    place = one(tmp_path / "a.nc", values)
    with h5py.File(place, "a") as file:
        file["images"].attrs["missing_value"] = np.array([-99, -98], "int16")
        file["images"].attrs["valid_range"] = np.array([-50, 50], "int16")
    stats = tare.measure(place)
    kept = [values[..., c][~np.isin(values[..., c], (-99, -98))].mean() for c in range(3)]
    np.testing.assert_allclose(stats.mean, kept, rtol=1e-12)
    assert "valid range: from -50 to 50 of raw values; others are not left out" in stats.extra["remarks"]


def test_signed_values_that_stand_for_unsigned_ones_are_read_as_those(tmp_path: Path) -> None:
    values = RNG.integers(0, 256, (10, 6, 7, 3)).astype("uint8")
    place = one(tmp_path / "a.nc", values.view("int8"))
    with h5py.File(place, "a") as file:
        file["images"].attrs["_Unsigned"], file["images"].attrs["_FillValue"] = "true", np.int8(-1)
    stats = tare.measure(place)
    assert stats.dtype == "uint8"
    kept = [values[..., c][values[..., c] != 255].mean() / 255 for c in range(3)]
    np.testing.assert_allclose(stats.mean, kept, rtol=1e-12)


def test_chunks_that_were_never_written_are_counted(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", (10, 4), "f4", chunks=(1, 4), fillvalue=7.0)[:5] = 1
    stats = tare.measure(tmp_path / "a.h5")
    assert stats.mean == (4.0,) * 4
    assert "chunks that are not stored: 5 of 10, whose values count as the fill value 7.0" in stats.extra["remarks"]
