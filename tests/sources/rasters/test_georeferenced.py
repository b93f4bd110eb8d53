"""GeoTIFF and ENVI scenes against NumPy on the same arrays."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tare
from tare.datasets.files import read_named
from tare.errors import DataError
from tare.samples.raw_kind import Known, Unknown
from tare.samples.records import Skipped
from tare.sources.opening import open_source
from tests.sources.reading import assert_moments, assert_same_by_index, state_of

rasterio = pytest.importorskip("rasterio", reason="reads georeferenced rasters (pip install 'tare[geo]')")
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
RNG = np.random.default_rng(7)


def write(path: Path, values: NDArray[Any], driver: str = "GTiff", **options: Any) -> Path:
    """A scene ``(C, H, W)`` of 10 m pixels; ``descriptions``, ``scales``, ``units`` and ``mask`` are those of rasterio."""
    later = {key: options.pop(key) for key in ("descriptions", "scales", "offsets", "units", "colorinterp") if key in options}
    mask = options.pop("mask", None)
    place = {"crs": "EPSG:32632", "transform": rasterio.transform.from_origin(5e5, 5e6, 10, 10)}
    count, height, width = values.shape
    profile = {"count": count, "height": height, "width": width, "dtype": values.dtype.name, **place, **options}
    with rasterio.open(path, "w", driver=driver, **profile) as file:
        file.write(values)
        for key, value in later.items():
            setattr(file, key, value)
        if mask is not None:
            file.write_mask(mask)
    return path


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "float32", "float64"])
@pytest.mark.parametrize("bands", [1, 2, 3, 4, 13])
def test_any_number_of_bands_of_any_depth_is_what_numpy_computes(tmp_path: Path, dtype: str, bands: int) -> None:
    scenes = [RNG.integers(0, 200, (bands, 9 + k, 11)).astype(dtype) for k in range(3)]
    for k, scene in enumerate(scenes):
        write(tmp_path / f"{k}.tif", scene, photometric="MINISBLACK")
    source = open_source(tmp_path)
    assert_same_by_index(source)
    assert_moments(state_of(source), np.concatenate([scene.reshape(bands, -1).T for scene in scenes]))


def test_a_large_scene_is_one_sample_read_in_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = RNG.integers(0, 4000, (5, 96, 80)).astype("uint16")
    write(tmp_path / "a.tif", scene, tiled=True, blockxsize=16, blockysize=32)
    write(tmp_path / "b.tif", scene[:, :40] // 2)
    whole = tare.measure(tmp_path)
    monkeypatch.setattr("tare.sources.rasters.georeferenced._WINDOW_BYTES", 20_000)
    divided = tare.measure(tmp_path)
    assert divided.samples == 2
    assert divided.channels == whole.channels  # standard errors and per-sample figures included, to the last bit


def test_names_units_scale_spacing_and_nodata_are_those_of_the_file(tmp_path: Path) -> None:
    scene = RNG.integers(1, 4000, (2, 20, 20)).astype("uint16")
    scene[0, :7] = 0
    write(tmp_path / "a.tif", scene, nodata=0, descriptions=("B04", "B08"), scales=(0.0001, 0.0001), offsets=(-0.1, -0.1))
    stats = tare.measure(tmp_path / "a.tif")
    assert [channel.name for channel in stats.channels] == ["B04", "B08"]
    assert [channel.count for channel in stats.channels] == [260, 400]
    assert isinstance(stats.units, Known)
    assert stats.units.value == "digital numbers"
    assert isinstance(stats.nodata, Known)
    assert stats.nodata.value == (0.0,)
    assert stats.extra["facts"]["spacing"] == "10 x 10 metre"
    assert stats.extra["facts"]["scale"].startswith("0.0001 v + -0.1")
    np.testing.assert_allclose(stats.mean, [scene[0, 7:].mean() / 65535, scene[1].mean() / 65535], rtol=1e-12)


def test_units_that_the_file_does_not_state_are_unknown(tmp_path: Path) -> None:
    write(tmp_path / "a.tif", RNG.normal(size=(1, 8, 8)).astype("float32"))
    assert isinstance(tare.measure(tmp_path).units, Unknown)
    write(tmp_path / "a.tif", RNG.normal(size=(1, 8, 8)).astype("float32"), units=("dB",))
    assert tare.measure(tmp_path).units == Known("dB", str(tmp_path / "a.tif"))


def test_nan_as_nodata_and_pixels_outside_the_mask_are_left_out(tmp_path: Path) -> None:
    scene = RNG.normal(size=(2, 30, 30)).astype("float32")
    scene[1, :10] = np.nan
    write(tmp_path / "nan.tif", scene, nodata=float("nan"))
    stats = tare.measure(tmp_path / "nan.tif")
    np.testing.assert_allclose(stats.mean, np.nanmean(scene.astype("f8"), axis=(1, 2)), rtol=1e-12)
    assert [channel.nan for channel in stats.channels] == [0, 0]
    inside = RNG.random((30, 30)) < 0.5
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        write(tmp_path / "mask.tif", np.nan_to_num(scene), mask=inside)
    masked = tare.measure(tmp_path / "mask.tif")
    np.testing.assert_allclose(masked.mean, np.nan_to_num(scene).astype("f8")[:, inside].mean(axis=1), rtol=1e-12)
    assert any("mask" in note for note in masked.extra["notes"])
    (tmp_path / "beside").mkdir()
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False):
        write(tmp_path / "beside" / "a.tif", np.nan_to_num(scene), mask=inside)
    write(tmp_path / "beside" / "b.tif", np.nan_to_num(scene))
    (tmp_path / "beside" / "b.tif.aux.xml").write_text(
        '<PAMDataset><PAMRasterBand band="1"><NoDataValue>0</NoDataValue></PAMRasterBand></PAMDataset>'
    )
    source = open_source(tmp_path / "beside")
    (chunk,) = source.chunks()
    assert [Path(file).name for file in source.beside(chunk) if Path(file).exists()] == ["a.tif.msk", "b.tif.aux.xml"]
    assert tare.measure(tmp_path / "beside" / "b.tif").nodata == Known((0.0,), f"the files, such as {tmp_path}/beside/b.tif")


def test_bands_are_chosen_by_name_or_number_in_the_order_stated(tmp_path: Path) -> None:
    scene = RNG.integers(0, 4000, (4, 8, 8)).astype("uint16")
    write(tmp_path / "a.tif", scene, descriptions=("B02", "B03", "B04", "B08"))
    stats = tare.measure(tmp_path, columns=["B04", "B03", "1"])
    assert [channel.name for channel in stats.channels] == ["B04", "B03", "B02"]
    np.testing.assert_allclose(stats.mean, scene[[2, 1, 0]].mean(axis=(1, 2)) / 65535)
    with pytest.raises(DataError, match="one of the bands B02, B03, B04, B08, found 'B99'"):
        tare.measure(tmp_path, columns=["B99"])


def test_envi_is_read_by_its_header(tmp_path: Path) -> None:
    scene = RNG.integers(-500, 4000, (6, 10, 12)).astype("int16")
    write(tmp_path / "cube.bsq", scene, driver="ENVI")
    stats = tare.measure(tmp_path / "cube.bsq")
    np.testing.assert_allclose(stats.mean, scene.mean(axis=(1, 2)), rtol=1e-12)
    (tmp_path / "cube.bsq").write_bytes((tmp_path / "cube.bsq").read_bytes()[:-400])
    with pytest.raises(DataError, match="cut short"):
        tare.measure(tmp_path / "cube.bsq")


@pytest.mark.parametrize("name", ["a.tif.msk", "a.aux", "b.hdr"])
def test_a_pipe_beside_a_scene_is_not_waited_for(tmp_path: Path, name: str) -> None:
    scene = RNG.integers(0, 200, (1, 10, 12)).astype("uint8")
    write(tmp_path / "a.tif", scene)
    write(tmp_path / "b.bil", scene, driver="ENVI")
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    for one in ("a.tif", "b.bil"):
        if one[0] == name[0]:
            with pytest.raises(DataError, match=rf"'{name}' beside it is not a regular file but a pipe"):
                tare.measure(tmp_path / one)
        else:
            assert tare.measure(tmp_path / one).samples == 1


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ({}, {"scales": (0.1,)}, "one (units|scale)"),
        ({"transform": rasterio.transform.from_origin(0, 0, 60, 60)}, {}, "one spacing"),
        ({"units": ("dB",)}, {}, "one units"),
        ({"photometric": "MINISWHITE"}, {}, "one scale"),
    ],
)
def test_scenes_of_two_units_scales_or_spacings_are_not_pooled(tmp_path: Path, first: Any, second: Any, found: str) -> None:
    scene = RNG.normal(size=(1, 8, 8)).astype("float32")
    write(tmp_path / "a.tif", scene, **first)
    write(tmp_path / "b.tif", scene, **second)
    with pytest.raises(DataError, match=f"samples with {found}, .*(a.tif.*b.tif|b.tif.*a.tif)"):
        tare.measure(tmp_path)


def test_spacing_may_differ_where_that_is_said(tmp_path: Path) -> None:
    scene = RNG.normal(size=(1, 8, 8)).astype("float32")
    write(tmp_path / "a.tif", scene, transform=rasterio.transform.from_origin(0, 0, 60, 60))
    write(tmp_path / "b.tif", scene)
    assert tare.measure(tmp_path, mixed_spacing=True).samples == 2


def test_scenes_of_different_band_counts_are_named_and_not_pooled(tmp_path: Path) -> None:
    write(tmp_path / "a.tif", np.ones((3, 8, 8), "uint16"), photometric="MINISBLACK")
    write(tmp_path / "b.tif", np.ones((4, 8, 8), "uint16"), photometric="MINISBLACK")
    with pytest.raises(DataError, match=r"one number of channels.*a.tif.*b.tif"):
        tare.measure(tmp_path)


@pytest.mark.parametrize(
    ("bands", "high", "options"),
    [
        (1, 250, {"photometric": "MINISWHITE"}),
        (1, 16, {"nbits": 4}),
        (4, 250, {"photometric": "RGB", "ALPHA": "PREMULTIPLIED"}),
        (1, 250, {}),
    ],
)
def test_training_reads_the_values_that_measuring_reads(tmp_path: Path, bands: int, high: int, options: Any) -> None:
    scene = RNG.integers(0, high, (bands, 9, 8)).astype("uint8")
    scene[3:] = 128
    read = read_named(str(write(tmp_path / "a.tif", scene, **options)), "stored")
    assert not isinstance(read, Skipped)
    assert np.array_equal(read, np.moveaxis(scene[:3], 0, -1))
    assert_moments(state_of(open_source(tmp_path)), scene[:3].reshape(min(bands, 3), -1).T)


def hostile(path: Path, kind: str) -> None:
    """A GeoTIFF that is damaged or lies in the way that ``kind`` names."""
    write(path, RNG.integers(0, 4000, (3, 40, 40)).astype("uint16"), photometric="MINISBLACK")
    data = bytearray(path.read_bytes())
    if kind == "cut short":
        del data[len(data) // 2 :]
    if kind == "empty":
        data.clear()
    if kind == "one byte":
        del data[1:]
    if kind == "claims 2**31 pixels a side":
        (count,) = struct.unpack_from("<H", data, struct.unpack_from("<I", data, 4)[0])
        for at in range(count):
            place = struct.unpack_from("<I", data, 4)[0] + 2 + at * 12
            if struct.unpack_from("<H", data, place)[0] in (256, 257):
                struct.pack_into("<HI", data, place + 2, 4, 1)
                struct.pack_into("<I", data, place + 8, 2_000_000_000)
    if kind == "VRT in disguise":
        data[:] = (
            b'<VRTDataset rasterXSize="4" rasterYSize="4"><VRTRasterBand dataType="Byte" band="1"></VRTRasterBand></VRTDataset>'
        )
    path.write_bytes(data)


@pytest.mark.parametrize("kind", ["cut short", "empty", "one byte", "claims 2**31 pixels a side", "VRT in disguise"])
def test_a_damaged_or_lying_scene_is_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    hostile(tmp_path / "a.tif", kind)
    with pytest.raises(DataError) as raised:
        tare.measure(tmp_path / "a.tif")
    assert "\n" not in str(raised.value)
    write(tmp_path / "good.tif", np.ones((3, 40, 40), "uint16"), photometric="MINISBLACK")
    assert tare.measure(tmp_path, max_skipped=0.6).samples == 1


def test_a_scene_of_several_pages_is_refused_and_its_overviews_are_none(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile", reason="writes TIFFs of several pages")
    place = [(33550, "d", 3, (10.0, 10.0, 0.0), True), (33922, "d", 6, (0.0,) * 6, True)]
    with tifffile.TiffWriter(tmp_path / "two.tif") as file:
        for scale in (1, 9):
            file.write(np.full((8, 9), scale, "uint16"), photometric="minisblack", extratags=place)
    with pytest.raises(DataError, match="a TIFF of 2 pages, of which one would be read"):
        tare.measure(tmp_path / "two.tif")
    scene = write(tmp_path / "one.tif", RNG.integers(0, 4000, (1, 64, 64)).astype("uint16"))
    with rasterio.open(scene, "r+") as file:
        file.build_overviews([2, 4])
    assert tare.measure(scene).samples == 1


def test_complex_values_are_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path / "slc.tif", np.ones((1, 8, 8), "complex64"))
    with pytest.raises(DataError, match="complex values: measure their magnitude"):
        tare.measure(tmp_path / "slc.tif")


def test_the_same_bands_in_another_order_are_not_pooled_unless_chosen_by_name(tmp_path: Path) -> None:
    scene = RNG.integers(0, 4000, (2, 8, 8)).astype("uint16")
    write(tmp_path / "a.tif", scene, descriptions=("B02", "B03"))
    write(tmp_path / "b.tif", scene[::-1], descriptions=("B03", "B02"))
    with pytest.raises(DataError, match=r"one order of bands, .*B02, B03 in 1.*B03, B02 in 1"):
        tare.measure(tmp_path)
    np.testing.assert_allclose(tare.measure(tmp_path, columns=["B02", "B03"]).mean, scene.mean(axis=(1, 2)) / 65535)


def test_places_in_a_palette_are_colours_in_every_command_and_no_measured_values(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 200, (1, 8, 9)).astype("uint8")
    path = write(tmp_path / "a.tif", values)
    with rasterio.open(path, "r+") as file:
        file.write_colormap(1, {place: (place, 0, 255 - place, 255) for place in range(256)})
    stats = tare.measure(path)
    np.testing.assert_allclose(np.multiply(stats.mean, 255), (values.mean(), 0, 255 - values.mean()), rtol=1e-12)


def test_a_list_of_rasters_measures_no_value_that_means_no_data(tmp_path: Path) -> None:
    scenes = RNG.integers(90, 110, (4, 1, 9, 11)).astype("int16")
    for k, scene in enumerate(scenes):
        write(tmp_path / f"{k}.tif", scene, nodata=0)
    (tmp_path / "list.txt").write_text("".join(f"{k}.tif\n" for k in range(4)))
    assert tare.measure(tmp_path / "list.txt").mean == pytest.approx((scenes.mean(),))  # none holds the value
    scenes[0, :, :3] = 0
    write(tmp_path / "0.tif", scenes[0], nodata=0)
    write(tmp_path / "1.tif", scenes[1].astype("uint8"), photometric="MINISWHITE", nodata=0)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        write(tmp_path / "2.tif", scenes[2].astype("uint8"), mask=np.arange(99).reshape(9, 11) > 20)
    stats = tare.measure(tmp_path / "list.txt", max_skipped=1)
    assert [(Path(one.path).name, one.reason.partition(":")[0]) for one in stats.skipped] == [
        ("0.tif", "a TIFF whose value 0 means no data"),
        ("1.tif", "a TIFF whose value 0 means no data"),
        ("2.tif", "a TIFF whose mask hides values"),
    ]
