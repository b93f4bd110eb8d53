"""Files that hold one channel of a scene each are said to be pooled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tare.sources.files.apart import channels_apart
from tare.sources.opening import open_source

BANDS = ("B02", "B03", "B04", "B8A")


@pytest.mark.parametrize(
    ("form", "channels"),
    [
        ("T{}/HLS.S30.T{}.{}.tif", BANDS),
        ("{}/LC08_{}_SR_{}.TIF", ("B2", "B3", "B4")),
        ("p{}/s{}_{}.tif", ("ch00", "ch01")),
        ("p{}/BraTS_{}_{}.nii.gz", ("t1", "t1ce", "t2", "flair")),
        ("p{}/BraTS-GLI-0000{}-000-{}.nii.gz", ("t1c", "t1n")),
        ("sub-{}/anat/sub-{}_{}.nii", ("T1w", "T2w")),
    ],
)
def test_scenes_with_a_file_for_each_channel_are_told(form: str, channels: tuple[str, ...]) -> None:
    names = [form.format(scene, scene, channel) for scene in range(5) for channel in channels]
    (remark,) = channels_apart(names)
    assert all(channel in remark for channel in channels)
    assert channels_apart([name for name in names if f"{channels[0]}." in name]) == ()


def test_channels_in_folders_of_their_own_are_told_by_the_first_word() -> None:
    names = [f"train_{colour}/{colour}_patch_{scene}.TIF" for colour in ("red", "green", "nir") for scene in range(9)]
    assert "(green, nir, red)" in channels_apart(names)[0]


@pytest.mark.parametrize("numbered", [False, True])
def test_numbers_are_channels_only_of_volumes(numbered: bool) -> None:
    names = [f"case{scene}_000{channel}.nii.gz" for scene in range(9) for channel in range(3)]
    assert bool(channels_apart(names, numbered=numbered)) == numbered


@pytest.mark.parametrize(
    "names",
    [
        [f"{kind}_{number:04}.tif" for kind in ("cat", "dog") for number in range(20)],
        [f"cat_{colour}.tif" for colour in ("red", "blue")],
        [f"n{number}.tif" for number in range(50)] + ["x_B1.tif", "x_B2.tif", "y_B1.tif", "y_B2.tif"],
        [],
    ],
)
def test_other_names_are_of_whole_samples(names: list[str]) -> None:
    assert channels_apart(names, numbered=True) == ()


def test_a_folder_of_pictures_says_it(tmp_path: Path) -> None:
    for scene in range(3):
        for channel in range(2):
            Image.fromarray(np.full((4, 4), 9 * channel, np.uint16)).save(tmp_path / f"s{scene}_w{channel}.tif")
            Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / f"s{scene}_red{channel}.png")
    assert "(w0, w1)" in open_source(tmp_path).remarks[0]
