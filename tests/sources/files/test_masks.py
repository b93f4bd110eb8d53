"""Masks beside their images are no samples, however the files are told."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import tare
from tare.errors import DataError

NAMES = [
    ("{}.png", "{}_mask.png"),
    ("{}.png", "{}.seg.png"),
    ("{}_sat.png", "{}_mask.png"),
    ("image-{}.png", "mask-{}.png"),
    ("{}.input.png", "{}.target.png"),
    ("images/{}.png", "masks/{}.png"),
    ("train/{}.png", "train_masks/{}_mask.png"),
    ("top_{}_RGB.png", "top_{}_label.png"),
    ("images_png/{}.png", "masks_png/{}.png"),
    ("x-img/{}.png", "x-mask-anno/0/y{}_hair.png"),
    ("train/input/{}.png", "train/groundtruth/{}_segmentation.png"),
    ("left/a/{}_leftImg8bit.png", "gtFine/a/{}_gtFine_labelIds.png"),
    ("training/images/{}_training.png", "training/1st_manual/{}_training.png"),
]


def encoded(seed: int, *, mask: bool) -> bytes:
    random = np.random.default_rng(seed)
    return png(255 * random.integers(0, 2, (8, 9), np.uint8) if mask else random.integers(0, 256, (8, 9, 3), np.uint8))


def png(values: NDArray[np.uint8]) -> bytes:
    held = io.BytesIO()
    Image.fromarray(values).save(held, "PNG")
    return held.getvalue()


def files(image: str, other: str, *, mask: bool = True) -> dict[str, bytes]:
    found = {image.format(f"{number:03}"): encoded(number, mask=False) for number in range(9)}
    return found | {other.format(f"{number:03}"): encoded(90 + number, mask=mask) for number in range(9)}


def told(form: str, folder: Path, held: dict[str, bytes]) -> str:
    if form == "lmdb":
        lmdb = pytest.importorskip("lmdb", reason="reads LMDB (pip install 'tare[science]')")
        with lmdb.open(str(folder / "db"), map_size=1 << 24) as environment, environment.begin(write=True) as transaction:
            for name, data in held.items():
                transaction.put(name.encode(), data)
        return str(folder / "db")
    for name, data in held.items():
        (folder / "d" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "d" / name).write_bytes(data)
    (folder / "list.txt").write_text("".join(f"d/{name}\n" for name in sorted(held)))
    return {"folder": str(folder / "d"), "list": str(folder / "list.txt"), "pattern": str(folder / "d" / "**" / "*.png")}[form]


@pytest.mark.parametrize("form", ["folder", "list", "pattern", "lmdb"])
@pytest.mark.parametrize(("image", "mask"), NAMES)
def test_masks_beside_images_are_refused_in_every_telling(tmp_path: Path, form: str, image: str, mask: str) -> None:
    with pytest.raises(DataError, match="images of one kind"):
        tare.measure(told(form, tmp_path, files(image, mask)), workers=1)


@pytest.mark.parametrize("form", ["folder", "list", "pattern", "lmdb"])
def test_other_views_that_are_called_so_are_samples(tmp_path: Path, form: str) -> None:
    assert tare.measure(told(form, tmp_path, files("{}.png", "{}_mask.png", mask=False)), workers=1).samples == 18


def test_masks_of_a_list_that_are_named_are_no_samples(tmp_path: Path) -> None:
    place = told("list", tmp_path, files("{}.png", "{}_mask.png"))
    assert tare.measure(place, mask="_mask.png", workers=1).samples == 9


@pytest.mark.parametrize("form", ["folder", "list", "pattern", "lmdb"])
def test_masks_of_a_part_of_the_images_are_refused(tmp_path: Path, form: str) -> None:
    held = files("JPEGImages/{}.png", "SegmentationClass/{}.png")
    held |= {f"JPEGImages/x{number}.png": encoded(200 + number, mask=False) for number in range(30)}
    with pytest.raises(DataError, match=r"images of one kind.* 9 of 39 "):
        tare.measure(told(form, tmp_path, held), workers=1)


def test_masks_in_many_colours_are_known_by_their_areas(tmp_path: Path) -> None:
    held = files("photos/a/{}.png", "panoptic_train/{}.png")
    for number in range(9):
        colours = np.random.default_rng(number).integers(0, 256, (30, 3), np.uint8)
        held[f"panoptic_train/{number:03}.png"] = png(np.repeat(np.repeat(colours.reshape(5, 6, 3), 8, 0), 8, 1))
    with pytest.raises(DataError, match="images of one kind"):
        tare.measure(told("folder", tmp_path, held), workers=1)


def test_a_folder_of_masks_alone_is_measured_as_it_is_named(tmp_path: Path) -> None:
    told("folder", tmp_path, files("images/{}.png", "masks/{}.png"))
    assert tare.measure(tmp_path / "d" / "masks", workers=1).samples == 9


def test_two_masks_among_many_images_are_a_chance(tmp_path: Path) -> None:
    held = {f"{number}.png": encoded(number, mask=False) for number in range(20)}
    held |= {f"{number}_m.png": encoded(number, mask=True) for number in range(2)}
    assert tare.measure(told("folder", tmp_path, held), workers=1).samples == 22


def test_masks_of_other_names_are_known_by_their_folder_beside_that_of_an_image(tmp_path: Path) -> None:
    held = {f"{number}/images/{number}.png": encoded(number, mask=False) for number in range(9)}
    held |= {f"{number}/masks/{each}.png": encoded(90 + each, mask=True) for number in range(9) for each in (20, 30, 40)}
    with pytest.raises(DataError, match=r"images of one kind.* 9 of 9 "):
        tare.measure(told("folder", tmp_path, held), workers=1)


@pytest.mark.parametrize("masks", [True, False])
def test_arrays_of_masks_beside_those_of_images(tmp_path: Path, masks: bool) -> None:
    random = np.random.default_rng(0)
    for number in range(4):
        np.save(tmp_path / f"case{number}.npy", random.integers(0, 256, (6, 8, 8, 3), np.uint8))
        np.save(tmp_path / f"case{number}_mask.npy", random.integers(0, 2 if masks else 256, (6, 8, 8, 3), np.uint8))
    if masks:
        with pytest.raises(DataError, match=r"images of one kind.* 4 of 4 "):
            tare.measure(tmp_path, workers=1)
        return
    assert tare.measure(tmp_path, workers=1).samples == 48


@pytest.mark.parametrize(
    ("image", "mask"), [("{}/{}_t1.nii.gz", "{}/{}_seg.nii.gz"), ("{}_T1w.nii", "{}_dseg.nii"), ("ct/{}.nii", "seg/{}.nii")]
)
@pytest.mark.parametrize("pattern", [False, True])
def test_masks_beside_volumes_are_refused(tmp_path: Path, image: str, mask: str, pattern: bool) -> None:
    nibabel = pytest.importorskip("nibabel", reason="reads NIfTI volumes (pip install 'tare[medical]')")
    random = np.random.default_rng(0)
    for number in range(4):
        for name, most in ((image, 1000), (mask, 5)):
            place = tmp_path / "d" / name.format(number, number)
            place.parent.mkdir(parents=True, exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(random.integers(0, most, (5, 6, 7), np.int16), np.eye(4)), place)
    with pytest.raises(DataError, match="images of one kind"):
        tare.measure(str(tmp_path / "d" / "**" / "*.nii*") if pattern else tmp_path / "d", workers=1)


def test_drawings_of_a_class_that_is_called_as_masks_are(tmp_path: Path) -> None:
    held = {f"{name}/{number}.png": encoded(number, mask=True) for name in ("label", "house", "tree") for number in range(9)}
    assert tare.measure(told("folder", tmp_path, held), workers=1).samples == 27
