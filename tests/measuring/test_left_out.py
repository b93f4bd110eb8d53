from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from PIL import Image

import tare
from tare.errors import DataError
from tare.measuring.left_out import LEFT_OUT, STATED_OUT
from tare.samples.raw_kind import Known
from tare.sources.files.picture_masks import CUT, OUTSIDE
from tests.images import save_png


def spoilt(dtype: str, value: float, share: float = 0.3) -> tuple[Any, Any]:
    """Images ``(N, H, W, C)`` of which a share of the values is ``value``, and where."""
    rng = np.random.default_rng(0)
    images = rng.integers(20, 200, (30, 9, 8, 3)).astype(dtype)
    where = rng.random(images.shape) < share
    images[where] = value
    return images, where


@pytest.mark.parametrize(
    ("dtype", "value"), [("uint8", 0), ("uint16", 65535), ("float32", -9999), ("float64", 1e20), ("int16", -9999)]
)
@pytest.mark.parametrize("first", [False, True])
def test_figures_are_those_of_the_other_values(dtype: str, value: float, first: bool) -> None:
    images, where = spoilt(dtype, value)
    given = np.ascontiguousarray(np.moveaxis(images, -1, 1)) if first else images
    stats = tare.measure(given, layout="NCHW" if first else "NHWC", nodata=value, workers=2)
    scale = {"uint8": 255, "uint16": 65535}.get(dtype, 1)
    assert (stats.samples, stats.nodata) == (30, Known((float(value),), "user"))
    for c, channel in enumerate(stats.channels):
        kept = images[..., c][~where[..., c]].astype(np.float64) / scale
        assert channel.count == kept.size
        assert channel.mean == pytest.approx(kept.mean(), rel=1e-12)
        assert channel.std == pytest.approx(kept.std(), rel=1e-9)
        assert (channel.min, channel.max) == (kept.min(), kept.max())
    assert stats == tare.measure(given, layout="NCHW" if first else "NHWC", nodata=[value], workers=1)


def test_a_value_that_does_not_occur_changes_no_figure(tmp_path: Path) -> None:
    images, _ = spoilt("uint8", 30)
    for k, image in enumerate(images):
        save_png(tmp_path / f"{k:02}.png", image)
    assert tare.measure(tmp_path, nodata=0).channels == tare.measure(tmp_path).channels
    drawn = tare.measure(tmp_path, nodata=30, tolerance=1e-9)
    assert drawn.channels == tare.measure(tmp_path, nodata=30).channels


def test_it_is_said_whether_any_value_was_left_out(tmp_path: Path) -> None:
    images, where = spoilt("int16", -7)
    some = tare.measure(images, layout="NHWC", nodata=-7)
    assert some.extra["notes"] == {LEFT_OUT: int(where.any(axis=(1, 2, 3)).sum())}
    assert "remarks" not in some.extra
    none = tare.measure(images, layout="NHWC", nodata=[-8, -9])
    assert none.extra["remarks"] == ["no value is exactly -8 or -9, so that --nodata left nothing out"]
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,-7\n-7,-7\n3,7\n2,9\n")
    assert tare.measure(path, nodata=-7).extra["notes"] == {LEFT_OUT: 2}


@pytest.mark.parametrize("form", ["images", "rows", "files"])
def test_values_that_the_user_names_are_left_out_beside_those_that_the_data_state(form: str, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="writes HDF5 files (pip install 'tare[science]')")
    values = np.random.default_rng(0).normal(50, 5, (40, 3) if form == "rows" else (40, 6, 7, 3)).astype(np.float32)
    values[3:9], values[12:20:2] = -9999, 0
    for place, part in {"a.nc": values[:20], "b.nc": values[20:]}.items():
        with h5py.File(tmp_path / place, "w") as file:
            file.create_dataset("x", data=part if form == "files" else values).attrs["_FillValue"] = np.float32(-9999)
    data, layout = (tmp_path if form == "files" else tmp_path / "a.nc"), "NC" if form == "rows" else "NHWC"
    stats = tare.measure(data, layout=layout, nodata=0)
    kept = values[(values != 0) & (values != -9999)].reshape(-1, 3).astype(np.float64)
    assert stats.mean == pytest.approx(kept.mean(axis=0), rel=1e-12)
    assert stats.std == pytest.approx(kept.std(axis=0), rel=1e-9)
    assert stats.extra["notes"] == {LEFT_OUT: 4, STATED_OUT: 6}
    assert isinstance(stats.nodata, Known)
    assert stats.nodata.value == (0.0, -9999.0)
    assert stats.nodata.origin.startswith("user, and the files, such as ")
    assert "remarks" not in stats.extra
    slip = tare.measure(data, layout=layout, nodata=9999)  # of which the user is told, although others are left out
    assert slip.extra["remarks"] == ["no value is exactly 9999, so that --nodata left nothing out"]
    assert slip.channels == tare.measure(data, layout=layout).channels


def test_rows_keep_their_other_columns_and_nan_stays_nan(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,-9999\n-9999,5\n3,7\n,9\n")
    stats = tare.measure(path, nodata=-9999, exclude_nan=True)
    assert (stats.samples, stats.mean) == (4, (2.0, 7.0))
    assert [(channel.count, channel.nan) for channel in stats.channels] == [(2, 1), (3, 0)]


def test_nothing_left_not_a_number_and_a_resize_are_refused() -> None:
    images = np.zeros((3, 4, 4, 3), np.uint16)
    images[..., 1:] = 7
    with pytest.raises(DataError, match=r"values beside those that mean no data, found none in red of .* without 0; check"):
        tare.measure(images, layout="NHWC", nodata=0)
    with pytest.raises(DataError, match=r"finite numbers for --nodata, found .*nan.*--exclude-nan"):
        tare.measure(images, layout="NHWC", nodata=float("nan"))
    with pytest.raises(DataError, match="--nodata or --as-seen, found both"):
        tare.measure(images, layout="NHWC", nodata=0, as_seen=4)


@pytest.mark.parametrize(
    ("dtype", "value", "share"),
    [("uint16", 0, 0.3), ("uint16", 65535, 0.01), ("float32", -9999, 0.005), ("float64", 0.0, 0.3), ("float32", -3.4e38, 0.1)],
)
def test_a_share_of_equal_values_at_an_end_is_said_and_the_remedy_ends_it(dtype: str, value: float, share: float) -> None:
    images, where = spoilt(dtype, value, share)
    (remark,) = tare.measure(images, layout="NHWC").extra["remarks"]
    assert f"{where.mean(axis=(0, 1, 2)).max():.1%} of the values of " in remark
    nodata = float(remark.split("--nodata ")[1].split()[0])
    assert nodata == pytest.approx(value)
    stats = tare.measure(images, layout="NHWC", nodata=nodata)
    assert "remarks" not in stats.extra
    assert stats.channels[0].count < images[..., 0].size


@pytest.mark.parametrize(
    "data",
    [
        spoilt("uint8", 0)[0],
        np.random.default_rng(0).integers(0, 4096, (30, 9, 8, 3)).astype(np.uint16),
        np.random.default_rng(0).normal(size=(30, 9, 8, 3)),
    ],
)
def test_ordinary_data_have_no_such_remark(data: Any) -> None:
    assert "remarks" not in tare.measure(data, layout="NHWC").extra


def test_in_a_table_only_a_value_far_from_all_others_is_suspected() -> None:
    rng = np.random.default_rng(0)
    table = pl.DataFrame(
        {"yes": rng.integers(0, 2, 500), "kind": rng.integers(0, 4, 500), "size": rng.exponential(5, 500).round(),
         "grade": rng.integers(0, 3, 500)}
    )  # fmt: skip
    assert "remarks" not in tare.measure(table).extra
    sentinel = table.with_columns(pl.when(pl.int_range(500) < 20).then(-999.0).otherwise("size").alias("size"))
    assert tare.measure(sentinel).extra["remarks"] == [
        "4.0% of the values of size are exactly -999: if that means no data, --nodata -999 leaves it out"
    ]
    two = sentinel.with_columns(pl.when(pl.int_range(500) < 10).then(9999).otherwise("grade").alias("grade"))
    (remark,) = tare.measure(two).extra["remarks"]
    assert remark.endswith("if all of them mean no data, --nodata -999,9999")


@pytest.mark.parametrize("form", ["folder", "ending"])
def test_with_masks_only_the_foreground_counts(form: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    kept = []
    for k in range(12):
        image = rng.integers(0, 256, (6 + k, 7, 3), dtype=np.uint8)
        mask = (rng.random(image.shape[:2]) < 0.4).astype(np.uint8)
        kept.append(image[mask > 0])
        save_png(tmp_path / "d" / "ab"[k % 2] / f"{k}.png", image)
        place = tmp_path / "m" / "ab"[k % 2] / f"{k}.png" if form == "folder" else tmp_path / "d" / "ab"[k % 2] / f"{k}_mask.png"
        save_png(place, mask)
    stated = tmp_path / "m" if form == "folder" else "_mask.png"
    stats = tare.measure(tmp_path / "d", mask=stated, workers=3)
    values = np.concatenate(kept) / 255
    assert (stats.samples, stats.unreadable, stats.channels[0].count) == (12, (), len(values))
    assert stats.mean == pytest.approx(values.mean(axis=0), rel=1e-12)
    assert stats.std == pytest.approx(values.std(axis=0), rel=1e-12)
    assert stats.extra["remarks"] == [f"only values where the mask ({stated}) is not 0"]
    assert stats == tare.measure(tmp_path / "d", mask=stated, workers=1)
    without_zero = tare.measure(tmp_path / "d", mask=stated, nodata=0)
    assert without_zero.channels[0].count == np.count_nonzero(values[:, 0])


def test_an_image_without_a_mask_or_with_a_mask_of_another_size_is_listed_and_empty_masks_are_refused(tmp_path: Path) -> None:
    for k in range(3):
        save_png(tmp_path / "d" / f"{k}.png", np.full((4, 4, 3), k, np.uint8))
    save_png(tmp_path / "m" / "0.png", np.ones((4, 4), np.uint8))
    save_png(tmp_path / "m" / "1.png", np.ones((4, 5), np.uint8))
    stats = tare.measure(tmp_path / "d", mask=tmp_path / "m", max_skipped=1)
    assert stats.samples == 1
    assert [item.reason.split("'")[0] for item in stats.unreadable] == ["its mask ", "no mask "]
    save_png(tmp_path / "m" / "0.png", np.zeros((4, 4), np.uint8))
    with pytest.raises(DataError, match=r"found none in red, green, blue of .* inside the masks; check --mask"):
        tare.measure(tmp_path / "d", mask=tmp_path / "m", max_skipped=1)
    with pytest.raises(DataError, match="images with a mask each"):
        tare.measure(np.zeros((3, 2)), mask=tmp_path / "m")
    with pytest.raises(DataError, match="--mask or --as-seen, found both"):
        tare.measure(tmp_path / "d", mask=tmp_path / "m", as_seen=4)


def test_a_mask_with_a_palette_counts_by_its_indices_and_not_by_their_colours(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    image, mask = rng.integers(0, 256, (20, 30, 3)).astype(np.uint8), rng.integers(0, 3, (20, 30)).astype(np.uint8)
    save_png(tmp_path / "d" / "1.png", image)
    shown = Image.fromarray(mask, "P")
    shown.putpalette([255, 255, 255, 0, 0, 0, 200, 0, 0])
    (tmp_path / "m").mkdir()
    shown.save(tmp_path / "m" / "1.png")
    stats = tare.measure(tmp_path / "d", mask=tmp_path / "m")
    np.testing.assert_allclose(stats.mean, image[mask != 0].mean(axis=0) / 255, rtol=1e-12)


def disc_masks(root: Path, number: int = 3, **options: Any) -> NDArray[Any]:
    """Images with a bright disc, JPEG masks of the discs, and the values of all discs."""
    rows, columns = np.mgrid[:60, :80]
    inside = []
    for k in range(number):
        disc = (rows - 30) ** 2 + (columns - 30 - 3 * k) ** 2 < 20**2
        image = np.where(disc, 200, 60).astype(np.uint8) + np.random.default_rng(k).integers(0, 9, disc.shape, np.uint8)
        inside.append(image[disc])
        save_png(root / "i" / f"{k}.png", image)
        (root / "m").mkdir(exist_ok=True)
        Image.fromarray(np.where(disc, 255, 0).astype(np.uint8)).save(root / "m" / f"{k}.jpg", **options)
    return np.concatenate(inside) / 255


@pytest.mark.parametrize("quality", [95, 60])
def test_masks_stored_as_jpeg_are_cut_at_their_middle(tmp_path: Path, quality: int) -> None:
    values = disc_masks(tmp_path, quality=quality)
    stats = tare.measure(tmp_path / "i", mask=tmp_path / "m", workers=1)
    assert stats.mean == pytest.approx([values.mean()], abs=1e-3)
    assert stats.std == pytest.approx([values.std()], abs=0.02)
    assert stats.extra["notes"] == {CUT: 3, OUTSIDE: 3}


def test_it_is_said_that_masks_left_nothing_out(tmp_path: Path) -> None:
    for k in range(3):
        save_png(tmp_path / "i" / f"{k}.png", np.full((4, 4, 3), k, np.uint8))
        save_png(tmp_path / "m" / f"{k}.png", np.ones((4, 4), np.uint8))
    stats = tare.measure(tmp_path / "i", mask=tmp_path / "m", workers=1)
    assert stats.extra["remarks"][-1] == "no value lies outside its mask, so that --mask left nothing out"
    assert "notes" not in stats.extra
    save_png(tmp_path / "m" / "0.png", np.eye(4, dtype=np.uint8))
    stats = tare.measure(tmp_path / "i", mask=tmp_path / "m", workers=1)
    assert (len(stats.extra["remarks"]), stats.extra["notes"]) == (1, {OUTSIDE: 1})


def named(form: str, root: Path) -> Any:
    paths = sorted(root.glob("p?/*.png"))
    if form == "pattern":
        return str(root / "p?" / "*.png")
    if form == "paths":
        return [str(path) for path in paths]
    if form == "archive":
        with tarfile.open(root / "a.tar", "w") as archive:
            for path in paths:
                archive.add(path, path.relative_to(root))
        return root / "a.tar"
    place = root / f"list.{form}"
    place.write_text("".join(f"{line}\n" for line in (["path"] if form == "csv" else []) + [*map(str, paths)]))
    return place


@pytest.mark.parametrize("form", ["pattern", "paths", "txt", "csv", "archive"])
def test_images_of_several_folders_have_the_masks_of_their_own(form: str, tmp_path: Path) -> None:
    rows = np.arange(8)[:, None] * np.ones((1, 6))
    image, mask = np.where(rows < 3, 200, 50).astype(np.uint8), (rows < 3).astype(np.uint8)
    for k in range(3):
        save_png(tmp_path / "p1" / f"{k}.png", image)
        save_png(tmp_path / "p2" / f"{k}.png", 250 - image)
        save_png(tmp_path / "m" / f"{k}.png", mask)
        save_png(tmp_path / "mm" / "p1" / f"{k}.png", mask)
        save_png(tmp_path / "mm" / "p2" / f"{k}.png", 1 - mask)
    data = named(form, tmp_path)
    with pytest.raises(DataError, match=r"a mask for each image, found '.*0.png' alone for '.*p1/0.png' and '.*p2/0.png'; put"):
        tare.measure(data, mask=tmp_path / "m", workers=1)
    each = tare.measure(data, mask=tmp_path / "mm", workers=1)  # the one remedy, and the other
    assert (each.samples, each.mean, each.std) == (6, (200 / 255,), (0.0,))
    assert tare.measure(tmp_path / "p1", mask=tmp_path / "m", workers=1).mean == (200 / 255,)


def test_images_of_one_folder_in_a_pattern_have_the_masks_of_a_folder(tmp_path: Path) -> None:
    for k in range(3):
        save_png(tmp_path / "p1" / f"{k}.png", np.full((3, 4), 9, np.uint8))
        save_png(tmp_path / "m" / f"{k}.png", np.eye(3, 4, dtype=np.uint8))
    assert tare.measure(str(tmp_path / "p?" / "*.png"), mask=tmp_path / "m").channels[0].count == 9
