from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tare.datasets.held_out.opening import open_test
from tare.datasets.masks.batches import MaskBatches
from tare.datasets.masks.pairs import MaskFile, class_names, image_size, mask_values
from tare.datasets.options import Augmenting, LabelOptions
from tare.datasets.split import Split, open_split
from tare.errors import DataError
from tare.input_spec.geometry import Geometry
from tare.input_spec.resize import nearest
from tare.samples.records import Skipped
from tests.images import save_png


def scene(root: Path, name: str, seed: int = 0, size: tuple[int, int] = (20, 30)) -> None:
    """An image whose red channel is its mask: 0 or 200, and a border of 255 that is left out."""
    mask = (
        np.kron(np.random.default_rng(seed).integers(0, 2, (size[0] // 5, size[1] // 5)), np.ones((5, 5))).astype(np.uint8) * 200
    )
    mask[0] = 255
    image = np.stack([mask, np.full_like(mask, 90), np.full_like(mask, 10)], axis=-1)
    save_png(root / "images" / f"{name}.png", image)
    save_png(root / "masks" / f"{name}.png", mask)


def scenes(root: Path, count: int = 8) -> Path:
    for k in range(count):
        scene(root, str(k), k)
    return root


def split(root: Path, **options: Any) -> Split:
    return open_split(LabelOptions(data=root, **options), 0)


def test_images_beside_masks_are_a_segmentation_and_a_fifth_is_held_out(tmp_path: Path) -> None:
    found = split(scenes(tmp_path), ignore=255, class_names="ground,house")
    assert (found.task, found.classes) == ("segmentation", ("ground", "house"))
    assert (len(found.train), len(found.val)) == (6, 2)
    assert "8 images with masks of the values 0, 200: --task segmentation" in found.remarks
    indices = found.val[0].label.read()  # type: ignore[union-attr]
    assert {*np.unique(indices).tolist()} == {0, 1, 255}


def test_folders_train_and_val_inside_or_outside_make_the_split(tmp_path: Path) -> None:
    for part, count in (("train", 4), ("val", 2)):
        scenes(tmp_path / "outside" / part, count)
        for k in range(count):
            scene(tmp_path / "inside", f"{part}/{k}", k)
    for root in ("outside", "inside"):
        found = split(tmp_path / root, ignore=255)
        assert (len(found.train), len(found.val)) == (4, 2)
        assert all("/val/" in file.path for file in found.val)


def test_masks_are_told_by_their_endings_in_one_folder(tmp_path: Path) -> None:
    scenes(tmp_path / "both", 5)
    (tmp_path / "one").mkdir()
    for k in range(5):
        (tmp_path / "both" / "images" / f"{k}.png").rename(tmp_path / "one" / f"{k}.png")
        (tmp_path / "both" / "masks" / f"{k}.png").rename(tmp_path / "one" / f"{k}_mask.png")
    found = split(tmp_path / "one", ignore=255, task="segmentation")
    assert len(found.train) + len(found.val) == 5
    assert not any("_mask" in Path(file.path).name for file in (*found.train, *found.val))


def test_images_without_a_mask_are_counted_and_named(tmp_path: Path) -> None:
    scenes(tmp_path)
    (tmp_path / "masks" / "3.png").unlink()
    with pytest.raises(DataError, match=r"a mask for every image, found 1 of 8 without one in .*: 3.png"):
        split(tmp_path, ignore=255)


def test_masks_of_another_size_and_masks_of_colours_are_refused(tmp_path: Path) -> None:
    scenes(tmp_path)
    save_png(tmp_path / "masks" / "3.png", np.zeros((9, 9), np.uint8))
    with pytest.raises(DataError, match=r"1 of another size .*3.png': \(9, 9\), its image \(30, 20\)"):
        split(tmp_path, ignore=255)
    save_png(tmp_path / "c.png", np.random.default_rng(0).integers(0, 255, (5, 5, 3), dtype=np.uint8))
    with pytest.raises(DataError, match="masks with one whole number a pixel"):
        mask_values(str(tmp_path / "c.png"))


def test_a_value_that_appears_later_is_told_instead_of_taught(tmp_path: Path) -> None:
    found = split(scenes(tmp_path), ignore=255)
    file = found.val[0]
    save_png(Path(file.label.path), np.full((20, 30), 77, np.uint8))  # type: ignore[union-attr]
    with pytest.raises(DataError, match=r"masks with known values, found \[77\] in .*; state --ignore VALUE"):
        file.label.read()  # type: ignore[union-attr]


def test_a_palette_is_read_by_its_indices(tmp_path: Path) -> None:
    indices = np.arange(20, dtype=np.uint8).reshape(4, 5) % 3
    image = Image.fromarray(indices, "P")
    image.putpalette([200, 0, 0, 0, 200, 0, 0, 0, 200])
    image.save(tmp_path / "p.png")
    assert np.array_equal(mask_values(str(tmp_path / "p.png")), indices)


def test_class_names_are_given_in_order_or_by_value() -> None:
    values = {0: ["0.png", "1.png"], 255: ["1.png"]}
    assert class_names(values, None) == ("0", "255")
    assert class_names(values, "a, b") == ("a", "b")
    assert class_names(values, "255=b,0=a") == ("a", "b")
    with pytest.raises(DataError, match=r"2 names of classes, found 3; the rarest value is 255, the first of its masks '1.png'"):
        class_names(values, "a,b,c")
    with pytest.raises(DataError, match=r"for every value of the masks, found none for \[255\], the first in '1.png'"):
        class_names(values, "0=a,1=b")


def test_one_value_and_another_task_are_refused(tmp_path: Path) -> None:
    scenes(tmp_path)
    with pytest.raises(DataError, match="labels for --task regression, found images beside masks"):
        split(tmp_path, task="regression")
    for k in range(8):
        save_png(tmp_path / "masks" / f"{k}.png", np.zeros((20, 30), np.uint8))
    with pytest.raises(DataError, match=r"at least two classes in the masks, found the value 0 alone in '.*'; add masks"):
        split(tmp_path)
    with pytest.raises(DataError, match=r"found no pixel but those of --ignore 0 in"):
        split(tmp_path, ignore=0)


def test_a_value_of_one_mask_alone_and_masks_that_teach_nothing_are_named(tmp_path: Path) -> None:
    scenes(tmp_path)
    odd = mask_values(str(tmp_path / "masks" / "3.png")).astype(np.uint8)
    odd[0, 0] = 77
    save_png(tmp_path / "masks" / "3.png", odd)
    save_png(tmp_path / "masks" / "4.png", np.full((20, 30), 9, np.uint8))
    said = " ".join(split(tmp_path, ignore=9).remarks)
    assert (
        f"the value 77 is in one mask alone, {str(tmp_path / 'masks' / '3.png')!r}: if it is no class, state --ignore 77" in said
    )
    assert f"1 of 8 masks have only pixels of --ignore 9, the first {str(tmp_path / 'masks' / '4.png')!r}" in said


@pytest.mark.parametrize("augmentation", ["none", "basic"])
def test_image_and_mask_keep_together_and_a_mask_gets_no_value_between_its_own(augmentation: Any, tmp_path: Path) -> None:
    """The red channel is the mask, so wherever red is plainly low or high the mask says so: the same crop, flip and resize."""
    found = split(scenes(tmp_path), ignore=255)
    geometry = Geometry((32, 48), "bilinear", 1.0, "squash")
    batches = MaskBatches(found.train, geometry, "rgb", Augmenting(augmentation=augmentation), 0, (0.0, 0.0, 0.0))
    different = set()
    for index in range(12):
        image, mask = batches[index]
        assert (image.shape, image.dtype, mask.shape, mask.dtype) == ((3, 32, 48), torch.uint8, (32, 48), torch.int64)
        assert {*np.unique(mask.numpy()).tolist()} <= {0, 1, 255}
        kept = mask != 255
        low, high = (image[0] < 20) & kept, (image[0] > 180) & (image[0] < 205) & kept
        assert (mask[low] == 0).double().mean() > 0.97
        assert (mask[high] == 1).double().mean() > 0.97
        assert {*np.unique(image[1].numpy()).tolist()} == {90}  # colours belong to the image alone
        different.add(mask.numpy().tobytes())
        again = batches[index]
        assert torch.equal(image, again[0])
        assert torch.equal(mask, again[1])
    assert len(different) == (6 if augmentation == "none" else 12)


def shared(root: Path, kind: str, size: tuple[int, int], augmentation: Any) -> MaskBatches:
    """Batches of images that are their masks, resized by the nearest pixel."""
    drawn = np.kron(np.random.default_rng(0).integers(0, 2, (6, 8, 8)), np.ones((1, 18, 15))).astype(np.uint8)
    for k, mask in enumerate(drawn):
        save_png(root / "masks" / f"{k}.png", mask)
        save_png(root / "images" / f"{k}.png", mask.astype(kind))
    geometry = Geometry(size, "nearest", 1.0, "squash")
    return MaskBatches(split(root).train, geometry, "grey", Augmenting(augmentation=augmentation), 0, (0.0,))


@pytest.mark.parametrize("size", [(12, 10), (33, 57), (288, 240)])
@pytest.mark.parametrize("augmentation", ["none", "basic"])
@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_a_mask_lies_where_its_image_lies(kind: str, augmentation: Any, size: tuple[int, int], tmp_path: Path) -> None:
    batches = shared(tmp_path, kind, size, augmentation)
    for index in range(10):
        image, mask = batches[index]
        assert ((image[0] > 0) == (mask > 0)).double().mean() > 0.97, index


def test_a_disc_keeps_its_centre() -> None:
    down, across = np.mgrid[:256, :256]
    mask = ((down - 120.3) ** 2 + (across - 110.6) ** 2 < 2500).astype(np.uint8)
    small = nearest(mask, (32, 32))
    assert np.array_equal(small, np.asarray(Image.fromarray(mask).resize((32, 32), Image.Resampling.NEAREST)))
    for axis, centre in enumerate((120.3, 110.6)):
        assert abs(8 * np.nonzero(small)[axis].mean() + 3.5 - centre) < 0.8  # a tenth of a pixel of the network


def test_files_that_are_in_no_pair_are_listed(tmp_path: Path) -> None:
    root = scenes(tmp_path)
    save_png(root / "masks" / "99.png", np.zeros((20, 30), np.uint8))
    (root / "images" / "notes").write_text("none")
    told = f"left out 2 files of {str(root)!r} that are no samples here: images/notes, masks/99.png"
    assert told in split(root, ignore=255).remarks


def test_two_masks_of_one_image_are_refused(tmp_path: Path) -> None:
    root = scenes(tmp_path)
    save_png(root / "masks" / "3_mask.png", np.zeros((20, 30), np.uint8))
    with pytest.raises(DataError, match=r"one mask for each image, found .*3\.png.*3_mask\.png"):
        split(root, ignore=255)


def disc(root: Path, centre: tuple[float, float], size: int = 256) -> Path:
    """A bright disc, and the mask of the same pixels."""
    rows, columns = np.mgrid[:size, :size]
    mask = ((columns - centre[0]) ** 2 + (rows - centre[1]) ** 2 < 50**2).astype(np.uint8)
    save_png(root / "images" / f"{centre[0]}.png", np.repeat((200 * mask)[..., None], 3, axis=2))
    save_png(root / "masks" / f"{centre[0]}.png", mask)
    return root


@pytest.mark.parametrize("augmentation", ["none", "basic"])
def test_a_mask_made_smaller_lies_where_its_image_does(augmentation: Any, tmp_path: Path) -> None:
    for k in range(5):
        disc(tmp_path, (90.0 + 15 * k, 130.0))
    found = split(tmp_path)
    geometry = Geometry((32, 32), "bilinear", 1.0, "squash")
    batches = MaskBatches(found.train, geometry, "rgb", Augmenting(augmentation=augmentation), 0, (0.0, 0.0, 0.0))
    rows, columns = np.mgrid[:32, :32]
    away = []
    for index in range(40):
        image, mask = (values.double().numpy() for values in batches[index])
        away.append([(place * image[0]).sum() / image[0].sum() - (place * mask).sum() / mask.sum() for place in (columns, rows)])
    assert np.abs(np.mean(away, axis=0)).max() < 0.2  # by the older mode about half a pixel


def test_a_mask_is_resized_as_pillow_does() -> None:
    mask = np.random.default_rng(0).integers(0, 255, (37, 53), dtype=np.uint8)
    for size in ((16, 16), (37, 20), (90, 70)):
        expected = np.asarray(Image.fromarray(mask).resize(size[::-1], Image.Resampling.NEAREST))
        found = nearest(mask, size)
        assert (found == expected).mean() > 0.99  # where a centre lies between two pixels, either may be taken


@pytest.mark.parametrize("ending", ["_m", "_label", "-mask", "_gt"])
def test_an_image_whose_own_name_ends_as_masks_do_has_the_mask_of_this_name(ending: str, tmp_path: Path) -> None:
    for k in range(4):
        scene(tmp_path, f"{k}{ending}", k)
        scene(tmp_path, f"{k}", 10 + k)
    found = split(tmp_path, ignore=255)
    files = (*found.train, *found.val)
    assert len(files) == 8
    assert all(Path(file.path).name == Path(file.label.path).name for file in files)  # type: ignore[union-attr]


def tiles(root: Path, bands: int, dtype: str, count: int = 6) -> Path:
    """Georeferenced rasters whose first band is above its middle where the mask is 1."""
    rasterio = pytest.importorskip("rasterio", reason="reads georeferenced rasters (pip install 'tare[geo]')")
    from rasterio.transform import from_origin

    rng = np.random.default_rng(0)
    (root / "images").mkdir(parents=True)
    for k in range(count):
        values = rng.integers(1, 200, (bands, 20, 30)).astype(dtype)
        how = {"count": bands, "dtype": dtype, "width": 30, "height": 20, "photometric": "MINISBLACK", "alpha": "NO"}
        where = {"crs": "EPSG:32632", "transform": from_origin(0, 0, 10, 10)}
        with rasterio.open(root / "images" / f"{k}.tif", "w", driver="GTiff", **how, **where) as file:
            file.write(values)
        save_png(root / "masks" / f"{k}.png", (values[0] > 100).astype(np.uint8))
    return root


@pytest.mark.parametrize(("bands", "dtype"), [(13, "uint16"), (4, "uint16"), (2, "float32"), (4, "uint8")])
def test_rasters_of_any_bands_have_masks(bands: int, dtype: str, tmp_path: Path) -> None:
    root = tiles(tmp_path, bands, dtype)
    found = split(root)
    assert found.channel_names is not None
    assert len(found.channel_names) == bands
    for file in (*found.train, *open_test(root, LabelOptions(data=root), found).files):
        values = file.read("stored")
        assert not isinstance(values, Skipped)
        assert (values.shape, values.dtype.name) == ((20, 30, bands), dtype)
        np.testing.assert_array_equal(file.label.read(), values[..., 0] > 100)  # type: ignore[union-attr]
    chosen = split(root, bands=["2", "1"]).train[0].read("stored")
    assert not isinstance(chosen, Skipped)
    assert chosen.shape == (20, 30, 2)


def test_a_mask_may_have_255_classes(tmp_path: Path) -> None:
    values = np.arange(256).reshape(16, 16).clip(0, 254).astype(np.uint8)
    save_png(tmp_path / "a.png", values)
    found = MaskFile(str(tmp_path / "a.png"), tuple((value, value) for value in range(255))).read()
    np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_the_size_of_an_image_is_told_without_its_values(name: str, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 7), np.uint8)).save(tmp_path / name)
    assert image_size(str(tmp_path / name)) == (7, 4)
    (tmp_path / name).write_bytes(b"no image")
    with pytest.raises(DataError, match="images and masks that can be read") as caught:
        image_size(str(tmp_path / name))
    assert "BytesIO" not in str(caught.value)


def jpeg_masks(root: Path, classes: tuple[int, ...], **options: Any) -> Path:
    """Images with masks of discs in these classes, stored as JPEG."""
    rows, columns = np.mgrid[:60, :80]
    (root / "masks").mkdir(parents=True)
    for k in range(6):
        mask = sum(value * ((rows - 30) ** 2 + (columns - 20 - 35 * n - k) ** 2 < 14**2) for n, value in enumerate(classes))
        save_png(root / "images" / f"{k}.png", np.asarray(mask, np.uint8))
        Image.fromarray(np.asarray(mask, np.uint8)).save(root / "masks" / f"{k}.jpg", **options)
    return root


def test_masks_stored_as_jpeg_are_cut_at_the_middle_and_those_of_more_classes_refused(tmp_path: Path) -> None:
    found = split(jpeg_masks(tmp_path / "two", (255,)))
    assert (found.task, found.classes) == ("segmentation", ("0", "255"))
    assert any("6 of 6 masks were stored with losses, the first" in remark for remark in found.remarks)
    for file in found.train:
        drawn = np.asarray(Image.open(file.path)) > 0
        assert (file.label.read() == drawn).mean() > 0.999  # type: ignore[union-attr]
    with pytest.raises(DataError, match=r"masks that lost no value, found '.*0.jpg': stored with losses, .*; save the index"):
        split(jpeg_masks(tmp_path / "many", (1, 2)))


def test_values_that_lie_at_edges_alone_are_no_classes(tmp_path: Path) -> None:
    root = jpeg_masks(tmp_path, (255, 120))
    for path in (root / "masks").iterdir():
        with Image.open(path) as image:
            image.save(path.with_suffix(".png"))
    with pytest.raises(
        DataError, match=r"masks of classes, which fill areas, found \d+ values in .*, most of them at edges alone"
    ):
        split(root)


def test_palettes_that_show_one_value_in_two_colours_are_refused(tmp_path: Path) -> None:
    scenes(tmp_path)
    for k in range(8):
        path = tmp_path / "masks" / f"{k}.png"
        mask = np.asarray(Image.open(path)) == 200
        image = Image.fromarray((mask if k != 5 else ~mask).astype(np.uint8), "P")
        image.putpalette([0, 0, 0, 255, 255, 255] if k != 5 else [255, 255, 255, 0, 0, 0])
        image.save(path)
    with pytest.raises(DataError, match=r"one palette for all masks, found 0 is #000000 in '.*0.png' and #ffffff in '.*5.png'"):
        split(tmp_path)
    test = tmp_path / "test"
    for kind in ("images", "masks"):
        (test / kind).mkdir(parents=True)
        (tmp_path / kind / "5.png").rename(test / kind / "5.png")
    with pytest.raises(DataError, match="one palette for all masks"):
        open_test(test, LabelOptions(data=tmp_path), split(tmp_path))


def test_masks_with_transparent_pixels_are_refused(tmp_path: Path) -> None:
    values = np.arange(20, dtype=np.uint8).reshape(4, 5) % 3
    for mode, alpha in (("LA", 255), ("RGBA", 255), ("LA", 9), ("RGBA", 9)):
        planes = [values] * (len(mode) - 1)
        Image.fromarray(np.dstack([*planes, np.full_like(values, alpha)]), mode).save(tmp_path / "a.png")
        if alpha == 255:
            np.testing.assert_array_equal(mask_values(str(tmp_path / "a.png")), values)
            continue
        with pytest.raises(DataError, match="masks without alpha, found transparent pixels in"):
            mask_values(str(tmp_path / "a.png"))
