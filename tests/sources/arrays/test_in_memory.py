from __future__ import annotations

import gzip
import io
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import tare
from tare.datasets.archives import labelled_archive
from tare.errors import DataError
from tare.sources.arrays.axes import axes_of
from tare.sources.opening import open_source
from tare.sources.options import Options
from tests.sources.reading import assert_moments, state_of

IMAGES = np.random.default_rng(0).integers(0, 256, (50, 8, 9, 3), dtype=np.uint8)


def channels_of(images: NDArray[Any]) -> NDArray[Any]:
    return images.reshape(-1, images.shape[-1])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "bool", "int16", "int64", "float16", "float32", "float64"])
@pytest.mark.parametrize("first", [False, True])
def test_an_array_agrees_with_numpy_in_either_layout(dtype: str, first: bool) -> None:
    images = (IMAGES > 100).astype(dtype) if dtype == "bool" else IMAGES.astype(dtype)
    given = np.moveaxis(images, -1, 1) if first else images
    state = state_of(open_source(given))
    assert_moments(state, channels_of(images))
    assert state.samples == len(images)


def test_both_layouts_give_the_same_bits_for_integers() -> None:
    last, first = (tare.measure(values) for values in (IMAGES, np.ascontiguousarray(np.moveaxis(IMAGES, -1, 1))))
    assert last.channels == first.channels


def test_a_torch_tensor_is_an_array() -> None:
    tensor = torch.from_numpy(IMAGES).permute(0, 3, 1, 2).float() / 255
    stats = tare.measure(tensor)
    np.testing.assert_allclose(stats.mean, channels_of(IMAGES).mean(axis=0) / 255, rtol=1e-6)
    np.testing.assert_allclose(tare.measure(tensor.bfloat16()).mean, stats.mean, rtol=1e-2)


@pytest.mark.parametrize(
    ("shape", "dtype", "axes"),
    [
        ((9,), "float64", "N"),
        ((9, 40), "float32", "NC"),
        ((9, 28, 28), "uint8", "NHW"),
        ((9, 100, 2), "float32", "NTC"),
        ((9, 2, 100), "float32", "NCT"),
        ((9, 8, 8, 3), "uint8", "NHWC"),
        ((9, 3, 8, 8), "float32", "NCHW"),
    ],
)
def test_the_stated_rule_finds_the_axes(shape: tuple[int, ...], dtype: str, axes: str) -> None:
    assert axes_of(shape, np.dtype(dtype), None, "x") == axes


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((9, 28, 28), "float32"),
        ((9, 3, 8, 4), "uint8"),
        ((9, 8, 8, 13), "uint8"),
        ((9, 3, 28), "uint8"),
        ((9, 2, 2, 2, 2), "uint8"),
        ((64, 64, 3), "float32"),
        ((64, 64, 13), "uint16"),
    ],
)
def test_axes_that_could_mean_two_things_are_asked_for(shape: tuple[int, ...], dtype: str) -> None:
    with pytest.raises(DataError, match="--layout"):
        axes_of(shape, np.dtype(dtype), None, "x")


@pytest.mark.parametrize("layout", ["HWC", "", "NHWCC", "NHCW", "NHW", "N-WC"])
def test_a_layout_that_makes_no_sense_is_refused(layout: str) -> None:
    with pytest.raises(DataError, match="layout"):
        open_source(IMAGES, Options(layout=layout))


def test_a_stated_layout_decides() -> None:
    signals = np.random.default_rng(0).normal(size=(20, 30, 40))
    assert_moments(state_of(open_source(signals, Options(layout="NTC"))), signals.reshape(-1, 40))
    assert_moments(state_of(open_source(signals, Options(layout="NCT"))), np.moveaxis(signals, 1, -1).reshape(-1, 30))
    assert_moments(state_of(open_source(signals, Options(layout="NHW"))), signals.reshape(-1, 1))


def test_a_table_in_memory_has_one_channel_a_column() -> None:
    table = np.random.default_rng(0).normal(1e9, 1, (1000, 5))
    assert_moments(state_of(open_source(table)), table)


@pytest.mark.parametrize(
    "values", [np.array(["a"]), np.array([1j]), np.array([None], dtype=object), np.zeros((0, 3)), np.array(3.0)]
)
def test_what_holds_no_real_numbers_is_refused(values: NDArray[Any]) -> None:
    with pytest.raises(DataError):
        open_source(values)


@settings(max_examples=20, deadline=None)
@given(number=st.integers(1, 40), cut=st.integers(1, 60), dtype=st.sampled_from(["uint8", "uint16", "float32"]))
def test_the_size_of_a_chunk_does_not_matter(number: int, cut: int, dtype: str) -> None:
    from tare.samples.records import Stack
    from tare.statistics.state import DatasetState

    values = IMAGES[:number].astype(dtype)
    parts = DatasetState()
    for start in range(0, number, cut):
        parts = parts.merge(DatasetState.of([Stack("x", values[start : start + cut])]))
    whole = DatasetState.of([Stack("x", values)])
    if dtype != "float32":
        assert parts == whole
    assert_moments(parts, channels_of(values))
    assert_moments(whole, channels_of(values))


def test_npy_is_mapped_and_agrees(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, IMAGES)
    assert_moments(state_of(open_source(path)), channels_of(IMAGES))
    np.save(path, np.asfortranarray(IMAGES))
    assert_moments(state_of(open_source(path)), channels_of(IMAGES))


def test_npz_arrays_are_chosen_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, train=IMAGES, fortran=np.asfortranarray(IMAGES[:7]), y=np.arange(50))
    with pytest.raises(DataError, match=r"train, fortran, y.*--array"):
        open_source(path)
    with pytest.raises(DataError, match="'nope'"):
        open_source(path, Options(array="nope"))
    assert_moments(state_of(open_source(path, Options(array="train"))), channels_of(IMAGES))
    assert_moments(state_of(open_source(path, Options(array="fortran"))), channels_of(IMAGES[:7]))


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_pickles_are_never_opened(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    poison = np.array([{"a": 1}], dtype=object)
    np.save(path, poison, allow_pickle=True) if name.endswith("npy") else np.savez(path, x=poison)
    with pytest.raises(DataError):
        open_source(path)


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.idx", "a.idx.gz"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"junk that is no array at all",
        b"\x93NUMPY\x01\x00",
        b"\x93NUMPY\x01\x00\x14\x00{'descr': '<f8',\n \n\n" + bytes(64),
        b"\x93NUMPY\x01\x00\x14\x00{'descr': '<f8', \0\0}" + bytes(64),
        b"\x93NUMPY\x01\x00\x14\x00" + b"(" * 20 + bytes(64),
    ],
)
def test_damaged_array_files_are_refused_in_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        state_of(open_source(path))
    assert "\n" not in str(caught.value)


def test_a_streamed_array_that_ends_early_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "images-idx3-ubyte"
    path.write_bytes(b"\0\0\x08\x03" + struct.pack(">III", 50, 8, 9) + IMAGES[..., 0].tobytes()[:-1])
    with pytest.raises(DataError, match="ends before"):
        state_of(open_source(path))


@pytest.mark.parametrize(
    ("code", "dtype"), [(0x08, "u1"), (0x09, "i1"), (0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8")]
)
@pytest.mark.parametrize("compress", [False, True])
def test_idx_of_every_type(tmp_path: Path, code: int, dtype: str, compress: bool) -> None:
    values = (IMAGES[..., 0] // 2).astype(dtype)
    data = bytes([0, 0, code, 3]) + struct.pack(">III", *values.shape) + values.tobytes()
    path = tmp_path / ("t10k-images-idx3-ubyte" + (".gz" if compress else ""))
    path.write_bytes(gzip.compress(data) if compress else data)
    assert_moments(state_of(open_source(path, Options(layout="NHW"))), values.reshape(-1, 1))


def test_a_header_that_claims_the_moon_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "images.idx"
    path.write_bytes(b"\0\0\x08\x03" + struct.pack(">III", 10, 1 << 31, 1 << 31))
    with pytest.raises(DataError, match="claimed"):
        state_of(open_source(path))


@pytest.mark.parametrize("layout", [None, "N"])
def test_a_single_number_is_no_array_of_samples(layout: str | None, tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.array(3.0))
    for source in (tmp_path / "one.npy", np.array(3.0)):
        with pytest.raises(DataError, match=r"found shape \(\)"):
            tare.measure(source, layout=layout)


def npz(path: Path, *members: tuple[str, NDArray[Any]], before: bytes = b"") -> Path:
    """A zip archive of arrays under the names of ``members``, behind other bytes."""
    held = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(held, "w") as archive:
        warnings.simplefilter("ignore", UserWarning)  # of a name that comes twice
        for name, values in members:
            with archive.open(name, "w") as member:
                np.save(member, values)
    path.write_bytes(before + held.getvalue())
    return path


def test_archives_that_readers_read_differently_are_refused(tmp_path: Path) -> None:
    x, y = np.arange(120, dtype=np.uint8).reshape(10, 12), np.arange(10)
    one = npz(tmp_path / "one.npz", ("x.npy", x), ("y.npy", y))
    twice = npz(tmp_path / "twice.npz", ("x.npy", x), ("y.npy", y), ("x.npy", x + 1))
    joined = npz(tmp_path / "joined.npz", ("x.npy", x + 1), ("y.npy", y), before=one.read_bytes())
    for path, message in ((twice, "'x.npy' twice"), (joined, "bytes before it")):
        with pytest.raises(DataError, match=message):
            tare.measure(path, array="x")
        with pytest.raises(DataError, match=message):
            labelled_archive(str(path), None, None)
    with pytest.raises(DataError, match="found no name, beside 'x'"):
        tare.measure(npz(tmp_path / "bare.npz", ("x", x), ("y.npy", y)))
    assert tare.measure(one, array="x").channels[0].count == 10


@pytest.mark.parametrize(
    ("values", "attributes"),
    [
        (np.arange(24, dtype="i2").reshape(6, 4) % 7, {"_FillValue": 5, "missing_value": 3}),
        (np.arange(24, dtype="i1").reshape(6, 4) * 10, {"_Unsigned": "true", "scale_factor": 0.5}),
        (np.arange(24, dtype="f4").reshape(6, 4), {}),
    ],
)
def test_an_array_of_an_open_file_is_what_the_file_itself_is(tmp_path: Path, values: NDArray[Any], attributes: Any) -> None:
    h5py = pytest.importorskip("h5py", reason="reads HDF5 (pip install 'tare[science]')")
    zarr = pytest.importorskip("zarr", reason="reads Zarr (pip install 'tare[science]')")
    array = zarr.create_array(tmp_path / "a.zarr", shape=values.shape, dtype=values.dtype, attributes=attributes)
    array[:] = values
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = values
        file["x"].attrs.update(attributes)
    by_name = tare.measure(tmp_path / "a.zarr"), tare.measure(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        by_object = tare.measure(array), tare.measure(file["x"])
    for one, other in zip(by_name, by_object, strict=True):
        assert other.channels == one.channels
        assert other.extra.get("facts", {}).get("scale") == one.extra.get("facts", {}).get("scale")
