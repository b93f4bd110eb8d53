"""Rasters of any number of bands, from a folder to a served model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import tare
from tare.cli.main import app
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


def restated(folder: Path, offset: float) -> Path:
    """The tiles, with reflectances stated as 0.0001 v + ``offset``: another offset has other values."""
    for path in folder.rglob("*.tif"):
        with rasterio.open(path, "r+") as file:
            file.write(file.read() + np.uint16(-10000 * offset))
            file.scales, file.offsets = [1e-4] * file.count, [offset] * file.count
    return folder


def test_scales_that_files_state_otherwise_than_in_training_are_told(
    tmp_path: Path,
) -> None:
    data, other = restated(tiles(tmp_path / "data"), 0.0), restated(tiles(tmp_path / "other"), -0.1)
    said = "stated scales differ: 0.0001 v + 0 in training, 0.0001 v + -0.1 in the data"
    run = transferred(data, tmp_path / "run", test=other / "val", in_channels=4)
    assert any(note.startswith(f"test: {said}") for note in run.notes)
    document = json.loads((tmp_path / "run" / "model" / "tare.json").read_text())
    assert ["scale", "0.0001 v + 0"] in document["geometry"]["axes"]
    answers = CliRunner().invoke(app, ["predict", str(tmp_path / "run"), str(other / "val")])
    assert said in answers.stderr
    answers = CliRunner().invoke(app, ["predict", str(tmp_path / "run"), str(data / "val")])
    assert (answers.exit_code, "scales" in answers.stderr) == (0, False)
    again = transferred(other, tmp_path / "again", weights=str(run.model_dir), in_channels=4)
    assert any(note.startswith(said) for note in again.notes)
    restated(other / "train" / "wood", 0.0)
    mixed = transferred(other, tmp_path / "mixed", in_channels=4)
    assert any(note.startswith("2 stated scales in the samples, such as 0.0001 v + ") for note in mixed.notes)


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


def test_a_grey_network_mixes_named_bands_only_where_they_are_chosen(tmp_path: Path) -> None:
    data = tiles(tmp_path / "data", ("B04", "B03", "B02"))
    with pytest.raises(
        DataError, match=r"1 band, as timm:test_resnet takes, found 3: B04, B03, B02; choose one with --bands; all three"
    ):
        transferred(data, tmp_path / "run", in_channels=1)
    run = transferred(data, tmp_path / "run", in_channels=1, bands=["B04", "B03", "B02"], epochs=1)
    one, two = tare.predict(run.out, [data / "val/wood/0.tif", turned(data / "val", tmp_path / "turned") / "wood/0.tif"])
    assert one.probability == two.probability
    assert one.error is None


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


def turned(data: Path, folder: Path) -> Path:
    """The same tiles with their bands stored in the opposite order."""
    for path in sorted(data.rglob("*.tif")):
        with rasterio.open(path) as file:
            save(folder / path.relative_to(data), file.read()[::-1], file.descriptions[::-1])
    return folder


@pytest.mark.parametrize(("chosen", "channels"), [(None, 4), (["B08", "B03", "B02"], None)])
def test_the_bands_of_a_run_that_a_network_comes_from_are_found_by_name(
    tmp_path: Path, chosen: list[str] | None, channels: int | None
) -> None:
    data = tiles(tmp_path / "data")
    first = transferred(data, tmp_path / "run", bands=chosen, in_channels=channels)
    again: dict[str, Any] = {"model": str(tmp_path / "run"), "weights": "pretrained", "strategy": "target", "protocol": "probe"}
    run = tare.transfer(data=turned(data, tmp_path / "turned"), out=tmp_path / "again", workers=0, **again)
    assert run.normalisation.mean == pytest.approx(first.normalisation.mean)
    document = json.loads((tmp_path / "again" / "model" / "tare.json").read_text())
    assert document["geometry"]["bands"] == (chosen or list(BANDS))
    advice = tare.advise(model=str(tmp_path / "run"), data=tmp_path / "turned")
    assert advice.normalisations["target"].mean == pytest.approx(first.normalisation.mean)


def test_bands_of_a_run_that_files_lack_are_refused_unless_others_are_chosen(tmp_path: Path) -> None:
    transferred(tiles(tmp_path / "data"), tmp_path / "run", in_channels=4)
    other = tiles(tmp_path / "other", ("A", "B", "C", "D"))
    again: dict[str, Any] = {"model": str(tmp_path / "run"), "protocol": "probe", "strategy": "source", "workers": 0}
    wanted = r"the bands of the network, B02, B03, B04, B08, found 'B02' for .*, which has A, B, C, D; choose them .* --bands"
    with pytest.raises(DataError, match=wanted):
        tare.transfer(data=other, out=tmp_path / "again", **again)
    run = tare.transfer(data=other, out=tmp_path / "again", bands=["A", "B", "C", "D"], **again)
    assert run.model_dir.is_dir()


def test_channels_without_names_are_said_to_stand_for_the_bands_of_a_run(tmp_path: Path) -> None:
    from tare.datasets.options import LabelOptions
    from tare.datasets.split import open_split
    from tests.labelled_images import dark_and_light

    (remark,) = open_split(LabelOptions(dark_and_light(tmp_path / "data")), 0, known=["B04", "B03", "B02"]).remarks
    assert remark == "channels without names are taken to be the bands of the network, B04, B03, B02, in this order"
    np.savez(tmp_path / "a.npz", x=np.zeros((9, 8, 8, 3), np.uint8), y=np.arange(9) % 3)
    assert remark in open_split(LabelOptions(tmp_path / "a.npz"), 0, known=["B04", "B03", "B02"]).remarks


def test_images_without_labels_are_advised_on_by_the_bands_of_the_run(tmp_path: Path) -> None:
    first = transferred(tiles(tmp_path / "data"), tmp_path / "run", in_channels=4)
    flat = tmp_path / "flat"
    for path in sorted((tmp_path / "data" / "train").rglob("*.tif")):
        with rasterio.open(path) as file:
            save(flat / f"{path.parent.name}{path.name}", file.read()[::-1], BANDS[::-1])
    advice = tare.advise(model=str(tmp_path / "run"), data=flat)
    assert advice.normalisations["target"].mean == pytest.approx(first.normalisation.mean)


def test_a_test_of_tiles_in_another_order_is_read_by_the_names_of_the_training_tiles(tmp_path: Path) -> None:
    from tare.datasets.held_out.opening import open_test
    from tare.datasets.options import LabelOptions
    from tare.datasets.split import open_split
    from tare.samples.records import Skipped

    data = tiles(tmp_path / "data")
    labelled = LabelOptions(data)
    split = open_split(labelled, 0)
    files = open_test(turned(data, tmp_path / "turned") / "val", labelled, split).files
    for file, same in zip(files, split.val, strict=True):
        values, stored = file.read("stored"), same.read("stored")
        assert not isinstance(values, Skipped)
        np.testing.assert_array_equal(values, stored)


def test_constants_of_bands_in_another_order_are_refused(tmp_path: Path) -> None:
    data = tiles(tmp_path / "data")
    other = BANDS[::-1]
    stated = InputSpec.of((0.1, 0.2, 0.3, 0.4), (0.1,) * 4, channels=",".join(other), scale=1 / 65535, raw_dtype="uint16")
    wanted = r"the bands in the order that the network was trained on, found 'B02' where 'B08' was; .* --bands B08,B04,B03,B02,"
    for command, more in ((tare.transfer, {"out": tmp_path / "run", "strategy": "source"}), (tare.advise, {})):
        options: dict[str, Any] = {"weights": "none", "in_channels": 4, "size": 32, "spec": stated, **more}
        with pytest.raises(DataError, match=wanted):
            command(data=data, model="timm:test_resnet", **options)
    partly = InputSpec.of((0.1,) * 4, (0.1,) * 4, channels="B02,B03,B05,B08", scale=1 / 65535, raw_dtype="uint16")
    with pytest.raises(DataError, match="found 'B04' where 'B05' was; give the same ones in this order, or name 'B04' 'B05' if"):
        transferred(data, tmp_path / "run", in_channels=4, strategy="source", spec=partly)
    run = transferred(data, tmp_path / "run", in_channels=4, strategy="source", spec=stated, bands=other)
    assert run.normalisation.mean == (0.1, 0.2, 0.3, 0.4)


def test_statistics_of_dataset0_of_bands_in_another_order_are_refused(tmp_path: Path) -> None:
    data = tiles(tmp_path / "data")
    transferred(data, tmp_path / "run", in_channels=4)
    tare.measure(turned(data, tmp_path / "turned")).save(tmp_path / "turned.json")
    again: dict[str, Any] = {"model": str(tmp_path / "run"), "data": data, "source_stats": tmp_path / "turned.json"}
    wanted = r"channels in the order of the statistics of dataset0, '.*turned', found 'B02' where 'B08' was; measure both"
    with pytest.raises(DataError, match=wanted):
        tare.transfer(out=tmp_path / "again", strategy="match", protocol="probe", workers=0, **again)
    with pytest.raises(DataError, match=wanted):
        tare.advise(**again)


@pytest.mark.parametrize("bands", [BANDS, ("B04", "B03", "B02")])
def test_tiles_of_two_orders_are_read_by_the_names_of_the_first(tmp_path: Path, bands: tuple[str, ...]) -> None:
    from tare.datasets.files import read_named
    from tare.datasets.options import LabelOptions
    from tare.datasets.split import open_split
    from tare.samples.records import Skipped

    values = np.stack([np.full((32, 32), 100 * place, np.uint16) for place in range(len(bands))])
    for label in "ab":
        for index in range(5):
            order = slice(None, None, 1 if index % 2 == 0 else -1)
            save(tmp_path / "data" / label / f"{index}.tif", values[order], bands[order])
    other = save(tmp_path / "data" / "b" / "z.tif", values, tuple(f"x{place}" for place in range(len(bands))))
    split = open_split(LabelOptions(tmp_path / "data"), 0)
    assert split.channel_names is not None
    read = {file.path: file.read("stored") for file in (*split.train, *split.val)}
    assert isinstance(lacking := read.pop(str(other)), Skipped)
    assert "expected one of the bands x0, x1, x2" in lacking.reason
    means = {tuple(each.mean((0, 1))) for each in read.values() if not isinstance(each, Skipped)}
    assert means == {tuple(100.0 * bands.index(name) for name in split.channel_names)}
    named = read_named(str(tmp_path / "data" / "a" / "1.tif"), "stored", split.channel_names)
    assert not isinstance(named, Skipped)
    assert tuple(named.mean((0, 1))) in means
    grey = read_named(str(tmp_path / "data" / "a" / "1.tif"), "grey", bands[:3])
    assert not isinstance(grey, Skipped)
    assert (grey.shape, grey[0, 0, 0]) == ((32, 32, 1), round(0.587 * 100 + 0.114 * 200))


@pytest.mark.parametrize("bands", [("Red", "Green", "Blue"), ("Band_1", "Band_2", "Band_3"), ("VV",)])
def test_tiles_named_as_the_channels_of_a_picture_stay_pictures(tmp_path: Path, bands: tuple[str, ...]) -> None:
    from tare.datasets.options import LabelOptions
    from tare.datasets.split import open_split

    for label in "ab":
        for index in range(3):
            save(
                tmp_path / label / f"{index}.tif", np.ones((len(bands), 32, 32), np.uint8), bands if index else ("",) * len(bands)
            )
    split = open_split(LabelOptions(tmp_path), 0)
    assert split.channel_names is None
    assert {type(file).__name__ for file in split.train} == {"LabelledFile"}
    named = save(tmp_path / "a" / "named.tif", np.ones((3, 32, 32), np.uint8), ("B02", "B03", "B04"))
    split = open_split(LabelOptions(tmp_path), 0)
    kinds = {file.path: type(file).__name__ for file in (*split.train, *split.val)}
    assert kinds[str(named)] == "LabelledRaster"


def named(data: Path, folder: Path, names: tuple[str, ...]) -> Path:
    """The same tiles with other names of their bands."""
    for path in sorted(data.rglob("*.tif")):
        with rasterio.open(path) as file:
            save(folder / path.relative_to(data), file.read(), names)
    return folder


def test_constants_of_bands_in_another_order_are_refused_whatever_the_case_of_their_names(tmp_path: Path) -> None:
    data = named(tiles(tmp_path / "data"), tmp_path / "named", ("b08", "b03", "b02", "b04"))
    stated = InputSpec.of((0.1, 0.2, 0.3, 0.4), (0.1,) * 4, channels=",".join(BANDS), scale=1 / 65535, raw_dtype="uint16")
    options: dict[str, Any] = {"in_channels": 4, "strategy": "source", "spec": stated}
    with pytest.raises(DataError, match=r"found 'b08' where 'B02' was; .* --bands b02,b03,b04,b08,"):
        transferred(data, tmp_path / "run", **options)
    run = transferred(data, tmp_path / "run", bands=["b02", "b03", "b04", "b08"], **options)
    assert not any("places" in note for note in run.notes)


@pytest.mark.parametrize("names", [("Blue", "Green", "Red", "NIR"), ("", "", "", "")])
def test_constants_of_bands_that_the_data_call_otherwise_are_said_to_be_paired_by_places(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    data = named(tiles(tmp_path / "data"), tmp_path / "named", names)
    stated = InputSpec.of((0.1, 0.2, 0.3, 0.4), (0.1,) * 4, channels=",".join(BANDS), scale=1 / 65535, raw_dtype="uint16")
    options: dict[str, Any] = {"weights": "none", "in_channels": 4, "size": 32, "spec": stated, "model": "timm:test_resnet"}
    shown = names[0] or "band 1"
    told = tare.transfer(data=data, out=tmp_path / "run", strategy="source", epochs=1, workers=0, **options).notes
    assert any(note.startswith(f"channels are paired by their places: 'B02' with {shown!r}, ") for note in told)
    told = tare.advise(data=data, **options).notes
    assert any(note.startswith(f"channels are paired by their places: 'B02' with {shown!r}, ") for note in told)


def test_statistics_of_dataset0_of_other_channels_are_refused_and_of_nameless_ones_said(tmp_path: Path) -> None:
    data = tiles(tmp_path / "data")
    transferred(data, tmp_path / "run", in_channels=4)
    again: dict[str, Any] = {"model": str(tmp_path / "run"), "data": data, "protocol": "probe", "workers": 0, "strategy": "match"}
    stored = []
    for path in sorted(data.rglob("*.tif")):
        with rasterio.open(path) as file:
            stored.append(np.moveaxis(file.read(), 0, -1))
    np.save(tmp_path / "a.npy", np.stack(stored))
    tare.measure(tmp_path / "a.npy").save(tmp_path / "nameless.json")
    told = tare.transfer(out=tmp_path / "again", source_stats=tmp_path / "nameless.json", **again).notes
    assert "channels are paired by their places: 'c0' with 'B02', 'c1' with 'B03', 'c2' with 'B04', 'c3' with 'B08'" in told
    tare.measure(data, columns=BANDS[:3]).save(tmp_path / "three.json")
    with pytest.raises(DataError, match="statistics of dataset0 of 4 channels, as the data have, found 3 in"):
        tare.transfer(out=tmp_path / "more", source_stats=tmp_path / "three.json", **again)
