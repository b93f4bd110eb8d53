"""What pictures of masks say: of lossy formats, of palettes and of alpha."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tare.samples.records import Skipped
from tare.sources.files.masks import inside
from tare.sources.files.picture_masks import CUT, OF_ALPHA, OF_PALETTE, SOFT, is_lossy, read_mask
from tests.images import save_png

DOWN, ACROSS = np.mgrid[:90, :120]
DISC = (DOWN - 44) ** 2 + (ACROSS - 60) ** 2 < 30**2
WHITE = np.where(DISC, 255, 0).astype(np.uint8)


def saved(place: Path, image: Any, **options: Any) -> str:
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(place, **options)
    return str(place)


def shape(place: str) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    mask = read_mask(place)
    assert not isinstance(mask, Skipped), mask.reason
    return np.asarray(inside(mask.values).any(axis=-1)), mask.notes


def refused(place: str) -> str:
    mask = read_mask(place)
    assert isinstance(mask, Skipped)
    return mask.reason


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.jpg", {"quality": 95}),
        ("a.jpg", {"quality": 50}),
        ("a.webp", {"quality": 70}),
        ("a.tif", {"compression": "jpeg"}),
        ("a.jp2", {"irreversible": True, "quality_mode": "dB", "quality_layers": [35]}),
    ],
)
def test_a_mask_that_lost_values_is_cut_at_its_middle(name: str, options: dict[str, Any], colour: bool, tmp_path: Path) -> None:
    place = saved(tmp_path / name, np.repeat(WHITE[..., None], 3, axis=2) if colour else WHITE, **options)
    assert len(np.unique(np.asarray(Image.open(place)))) > 2
    where, notes = shape(place)
    assert notes == (CUT,)
    assert (where == DISC).mean() > 0.999


@pytest.mark.parametrize("values", [np.where(DISC, 3, 0), np.where(DISC, 120, 0), np.where(DISC, 9, 0) + 255 * (DOWN < 20)])
def test_a_mask_of_other_values_that_lost_some_is_refused(values: NDArray[Any], tmp_path: Path) -> None:
    place = saved(tmp_path / "a.jpg", values.astype(np.uint8), quality=90)
    assert refused(place) == "stored with losses, and its values do not lie at 0 and 255 alone: save it as PNG"


def test_a_lossy_format_that_lost_nothing_is_taken_as_stored(tmp_path: Path) -> None:
    halves = np.zeros((16, 32), np.uint8)
    halves[:, 16:] = 1
    where, notes = shape(saved(tmp_path / "a.jpg", halves))
    assert (where.mean(), notes) == (0.5, ())
    assert not shape(saved(tmp_path / "b.jpg", 0 * WHITE))[0].any()


def test_formats_that_lose_nothing_are_known(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    kept: list[tuple[str, dict[str, Any]]] = [
        ("a.png", {}),
        ("a.tif", {"compression": "tiff_lzw"}),
        ("a.webp", {"lossless": True}),
        ("a.jp2", {}),
        ("a.bmp", {}),
    ]
    for name, options in kept:
        assert not is_lossy(Path(saved(tmp_path / name, values, **options)).read_bytes()), name
    frames = {"save_all": True, "append_images": [Image.fromarray(values[::-1])]}
    assert is_lossy(Path(saved(tmp_path / "b.webp", values, quality=50, **frames)).read_bytes())
    assert not is_lossy(Path(saved(tmp_path / "b.webp", values, lossless=True, **frames)).read_bytes())


def test_values_between_outside_and_inside_are_told(tmp_path: Path) -> None:
    smooth = np.asarray(Image.fromarray(WHITE).resize((240, 180), Image.Resampling.BICUBIC))
    assert shape(saved(tmp_path / "a.png", smooth))[1] == (SOFT,)
    assert shape(saved(tmp_path / "a.tif", (smooth / 255).astype(np.float32)))[1] == (SOFT,)
    classes = np.kron(np.arange(30, dtype=np.uint8).reshape(5, 6), np.ones((9, 9), np.uint8))
    assert shape(saved(tmp_path / "b.png", classes))[1] == ()


def with_palette(place: Path, indices: NDArray[Any], *colours: tuple[int, int, int], **options: Any) -> str:
    image = Image.fromarray(indices.astype(np.uint8), "P")
    image.putpalette([level for colour in colours for level in colour])
    return saved(place, image, **options)


def test_a_palette_of_classes_counts_by_its_indices(tmp_path: Path) -> None:
    shown = with_palette(tmp_path / "voc.png", 2 * DISC, (0, 0, 0), (128, 0, 0), (0, 128, 0))
    assert shape(shown)[1] == ()
    for index, first in enumerate([(255, 255, 255), (128, 64, 128)]):  # Cityscapes shows its class 0 so
        colours = (first, (0, 0, 0), (200, 0, 0)) if index == 0 else (first, (244, 35, 232), (70, 70, 70))
        where, notes = shape(with_palette(tmp_path / f"{index}.png", 2 * DISC, *colours))
        assert notes == (OF_PALETTE,)
        np.testing.assert_array_equal(where, DISC)


@pytest.mark.parametrize("name", ["a.gif", "a.png"])
def test_a_palette_of_a_picture_in_black_and_white_does_not_say_what_is_outside(name: str, tmp_path: Path) -> None:
    place = with_palette(tmp_path / name, DISC, (255, 255, 255), (0, 0, 0))
    assert "so that 0 may not be what is outside: save it as grey with 0 outside" in refused(place)
    full = with_palette(tmp_path / name, 0 * DISC, (255, 255, 255), (0, 0, 0))  # inside everywhere, or nowhere
    assert "a palette that shows 0 as #ffffff" in refused(full)
    red = with_palette(tmp_path / name, DISC, (200, 0, 0), (0, 0, 0))
    assert "a palette that shows 1 as black" in refused(red)
    for plain in (WHITE, DISC):
        np.testing.assert_array_equal(shape(saved(tmp_path / name, plain))[0], DISC)


def test_black_at_several_indices_is_told_or_refused(tmp_path: Path) -> None:
    several = with_palette(tmp_path / "a.png", 2 * DISC + (DOWN < 5), (0, 0, 0), (0, 0, 0), (9, 99, 9))
    assert shape(several)[1] == (OF_PALETTE,)
    unused = with_palette(tmp_path / "b.png", DISC + 1, (0, 0, 0), (0, 0, 0), (255, 255, 255))
    assert "a palette that shows 1 as black" in refused(unused)


@pytest.mark.parametrize("colour", [255, 0])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_mask_of_one_colour_has_the_shape_of_its_alpha(mode: str, colour: int, tmp_path: Path) -> None:
    planes = [np.full_like(WHITE, colour)] * (len(mode) - 1)
    where, notes = shape(saved(tmp_path / "a.png", Image.fromarray(np.dstack([*planes, WHITE]), mode)))
    assert notes == (OF_ALPHA,)
    np.testing.assert_array_equal(where, DISC)


def test_alpha_beside_the_same_shape_in_colours_changes_nothing_and_another_shape_is_refused(tmp_path: Path) -> None:
    for alpha in (WHITE, np.full_like(WHITE, 255)):
        where, notes = shape(saved(tmp_path / "a.png", Image.fromarray(np.dstack([WHITE, alpha]), "LA")))
        assert notes == ()
        np.testing.assert_array_equal(where, DISC)
    other = np.where(DOWN < 50, 255, 0).astype(np.uint8)
    reason = refused(saved(tmp_path / "a.png", Image.fromarray(np.dstack([WHITE, other]), "LA")))
    assert reason == "its colours have another shape than its alpha: save it without alpha"
    clear = with_palette(tmp_path / "b.png", DISC, (255, 255, 255), (0, 0, 0), transparency=0)
    np.testing.assert_array_equal(shape(clear)[0], DISC)


def test_a_file_that_is_no_picture_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    assert refused(str(tmp_path / "a.png")).startswith("not an image")
    assert refused(str(tmp_path / "b.png")).startswith("cannot be opened")
    save_png(tmp_path / "c.png", WHITE)
    assert shape(str(tmp_path / "c.png"))[1] == ()
