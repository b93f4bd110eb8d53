"""Zarr and OME-Zarr against NumPy on the same arrays, and what must not be run or followed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tare
from tare.errors import DataError
from tare.sources.opening import open_source
from tests.sources.reading import assert_moments, assert_pooled_by_index, state_of

zarr = pytest.importorskip("zarr", reason="reads Zarr (pip install 'tare[science]')")
RNG = np.random.default_rng(4)


def one(path: Path, values: Any, version: int = 3, chunks: tuple[int, ...] | None = None, **options: Any) -> Path:
    array = zarr.create_array(
        path, shape=values.shape, dtype=values.dtype, chunks=chunks or values.shape, zarr_format=version, **options
    )
    array[:] = values
    return path


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "float64"])
def test_an_array_is_what_numpy_computes(tmp_path: Path, dtype: str, version: int) -> None:
    values = RNG.integers(0, 100, (10, 6, 7, 3)).astype(dtype)
    source = open_source(one(tmp_path / "a.zarr", values, version, (3, 4, 5, 2)))
    assert_pooled_by_index(source)
    assert_moments(state_of(source), values.reshape(-1, 3))


def test_shards_and_large_samples_are_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = RNG.integers(0, 60000, (4, 3, 16, 20)).astype("uint16")
    one(tmp_path / "a.zarr", values, chunks=(1, 1, 4, 5), shards=(2, 1, 8, 10))
    whole = tare.measure(tmp_path / "a.zarr")
    monkeypatch.setattr("tare.sources.containers.stored._PART_BYTES", 500)
    assert tare.measure(tmp_path / "a.zarr").channels == whole.channels


def test_several_arrays_must_be_named(tmp_path: Path) -> None:
    zarr.open_group(tmp_path / "a.zarr", mode="w")
    one(tmp_path / "a.zarr" / "images", RNG.normal(size=(5, 4)))
    one(tmp_path / "a.zarr" / "labels", np.arange(5))
    with pytest.raises(DataError, match=r"images \(5 x 4 float64\), labels \(5 int64\), found several"):
        tare.measure(tmp_path / "a.zarr")
    assert tare.measure(f"{tmp_path}/a.zarr#images").samples == 5
    with pytest.raises(DataError, match="one of the arrays or tables"):
        tare.measure(f"{tmp_path}/a.zarr#../b.zarr")


def ome(path: Path, values: Any, axes: str) -> Path:
    zarr.open_group(path, mode="w", zarr_format=2)
    one(path / "0", values, 2, tuple(max(1, n // 2) for n in values.shape))
    one(path / "1", values[..., ::2, ::2], 2)
    units = {"c": {"type": "channel"}, "t": {"type": "time"}}
    described = [{"name": a, **units.get(a, {"type": "space", "unit": "micrometer"})} for a in axes]
    scale = [{"type": "scale", "scale": [1.0] * (len(axes) - 2) + [0.25, 0.25]}]
    sets = [{"path": p, "coordinateTransformations": scale} for p in ("0", "1")]
    attributes = {"multiscales": [{"version": "0.4", "axes": described, "datasets": sets}]}
    attributes |= {"omero": {"channels": [{"label": "DAPI"}, {"label": "GFP"}]}}  # type: ignore[dict-item]
    (path / ".zattrs").write_text(json.dumps(attributes))
    return path


@pytest.mark.parametrize("axes", ["tczyx", "czyx", "cyx", "zyx"])
def test_an_ome_image_is_one_sample_at_full_resolution_with_its_channel_names(tmp_path: Path, axes: str) -> None:
    shape = tuple({"t": 2, "c": 2, "z": 3, "y": 8, "x": 10}[a] for a in axes)
    values = [RNG.integers(0, 4000, shape).astype("uint16") for _ in range(2)]
    for k, each in enumerate(values):
        ome(tmp_path / f"{k}.zarr", each, axes)
    stats = tare.measure(tmp_path)
    assert stats.samples == 2
    channels = [np.moveaxis(each, axes.index("c"), -1).reshape(-1, 2) if "c" in axes else each.reshape(-1, 1) for each in values]
    np.testing.assert_allclose(stats.mean, np.concatenate(channels).mean(axis=0) / 65535, rtol=1e-12)
    assert [channel.name for channel in stats.channels] == (["DAPI", "GFP"] if "c" in axes else ["grey"])
    assert stats.extra["facts"]["spacing"].endswith("0.25 x 0.25 micrometer")


def hostile(path: Path, kind: str) -> str:  # noqa: C901, PLR0912 - a table of cases
    values = RNG.normal(size=(20, 30))
    if kind == "pickle":
        one(path, values, 2)
        metadata = json.loads((path / ".zarray").read_text())
        (path / ".zarray").write_text(json.dumps({**metadata, "filters": [{"id": "pickle"}]}))
        return str(path)
    if kind == "objects":
        one(path, values, 2)
        metadata = json.loads((path / ".zarray").read_text())
        (path / ".zarray").write_text(json.dumps({**metadata, "dtype": "|O", "filters": [{"id": "json2"}]}))
        return str(path)
    one(path, values, chunks=(10, 30))
    file = path / "zarr.json"
    text = json.loads(file.read_text())
    if kind == "unknown codec":
        file.write_text(json.dumps({**text, "codecs": [{"name": "evil.codec"}, *text["codecs"]]}))
    if kind == "codec inside shards":
        inside = {"name": "sharding_indexed", "configuration": {"chunk_shape": [5, 5], "codecs": [{"name": "numcodecs.pickle"}]}}
        file.write_text(json.dumps({**text, "codecs": [inside]}))
    if kind == "no JSON":
        file.write_text("{")
    if kind == "a list":
        file.write_text("[]")
    if kind == "deep JSON":
        file.write_text("[" * 100_000)
    if kind == "negative shape":
        file.write_text(json.dumps({**text, "shape": [-1, 30]}))
    if kind == "never filled":
        file.write_text(json.dumps({**text, "shape": [1 << 40, 30]}))
    if kind == "damaged chunk":
        (path / "c" / "0" / "0").write_bytes(b"rubbish")
    if kind == "linked chunk":
        (path / "c").rename(path.parent / "c")
        (path / "c").symlink_to(path.parent / "c")
    if kind in ("chunk by a link", "pipe as a chunk", "link to a pipe"):
        chunk = path / "c" / "1" / "0"
        chunk.rename(path.parent / "elsewhere")
        os.mkfifo(chunk if kind == "pipe as a chunk" else path.parent / "pipe")
        if kind != "pipe as a chunk":
            chunk.symlink_to(path.parent / ("pipe" if kind == "link to a pipe" else "elsewhere"))
    if kind == "pipe of attributes":
        os.mkfifo(path / ".zattrs")
    return str(path)


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("pickle", "the codec 'pickle'"),
        ("objects", "never unpickled"),
        ("unknown codec", "the codec 'evil.codec'"),
        ("codec inside shards", "the codec 'pickle'"),
        ("no JSON", "Zarr metadata"),
        ("a list", "no JSON object"),
        ("deep JSON", "Zarr metadata"),
        ("negative shape", "a.zarr"),
        ("never filled", "decompression bomb"),
        ("damaged chunk", "an undamaged array"),
        ("linked chunk", "the link 'c'"),
        ("chunk by a link", "the link 'c/1/0'"),
        ("link to a pipe", "the link 'c/1/0'"),
        ("pipe as a chunk", "the pipe, socket or device 'c/1/0'"),
        ("pipe of attributes", "the pipe, socket or device '.zattrs'"),
    ],
)
def test_no_codec_runs_code_and_no_path_leaves_the_folder(tmp_path: Path, kind: str, found: str) -> None:
    with pytest.raises(DataError, match=found) as raised:
        tare.measure(hostile(tmp_path / "a.zarr", kind))
    assert "\n" not in str(raised.value)


def test_a_chunk_that_holds_more_than_its_values_and_one_of_gigabytes_are_refused_undecoded(tmp_path: Path) -> None:
    array = zarr.create_array(tmp_path / "a.zarr", shape=(64, 64), chunks=(64, 64), dtype="f8", zarr_format=2, compressors=None)
    array[:] = 1.0
    chunk = tmp_path / "a.zarr" / "0.0"
    assert tare.measure(tmp_path / "a.zarr").mean[0] == 1.0
    chunk.write_bytes(chunk.read_bytes() * 10)
    with pytest.raises(DataError, match=r"chunks that take no more than their values, 32,768 bytes, found 327,680 in"):
        tare.measure(tmp_path / "a.zarr")
    zarr.create_array(tmp_path / "b.zarr", shape=(1 << 14, 1 << 14), chunks=(1 << 14, 1 << 14), dtype="f8")
    with pytest.raises(DataError, match=r"stored chunks of at most 1,073,741,824 bytes, decoded, found chunks of 2,147,483,648"):
        tare.measure(tmp_path / "b.zarr")


@pytest.mark.parametrize("version", [2, 3])
def test_what_the_attributes_state_and_what_is_not_stored_is_said(tmp_path: Path, version: int) -> None:
    told = {"scale_factor": 0.5, "add_offset": 1, "_FillValue": -1}
    array = zarr.create_array(
        tmp_path / "a.zarr", shape=(10, 4), chunks=(2, 4), dtype="i2", fill_value=-1, zarr_format=version, attributes=told
    )
    array[:6] = np.arange(24).reshape(6, 4)
    stats = tare.measure(tmp_path / "a.zarr")
    assert stats.mean == (10.0, 11.0, 12.0, 13.0)
    assert stats.extra["facts"]["scale"] == "0.5 v + 1 stated for a raw value v, not applied"
    assert "chunks that are not stored: 2 of 5, whose values count as the fill value -1" in stats.extra["remarks"]


@pytest.mark.parametrize("told", ["-9999", "AAAAAICHw8A="])
def test_a_fill_value_that_is_written_as_text_is_left_out(tmp_path: Path, told: str) -> None:
    """xarray writes a float into the attributes of version 3 as eight bytes in base64."""
    array = zarr.create_array(tmp_path / "a.zarr", shape=(6, 2), dtype="f4", zarr_format=3, attributes={"_FillValue": told})
    array[:] = np.arange(12).reshape(6, 2)
    array[:2] = -9999
    stats = tare.measure(tmp_path / "a.zarr")
    assert stats.mean == (7.0, 8.0)
    assert stats.nodata.value == (-9999.0,)  # type: ignore[union-attr]


@pytest.mark.parametrize(("attributes", "mean"), [({"_ARRAY_DIMENSIONS": ["y", "x"]}, 7.0), ({}, -3328.0)])
def test_the_fill_value_of_an_array_that_xarray_wrote_means_no_data(tmp_path: Path, attributes: Any, mean: float) -> None:
    array = zarr.create_array(
        tmp_path / "a.zarr", shape=(6, 2), dtype="i2", fill_value=-9999, zarr_format=2, attributes=attributes
    )
    array[:] = np.arange(12).reshape(6, 2)
    array[:2] = -9999
    assert tare.measure(tmp_path / "a.zarr").mean[0] == pytest.approx(mean, abs=1)
