from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tare
from tare.errors import OutputError
from tare.predicting.masks import mask_places
from tests.images import save_png
from tests.tiny_run import save_photo

NET = """
from torch import nn


def net():
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 21, 1))
"""


def named(folder: Path, *names: str) -> list[str]:
    """Files of these names below ``folder``, and what their masks are called."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    places = mask_places(folder / "masks", [str(folder / name) for name in names])
    return [place.relative_to(folder / "masks").as_posix() for place in places.values()]


def test_masks_have_the_paths_of_their_images_below_the_common_folder(tmp_path: Path) -> None:
    assert named(tmp_path / "one", "images/1.png", "images/2.jpg") == ["1.png", "2.png"]
    assert named(tmp_path / "two", "a/1.png", "b/1.png", "b/c/2.tif") == ["a/1.png", "b/1.png", "b/c/2.png"]


def test_images_that_differ_in_their_endings_keep_them(tmp_path: Path) -> None:
    assert named(tmp_path / "one", "1.png", "1.jpg", "2.png") == ["1.png.png", "1.jpg.png", "2.png"]
    assert named(tmp_path / "two", "1.2.840.1", "1.2.840.2") == ["1.2.840.1.png", "1.2.840.2.png"]
    assert named(tmp_path / "four", "d.jpg", "d.png/1.jpg") == ["d.jpg.png", "d.png/1.jpg.png"]
    every = named(tmp_path / "three", "1.jpg", "1.png", "1.jpg.gif")
    assert every == ["1.jpg.png", "1.png.png", "1.jpg.gif.png"]


def test_a_mask_that_exists_is_told_before_the_first_answer(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "2.png").touch()
    with pytest.raises(OutputError, match=r"a new file for each mask, found .*2\.png' exists; name another folder with --masks"):
        named(tmp_path, "1.png", "2.png")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A segmentation that hardly learnt anything, and the factory of its network."""
    root = tmp_path_factory.mktemp("segmented")
    (root / "net.py").write_text(NET)
    for k in range(5):
        save_photo(root / "data" / "images" / f"{k}.png", k)
        save_png(root / "data" / "masks" / f"{k}.png", np.kron([[0, 1], [1, 0]], np.ones((20, 26))).astype(np.uint8))
    how: dict[str, Any] = {"weights": "none", "protocol": "scratch", "epochs": 1, "workers": 0, "device": "cpu", "batch_size": 4}
    model = f"{root / 'net.py'}:net"
    tare.transfer(model, root / "data", size=16, strategy="target", out=root / "run", **how)
    return {"model": root / "run", "factory": model}


def test_images_of_an_array_and_of_one_name_in_two_folders_have_a_mask_each(run: dict[str, Any], tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 30, 44, 3)).astype(np.uint8)
    np.savez(tmp_path / "x.npz", x=images)
    for name, image in zip("ab", images, strict=True):
        save_png(tmp_path / name / "1.png", image)
    words = [f"{tmp_path}/x.npz#x", f"{tmp_path}/a", f"{tmp_path}/b"]
    answers = tare.predict(run["model"], words, factory=run["factory"], masks=tmp_path / "masks")
    assert [answer.error for answer in answers] == [None] * 4
    of_array, of_files = (
        [np.asarray(Image.open(tmp_path / "masks" / name)) for name in names]
        for names in (("x.npz#x[0].png", "x.npz#x[1].png"), ("a/1.png", "b/1.png"))
    )
    for one, other in zip(of_array, of_files, strict=True):
        assert one.shape == (30, 44)
        assert np.array_equal(one, other)
