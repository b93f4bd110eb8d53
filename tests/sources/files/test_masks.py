"""Masks beside their images are no samples, however the files are told."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
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
]


def encoded(seed: int, *, mask: bool) -> bytes:
    held, random = io.BytesIO(), np.random.default_rng(seed)
    values = 255 * random.integers(0, 2, (8, 9), np.uint8) if mask else random.integers(0, 256, (8, 9, 3), np.uint8)
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
