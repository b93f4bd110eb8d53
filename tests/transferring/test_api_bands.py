"""Rasters of any number of bands, from a folder to a served model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tare
from tare.errors import DataError, ModelError
from tare.input_spec.spec import InputSpec, Known

rasterio = pytest.importorskip("rasterio", reason="reads georeferenced rasters (pip install 'tare[geo]')")

BANDS = ("B02", "B03", "B04", "B08")


def tiles(folder: Path, bands: tuple[str, ...] = BANDS, **options: Any) -> Path:
    """Two classes that differ in the last band, as GeoTIFF tiles of uint16 digital numbers."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 6), ("val", 3)):
        for label, level in (("field", 1000), ("wood", 3000)):
            for index in range(count):
                values = rng.normal(1000, 100, (len(bands), 32, 32))
                values[-1] += level
                save(folder / part / label / f"{index}.tif", values.astype(np.uint16), bands, **options)
    return folder


def save(path: Path, values: Any, bands: tuple[str, ...], **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    place = {"crs": "EPSG:32632", "transform": rasterio.transform.from_origin(5e5, 5e6, 10, 10)}
    profile = {"count": len(bands), "height": 32, "width": 32, "dtype": values.dtype.name, **place, **options}
    with rasterio.open(path, "w", driver="GTiff", **profile) as file:
        file.write(values)
        file.descriptions = bands
    return path


def transferred(data: Path, out: Path, **options: Any) -> Any:
    stated = {"weights": "none", "strategy": "target", "size": 32, "epochs": 2, "workers": 0, **options}
    return tare.transfer(data=data, model="timm:test_resnet", out=out, **stated)


def test_all_bands_are_trained_on_and_named_in_what_is_served(tmp_path: Path) -> None:
    run = transferred(tiles(tmp_path / "data"), tmp_path / "run", in_channels=4)
    document = json.loads((tmp_path / "run" / "model" / "tare.json").read_text())
    assert document["geometry"]["bands"] == list(BANDS)
    assert (document["geometry"]["raw_dtype"], document["spec"]["channels"]) == ("uint16", "B02,B03,B04,B08")
    answers = tare.predict(tmp_path / "run", [tmp_path / "data" / "val" / "wood" / "0.tif"])
    assert answers[0].error is None
    assert run.model_dir.is_dir()
    timm = pytest.importorskip("timm")
    assert timm.create_model(f"local-dir:{run.model_dir}", pretrained=True).eval()(torch.zeros(1, 4, 32, 32)).shape == (1, 2)


def test_bands_are_chosen_by_name_in_the_networks_order(tmp_path: Path) -> None:
    run = transferred(tiles(tmp_path / "data"), tmp_path / "run", bands=["B08", "B03", "B02"])
    assert run.normalisation.mean[0] == pytest.approx(3000 / 65535, rel=0.05)
    assert run.normalisation.mean[1] == pytest.approx(1000 / 65535, rel=0.05)
    other = tuple(reversed(BANDS))  # the same bands in another order in the file
    values = np.stack([np.full((32, 32), 1000 + 2000 * (band == "B08"), np.uint16) for band in BANDS])
    one, two = (save(tmp_path / name, values[order], bands) for name, order, bands in (
        ("one.tif", slice(None), BANDS), ("two.tif", slice(None, None, -1), other)
    ))  # fmt: skip
    first, second = tare.predict(tmp_path / "run", [one, two])
    assert first.probability == second.probability


def test_a_tile_without_a_band_of_the_network_is_told(tmp_path: Path) -> None:
    transferred(tiles(tmp_path / "data"), tmp_path / "run", bands=["B04", "B03", "B02"])
    values = np.ones((2, 32, 32), np.uint16)
    lacking = save(tmp_path / "lacking.tif", values, ("B02", "B03"))
    good = tmp_path / "data" / "val" / "wood" / "0.tif"
    bad, fine = tare.predict(tmp_path / "run", [lacking, good])
    assert bad.error is not None
    assert "one of the bands B02, B03, found 'B04'" in bad.error
    assert fine.error is None


def test_an_rgb_network_says_how_to_take_four_bands(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"3 channels, as timm:test_resnet takes, found 4; choose 3 with --bands, or .* --in-"):
        transferred(tiles(tmp_path / "data"), tmp_path / "run")


def test_bands_of_files_that_name_none_are_refused(tmp_path: Path) -> None:
    from tests.labelled_images import dark_and_light

    with pytest.raises(DataError, match="georeferenced rasters, whose bands have names, for --bands"):
        transferred(dark_and_light(tmp_path / "data"), tmp_path / "run", bands=["B04", "B03", "B02"])


def test_tiles_with_pixels_that_mean_no_data_are_left_out_with_the_reason(tmp_path: Path) -> None:
    data = tiles(tmp_path / "data", nodata=0)
    values = np.full((4, 32, 32), 1000, np.uint16)
    values[:, :16] = 0
    save(data / "train" / "wood" / "half.tif", values, BANDS, nodata=0)
    run = transferred(data, tmp_path / "run", in_channels=4, max_skipped=0.1)
    assert any("50.00% of its values mean no data" in note for note in run.notes)
    assert min(run.normalisation.mean) > 900 / 65535


def test_a_spec_of_a_catalog_entry_gives_the_constants_of_digital_numbers(tmp_path: Path) -> None:
    twelve = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
    data = tiles(tmp_path / "data", twelve)
    run = transferred(data, tmp_path / "run", in_channels=12, strategy="source", spec="catalog:bigearthnet-s2")
    assert run.normalisation.mean[0] == pytest.approx(340.76769064 / 65535)


def test_the_served_graph_takes_digital_numbers(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    transferred(tiles(tmp_path / "data"), tmp_path / "run", in_channels=4)
    made = tare.export(tmp_path / "run", format="onnx", out=tmp_path / "m.onnx")
    assert made.parity is not None
    assert made.parity.probabilities is not None
    assert made.parity.probabilities < 1e-5
    spec = tare.spec(tmp_path / "m.onnx")
    assert isinstance(spec, InputSpec)
    assert spec.raw_dtype == Known("uint16", spec.raw_dtype.origin)  # type: ignore[union-attr]


@pytest.mark.parametrize(("bands", "dtype"), [(("height",), "float32"), (("red", "green", "blue"), "uint16")])
def test_a_tile_of_one_or_three_bands_is_left_out_where_it_says_that_pixels_mean_no_data(
    tmp_path: Path, bands: tuple[str, ...], dtype: str
) -> None:
    from tare.datasets.files import read_named
    from tare.datasets.options import LabelOptions
    from tare.datasets.split import open_split
    from tare.samples.records import Skipped

    holes = set()
    for label in "ab":
        for index in range(5):
            values = np.random.default_rng(index).integers(1, 99, (len(bands), 32, 32)).astype(dtype)
            if index < 2:
                values[0, 0] = 7000
            place = save(tmp_path / label / f"{index}.tif", values, bands, nodata=7000)
            holes |= {str(place)} if index < 2 else set()
    split = open_split(LabelOptions(tmp_path), 0)
    read = {file.path: file.read("stored") for file in (*split.train, *split.val)}
    assert {path for path, values in read.items() if isinstance(values, Skipped)} == holes
    assert {path for path in read if isinstance(read_named(path, "stored"), Skipped)} == holes
    assert {values.shape for values in read.values() if not isinstance(values, Skipped)} == {(32, 32, len(bands))}


def test_a_dark_fourth_band_of_bytes_is_no_transparency_in_training_prediction_or_a_served_graph(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    rng = np.random.default_rng(0)
    for label, level in (("land", 90), ("sea", 160)):
        for index in range(6):
            values = rng.integers(level - 40, level + 40, (4, 32, 32))
            values[3] = rng.integers(0, 9, (32, 32))
            plain = {"photometric": "RGB", "ALPHA": "NO"}  # GDAL calls a fourth band of bytes alpha else
            save(tmp_path / "data" / label / f"{index}.tif", values.astype(np.uint8), ("red", "green", "blue", "nir"), **plain)
    run = transferred(tmp_path / "data", tmp_path / "run", in_channels=4, size=24, crop=1.0)
    fed = tare.measure(tmp_path / "data", as_seen=tmp_path / "run")
    assert fed.mean == pytest.approx(run.normalisation.mean, rel=0.05)
    made = tare.export(tmp_path / "run", format="onnx", out=tmp_path / "m.onnx", with_resize=True)
    assert made.parity is not None
    assert (made.parity.resize_levels, made.parity.resize_share) == (0, 0.0)
    tare.export(tmp_path / "run", format="safetensors", out=tmp_path / "weights")
    assert "| nir | 0.0" in (tmp_path / "weights" / "README.md").read_text()
    for form in ("timm", "hf"):
        with pytest.raises(ModelError, match=f"since {form} reads two or four channels as transparency.* found a network for 4"):
            tare.export(tmp_path / "run", format=form, out=tmp_path / form)
