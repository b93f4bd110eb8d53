"""What is asked of a run is read as its training data were: by names where there are any, else with a word."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tare
from tare.input_spec.geometry import RowGeometry
from tare.networks.stored.trained import open_trained
from tare.predicting.samples import inputs_of
from tests.images import save_png
from tests.tiny_run import tiny_number_run, tiny_run

rasterio = pytest.importorskip("rasterio", reason="reads georeferenced rasters (pip install 'tare[geo]')")

COLOURS = ("red", "green", "blue")


def tile(path: Path, pixels: NDArray[Any], names: Sequence[str], **options: Any) -> Path:
    """A GeoTIFF of these bands."""
    path.parent.mkdir(parents=True, exist_ok=True)
    place = {"crs": "EPSG:32632", "transform": rasterio.transform.from_origin(5e5, 5e6, 10, 10)}
    profile = {"count": len(names), "height": len(pixels), "width": pixels.shape[1], "dtype": pixels.dtype.name, **place}
    with rasterio.open(path, "w", driver="GTiff", **{**profile, **options}) as file:
        file.write(np.moveaxis(pixels, -1, 0))
        file.descriptions = names
    return path


def picture() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (40, 52, 3), dtype=np.uint8)


@pytest.mark.parametrize("names", [COLOURS[::-1], ("Blue", "Green", "Red")])
@pytest.mark.parametrize("nodata", [None, 7])
def test_a_tile_that_stores_its_colours_in_another_order_is_answered_as_the_picture_of_them(
    tmp_path: Path, names: Sequence[str], nodata: int | None
) -> None:
    pixels = np.where(picture() == 7, 8, picture()).astype(np.uint8)
    save_png(tmp_path / "a.png", pixels)
    turned = tile(tmp_path / "a.tif", np.ascontiguousarray(pixels[..., ::-1]), names, nodata=nodata)
    one, other = tare.predict(tiny_run(tmp_path, with_data=False), [tmp_path / "a.png", turned])
    assert one.probability == other.probability


def test_named_bands_are_said_to_be_taken_in_their_order_by_a_run_whose_channels_have_no_names(tmp_path: Path) -> None:
    trained = open_trained(tiny_run(tmp_path, with_data=False))
    named = tile(tmp_path / "a.tif", picture(), ("B02", "B03", "B04"))
    told = f"bands are taken in their order, B02, B03, B04 in {str(named)!r}: the network was trained on channels without names"
    assert inputs_of(trained, [named]).remarks == (told,)
    for names in (COLOURS, COLOURS[::-1], ("", "", "")):
        assert inputs_of(trained, [tile(tmp_path / "b.tif", picture(), names)]).remarks == ()


def test_of_an_archive_of_several_arrays_it_is_said_which_is_answered(tmp_path: Path) -> None:
    trained = open_trained(tiny_run(tmp_path, with_data=False))
    pixels = np.stack([picture()] * 3)
    np.savez(tmp_path / "a.npz", train_images=pixels, train_labels=np.zeros(3), test_images=pixels)
    (told,) = inputs_of(trained, [tmp_path / "a.npz"]).remarks
    assert told == f"left out of {str(tmp_path / 'a.npz')!r} the arrays test_images"
    np.savez(tmp_path / "b.npz", x=pixels, y=np.zeros(3))
    assert inputs_of(trained, [tmp_path / "b.npz"]).remarks == ()


def test_a_run_of_named_bands_says_that_nameless_channels_stand_for_them_and_refuses_pictures_as_such(tmp_path: Path) -> None:
    from dataclasses import replace

    from tare.input_spec.geometry import Geometry

    bands = ("B04", "B03", "B02")
    geometry = replace(Geometry((32, 32), "bilinear", 0.9), bands=bands)
    trained = open_trained(tiny_run(tmp_path, geometry=geometry, with_data=False))
    np.save(tmp_path / "a.npy", np.stack([picture()] * 2))
    (told,) = inputs_of(trained, [tmp_path / "a.npy"]).remarks
    assert told == "channels without names are taken to be the bands of the network, B04, B03, B02, in this order"
    save_png(tmp_path / "a.png", picture())
    (answer,) = tare.predict(tmp_path / "run", [tmp_path / "a.png"])
    assert answer.error == "a picture, whose channels have no names, and the network takes the bands B04, B03, B02"
    (absent,) = tare.predict(tmp_path / "run", [tmp_path / "absent.png"])
    assert absent.error is not None
    assert "no such file" in absent.error


@pytest.mark.parametrize(("columns", "told"), [(("weight", "size"), True), (("c0", "c1"), False)])
def test_rows_of_an_array_are_said_to_be_taken_in_the_order_of_named_columns(
    tmp_path: Path, columns: tuple[str, ...], told: bool
) -> None:
    trained = open_trained(tiny_number_run(tmp_path, RowGeometry(columns)))
    np.save(tmp_path / "a.npy", np.zeros((4, 2)))
    said = f"columns without names are taken to be those of training, {', '.join(columns)}, in this order: "
    assert [remark.startswith(said) for remark in inputs_of(trained, [tmp_path / "a.npy"]).remarks] == [True] * told
