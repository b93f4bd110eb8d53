"""OME-TIFF against NumPy on the same arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tare
from tare.errors import DataError
from tare.samples.records import Part
from tare.sources.options import Options
from tare.sources.rasters.ome import read_ome

tifffile = pytest.importorskip("tifffile", reason="reads OME-TIFF (pip install 'tare[geo]')")
RNG = np.random.default_rng(12)


def write(path: Path, values: Any, axes: str, **metadata: Any) -> Path:
    stated = {"axes": axes, "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.25, "PhysicalSizeXUnit": "µm", "PhysicalSizeYUnit": "µm"}
    options = {"photometric": "rgb"} if axes.endswith("S") else {}
    tifffile.imwrite(path, values, ome=True, metadata={**stated, **metadata}, **options)
    return path


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
@pytest.mark.parametrize("axes", ["YX", "CYX", "ZCYX", "TCZYX", "CZYX", "YXS", "ZYX"])
def test_an_image_of_any_axes_is_one_sample(tmp_path: Path, axes: str, dtype: str) -> None:
    shape = tuple({"T": 2, "C": 2, "Z": 3, "Y": 8, "X": 10, "S": 3}[axis] for axis in axes)
    images = [RNG.integers(0, 200, shape).astype(dtype) for _ in range(2)]
    for k, image in enumerate(images):
        write(tmp_path / f"{k}.ome.tif", image, axes)
    stats = tare.measure(tmp_path)
    channel = next((axes.index(axis) for axis in "CS" if axis in axes), None)
    flat = [
        image.reshape(-1, 1) if channel is None else np.moveaxis(image, channel, -1).reshape(-1, shape[channel])
        for image in images
    ]
    values = np.concatenate(flat).astype("f8") * (1 / 255 if dtype == "uint8" else 1 / 65535 if dtype == "uint16" else 1)
    assert stats.samples == 2
    np.testing.assert_allclose(stats.mean, values.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(stats.std, values.std(axis=0), rtol=1e-12)
    parts = [part for part in read_ome(str(tmp_path / "0.ome.tif"), Options()) if isinstance(part, Part)]
    assert all(part.wholes == tuple(map(len, part.channels)) for part in parts)  # no plane lacks values of another channel


def test_channel_names_and_spacing_are_those_of_the_file(tmp_path: Path) -> None:
    image = RNG.integers(0, 4000, (2, 9, 9)).astype("uint16")
    stats = tare.measure(write(tmp_path / "a.tif", image, "CYX", Channel={"Name": ["DAPI", "GFP"]}))
    assert [channel.name for channel in stats.channels] == ["DAPI", "GFP"]
    assert stats.extra["facts"]["spacing"] == "0.25 µm x 0.25 µm"


def test_further_images_of_a_file_are_noted(tmp_path: Path) -> None:
    first = RNG.integers(0, 99, (9, 9)).astype("uint16")
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as file:
        for image in (first, first * 10):
            file.write(image, metadata={"axes": "YX"})
    stats = tare.measure(tmp_path / "a.ome.tif")
    assert stats.extra["notes"] == {"first of several images of the file read": 1}
    np.testing.assert_allclose(stats.mean, first.mean() / 65535)


def test_images_of_two_spacings_or_channel_counts_are_not_pooled(tmp_path: Path) -> None:
    write(tmp_path / "a.ome.tif", RNG.integers(0, 99, (2, 9, 9)).astype("uint16"), "CYX")
    write(tmp_path / "b.ome.tif", RNG.integers(0, 99, (2, 9, 9)).astype("uint16"), "CYX", PhysicalSizeX=0.5)
    with pytest.raises(DataError, match="one spacing"):
        tare.measure(tmp_path)
    write(tmp_path / "b.ome.tif", RNG.integers(0, 99, (3, 9, 9)).astype("uint16"), "CYX")
    with pytest.raises(DataError, match="one number of channels"):
        tare.measure(tmp_path)


def test_a_file_that_names_others_is_read_alone(tmp_path: Path) -> None:
    write(tmp_path / "a.ome.tif", RNG.integers(0, 99, (2, 9, 9)).astype("uint16"), "CYX")
    data = (tmp_path / "a.ome.tif").read_bytes()
    (tmp_path / "a.ome.tif").write_bytes(data.replace(b"<UUID FileName", b"<UUID filename"))
    assert tare.measure(tmp_path / "a.ome.tif").samples == 1


@pytest.mark.parametrize("kind", ["cut short", "header only", "no pixels described"])
def test_damaged_files_are_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    place = write(tmp_path / "a.ome.tif", RNG.integers(0, 4000, (3, 90, 90)).astype("uint16"), "CYX")
    data = place.read_bytes()
    contents = {"cut short": data[:-9000], "header only": data[:600], "no pixels described": data.replace(b"<Pixels", b"<Pexils")}
    place.write_bytes(contents[kind])
    with pytest.raises(DataError) as raised:
        tare.measure(place)
    assert "\n" not in str(raised.value)
