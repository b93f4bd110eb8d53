from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torchvision.transforms import v2

import tare
from tare.datasets.image_batches import evaluation_transform
from tare.errors import DataError, SpecError
from tare.input_spec.geometry import Geometry
from tare.input_spec.spec import Crop, InputSpec, Known
from tare.measuring.as_seen import stated_geometry
from tare.networks.stored.trained import open_trained
from tests.images import random_rgb, save_png
from tests.tiny_run import MEAN, tiny_run

SPEC = InputSpec(size=Known((24, 24), "test"), interpolation=Known("bilinear", "test"), crop=Known(Crop("center", 0.75), "test"))


def photos(root: Path) -> list[Image.Image]:
    sizes = [(40, 60), (60, 40), (33, 33), (25, 90)]
    root.mkdir(exist_ok=True)
    return [Image.fromarray(save_png(root / f"{i}.png", random_rgb(i, h, w))) for i, (h, w) in enumerate(sizes)]


def moments(images: list[torch.Tensor]) -> tuple[list[float], list[float]]:
    pixels = torch.stack(images).double().permute(1, 0, 2, 3).flatten(1) / 255
    return pixels.mean(dim=1).tolist(), pixels.std(dim=1, correction=0).tolist()


def assert_measured(stats: tare.DatasetStats, images: list[torch.Tensor]) -> None:
    mean, std = moments(images)
    assert stats.mean == pytest.approx(mean, rel=1e-12)
    assert stats.std == pytest.approx(std, rel=1e-12)


@pytest.mark.parametrize(
    ("interpolation", "mode"),
    [("bilinear", v2.InterpolationMode.BILINEAR), ("bicubic", v2.InterpolationMode.BICUBIC)],
)
def test_figures_are_those_of_torchvisions_own_transform(tmp_path: Path, interpolation: str, mode: Any) -> None:
    steps = v2.Compose([v2.Resize(32, interpolation=mode), v2.CenterCrop(24), v2.PILToTensor()])
    images = [steps(photo) for photo in photos(tmp_path)]
    assert_measured(tare.measure(tmp_path, as_seen=Geometry((24, 24), interpolation, 0.75)), images)


def test_squashed_images_are_those_of_torchvision(tmp_path: Path) -> None:
    steps = v2.Compose([v2.Resize((20, 30), interpolation=v2.InterpolationMode.BICUBIC), v2.PILToTensor()])
    images = [steps(photo) for photo in photos(tmp_path)]
    assert_measured(tare.measure(tmp_path, as_seen=Geometry((20, 30), "bicubic", 1.0, "squash")), images)


def test_exif_orientation_is_applied_before_the_crop_where_that_is_stated(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(random_rgb(1, 40, 80)).save(tmp_path / "turned.png", exif=exif)
    steps = v2.Compose([v2.Resize((20, 10)), v2.PILToTensor()])
    standing = ImageOps.exif_transpose(Image.open(tmp_path / "turned.png"))
    assert standing.size == (40, 80)
    geometry = Geometry((20, 10), "bilinear", 1.0, "squash")
    for data in (tmp_path, [tmp_path / "turned.png"]):
        assert_measured(tare.measure(data, as_seen=geometry, exif="apply"), [steps(standing)])
        assert_measured(tare.measure(data, as_seen=geometry), [steps(Image.open(tmp_path / "turned.png"))])
    notes = [tare.measure(tmp_path, as_seen=geometry, exif=exif).extra["notes"] for exif in ("apply", "ignore")]
    assert notes == [{"turned as EXIF states": 1}, {"EXIF orientation not applied": 1}]
    assert "notes" not in tare.measure(tmp_path).extra  # the orientation changes no pooled figure


def test_a_stack_of_images_is_seen_image_by_image(tmp_path: Path) -> None:
    images = np.stack([random_rgb(i, 30, 40) for i in range(4)])
    for index, image in enumerate(images):
        save_png(tmp_path / f"{index}.png", image)
    files, stack = tare.measure(tmp_path, as_seen="16x20"), tare.measure(images, as_seen="16x20")
    first = tare.measure(np.moveaxis(images, -1, 1), as_seen=(16, 20))
    assert files.channels == stack.channels == first.channels
    assert stack.extra["as_seen"]["size"] == [16, 20]


def test_deep_images_are_resized_as_unit_values() -> None:
    narrow = np.stack([random_rgb(i, 30, 40)[..., :1] for i in range(3)])
    wide = tare.measure(narrow.astype(np.uint16) * 257, as_seen=16)
    assert wide.dtype == "float32"
    assert wide.mean == pytest.approx(tare.measure(narrow, as_seen=16).mean, abs=2e-3)


@pytest.mark.parametrize("bands", [2, 4, 5])
def test_bands_are_seen_each_by_itself_as_training_sees_them(bands: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 40, 40, bands)).astype(np.uint8)
    images[..., -1] //= 9
    together = tare.measure(images, layout="NHWC", as_seen=16)
    alone = [tare.measure(images[..., k : k + 1], layout="NHWC", as_seen=16).mean[0] for k in range(bands)]
    assert (together.dtype, together.mean) == ("uint8", tuple(alone))


def test_a_border_has_the_colour_that_the_run_pads_with(tmp_path: Path) -> None:
    run = tiny_run(tmp_path, geometry=Geometry((32, 32), "bilinear", 1.0, "border"))
    photos(tmp_path / "photos")
    model = open_trained(run).model
    see = evaluation_transform(model.geometry, model.normalisation.border("uint8"))
    images = [see(Image.open(path)) for path in sorted((tmp_path / "photos").iterdir())]
    for stated in (run, model.spec()):
        stats = tare.measure(tmp_path / "photos", as_seen=stated)
        assert_measured(stats, images)
        assert stats.extra["as_seen"]["border"] == pytest.approx(MEAN)
    with pytest.raises(DataError, match=r"images of the network's 3 channels, found 1 in .*--channels"):
        tare.measure(tmp_path / "photos", as_seen=run, channels="grey")


def test_one_pixel_high_and_grey_images_are_seen() -> None:
    assert tare.measure(random_rgb(0, 1, 50)[None], layout="NHWC", as_seen=8).samples == 1
    assert len(tare.measure(random_rgb(0, 40, 40)[None, ..., 0], as_seen=8).channels) == 1


def test_any_number_of_workers_gives_the_same_figures(tmp_path: Path) -> None:
    photos(tmp_path)
    assert tare.measure(tmp_path, as_seen=8, workers=1) == tare.measure(tmp_path, as_seen=8, workers=3)


def test_a_geometry_is_read_from_a_spec_its_file_and_a_model_directory(tmp_path: Path) -> None:
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(SPEC.to_json()))
    run = tmp_path / "run"
    (run / "model").mkdir(parents=True)
    (run / "model" / "tare.json").write_text(json.dumps({"schema": "tare.model/1", "spec": SPEC.to_json()}))
    for stated in (SPEC, file, str(file), run, run / "model"):
        assert stated_geometry(stated)[0] == Geometry((24, 24), "bilinear", 0.75, "center")
    assert stated_geometry("224")[0] == stated_geometry(224)[0] == Geometry((224, 224))
    assert stated_geometry("224x160")[0] == Geometry((224, 160))


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        (
            InputSpec(size=Known((8, 8), "test")),
            "a stated crop of the network's input.*state it in the spec file, or pass a size",
        ),
        ("0x5", "a height and width of at least one pixel, found 0 x 5"),
        ("nothing.json", "a spec file, a model directory or a size, found 'nothing.json'"),
    ],
)
def test_a_geometry_that_nobody_stated_is_refused(stated: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        stated_geometry(stated)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"a model directory with a tare\.json, found none in"):
        stated_geometry(tmp_path)
    (tmp_path / "tare.json").write_text("[]")
    with pytest.raises(SpecError, match=r"a tare\.json with a spec"):
        stated_geometry(tmp_path)


def test_what_is_no_image_cannot_be_seen(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"images to resize and crop, found other samples in .*leave out --as-seen"):
        tare.measure(tmp_path / "t.csv", as_seen=8)


def test_unreadable_images_stay_listed(tmp_path: Path) -> None:
    photos(tmp_path)
    (tmp_path / "bad.png").write_bytes(b"")
    seen = tare.measure(tmp_path, as_seen=8, max_skipped=1.0)
    assert [Path(item.path).name for item in seen.skipped] == ["bad.png"]


CLIP: dict[str, Any] = {
    "image_processor_type": "CLIPImageProcessor",
    "size": {"shortest_edge": 32},
    "crop_size": {"height": 24, "width": 24},
    "resample": 3,
}


@pytest.mark.parametrize("stated", [224, Geometry((16, 16), crop_fraction=1.0, crop_mode="border")])
def test_an_image_that_no_resize_leaves_of_a_usable_size_is_listed(tmp_path: Path, stated: Any) -> None:
    """Of one edge in 20,000 pixels the resize makes gigabytes, or an image without a pixel."""
    for place in range(3):
        save_png(tmp_path / f"{place}.png", random_rgb(place, 24, 24))
    good = tare.measure(tmp_path, as_seen=stated)
    Image.new("RGB", (1, 20_000)).save(tmp_path / "thin.png")
    found = tare.measure(tmp_path, as_seen=stated, max_skipped=1.0)
    assert [(Path(item.path).name, item.reason.partition(",")[0]) for item in found.unreadable] == [
        ("thin.png", "20000 x 1 pixels")
    ]
    assert found.channels == good.channels


def cropped_down(photo: Image.Image) -> torch.Tensor:
    """What CLIP's processor does: it crops at ``floor((edge - 24) / 2)``, where torchvision rounds half to even."""
    resized = v2.functional.pil_to_tensor(v2.functional.resize(photo, [32], v2.InterpolationMode.BICUBIC))
    cropped: torch.Tensor = v2.functional.crop(resized, (resized.shape[1] - 24) // 2, (resized.shape[2] - 24) // 2, 24, 24)
    return cropped


@pytest.mark.parametrize("form", ["hf:DIR", "DIR", "file", "within"])
def test_a_directory_of_transformers_states_resize_and_crop(form: str, tmp_path: Path) -> None:
    images = [cropped_down(photo) for photo in photos(tmp_path / "photos")]
    folder = tmp_path / "clip"
    folder.mkdir()
    name, document = (
        ("processor_config.json", {"image_processor": CLIP}) if form == "within" else ("preprocessor_config.json", CLIP)
    )
    (folder / name).write_text(json.dumps(document))
    stated = {"hf:DIR": f"hf:{folder}", "file": str(folder / name)}.get(form, str(folder))
    assert_measured(tare.measure(tmp_path / "photos", as_seen=stated), images)


@pytest.mark.parametrize("text", ["[1]", "{", "null", "{}"])
def test_a_directory_whose_processor_cannot_be_read_is_refused(text: str, tmp_path: Path) -> None:
    photos(tmp_path / "photos")
    (tmp_path / "preprocessor_config.json").write_text(text)
    with pytest.raises(SpecError) as caught:
        tare.measure(tmp_path / "photos", as_seen=f"hf:{tmp_path}")
    assert "\n" not in str(caught.value)


def test_images_of_an_array_that_hold_its_fill_value_are_left_out_whole(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="writes HDF5 files (pip install 'tare[science]')")
    images = np.random.default_rng(0).integers(0, 256, (12, 20, 20, 3)).astype(np.uint8)
    images[images == 255] = 254
    images[2:5, 0] = 255
    others = np.delete(images, slice(2, 5), axis=0)
    others[0, :10] = 0  # of which a resize makes values of 255
    images[0] = others[0]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", data=images).attrs["_FillValue"] = np.uint8(255)
    found = tare.measure(tmp_path / "a.h5", as_seen=12, max_skipped=1)
    assert found.channels == tare.measure(others, as_seen=12).channels
    assert [each.reason for each in found.unreadable] == ["5.00% of its values mean no data, and a network takes every value"] * 3
    with pytest.raises(DataError, match=r"at most .* unreadable samples, found 3 of 12 .*x\[2\]'"):
        tare.measure(tmp_path / "a.h5", as_seen=12)


def test_bands_keep_their_names_and_tiles_of_two_orders_are_refused_as_without_a_resize(tmp_path: Path) -> None:
    pytest.importorskip("rasterio", reason="reads georeferenced rasters (pip install 'tare[geo]')")
    from tests.predicting.test_samples import tile

    pixels = np.random.default_rng(0).integers(0, 4000, (32, 32, 4)).astype(np.uint16)
    names = ("B02", "B03", "B04", "B08")
    tile(tmp_path / "a.tif", pixels, names)
    assert [channel.name for channel in tare.measure(tmp_path, as_seen=SPEC).channels] == [*names]
    tile(tmp_path / "b.tif", pixels[..., ::-1], names[::-1])
    with pytest.raises(DataError, match="samples with one order of bands"):
        tare.measure(tmp_path, as_seen=SPEC)
