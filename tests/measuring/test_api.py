from __future__ import annotations

import json
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tare
from tare.errors import DataError
from tare.measuring.api import parts_of
from tare.measuring.one_pass import TooManySkippedError
from tare.samples.raw_kind import Known
from tare.statistics.dataset_stats import DatasetStats
from tare.statistics.state import DatasetState
from tests.images import random_rgb, rgb_folder, save_png


def test_a_folder_agrees_with_numpy_over_all_its_pixels(tmp_path: Path) -> None:
    images = rgb_folder(tmp_path, 25)
    measured = tare.measure(tmp_path)
    pixels = np.concatenate([image.reshape(-1, 3) for image in images]) / 255
    assert measured.samples == 25
    assert measured.mean == pytest.approx(pixels.mean(axis=0), rel=1e-12)
    assert measured.std == pytest.approx(pixels.std(axis=0), rel=1e-12)
    assert measured.dtype == "uint8"
    assert measured.skipped == ()


def test_any_number_of_workers_gives_the_same_statistics(tmp_path: Path) -> None:
    rgb_folder(tmp_path, 150)
    (tmp_path / "a" / "bad.png").write_bytes(b"")
    one = tare.measure(tmp_path, workers=1)
    assert tare.measure(tmp_path, workers=2) == one
    assert tare.measure(tmp_path, workers=7) == one


def test_bad_files_are_listed_and_leave_the_figures_of_the_good_ones(tmp_path: Path) -> None:
    rgb_folder(tmp_path, 6)
    good = tare.measure(tmp_path)
    (tmp_path / "a" / "empty.jpg").write_bytes(b"")
    (tmp_path / "a" / "text.png").write_text("hello")
    (tmp_path / "README.md").write_text("about")
    measured = tare.measure(tmp_path, max_skipped=0.5)
    assert measured.channels == good.channels
    assert {Path(item.path).name: item.foreign for item in measured.skipped} == {
        "empty.jpg": False,
        "text.png": False,
        "README.md": True,
    }


def test_too_many_bad_files_are_an_error_that_carries_the_statistics(tmp_path: Path) -> None:
    rgb_folder(tmp_path, 3)
    (tmp_path / "b" / "zero.jpg").write_bytes(b"")
    with pytest.raises(
        TooManySkippedError, match=r"at most 1\.00% unreadable samples, found 1 of 4 \(25\.00%\), the first .*zero"
    ) as e:
        tare.measure(tmp_path)
    assert e.value.stats.samples == 3


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected at least one readable sample, found no files in"):
        tare.measure(tmp_path)


def test_values_near_a_billion_keep_a_std_of_one() -> None:
    offsets = np.random.default_rng(0).standard_normal((3000, 2))
    measured, plain = tare.measure(1e9 + offsets), tare.measure(offsets)
    stored = (1e9 + offsets) - 1e9  # what is left of the digits
    for c, channel in enumerate(measured.channels):
        assert channel.mean == pytest.approx(1e9 + stored[:, c].mean(), rel=1e-15)
        assert channel.std == pytest.approx(stored[:, c].std(), rel=1e-9)
        assert channel.mean_se == pytest.approx(plain.channels[c].mean_se, rel=1e-6)
        assert channel.std_se == pytest.approx(plain.channels[c].std_se, rel=1e-6)


@pytest.mark.parametrize("shape", [(1, 5, 4, 3), (1, 1, 1, 3)], ids=["one image", "one pixel"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_one_sample_has_figures_but_no_error(dtype: str, shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(1).integers(0, 256, shape).astype(dtype)
    top = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    measured = tare.measure(values, layout="NHWC")
    assert measured.samples == 1
    for c, channel in enumerate(measured.channels):
        assert channel.mean == pytest.approx(values[..., c].mean(dtype=np.float64) / top)
        assert channel.std == pytest.approx(values[..., c].std(dtype=np.float64) / top)
        assert channel.constant == (shape[1] == 1)
        assert math.isnan(channel.mean_se)
        assert math.isnan(channel.std_se)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_constant_channel_is_said_to_be_one(dtype: str) -> None:
    values = np.random.default_rng(2).integers(0, 200, (5, 4, 4, 3)).astype(dtype)
    values[..., 1] = 7
    red, green, blue = tare.measure(values, layout="NHWC").channels
    assert (red.constant, green.constant, blue.constant) == (False, True, False)
    assert (green.std, green.mean_se, green.mean_of_sample_std) == (0.0, 0.0, 0.0)
    assert math.isnan(green.std_se)
    assert set(green.quantiles.values()) == {green.mean} == {green.min}


@pytest.mark.parametrize("values", [np.zeros((0, 8, 8, 3), np.uint8), np.zeros((0, 4))], ids=["images", "table"])
def test_no_sample_is_an_error(values: NDArray[Any]) -> None:
    with pytest.raises(DataError, match="at least one"):
        tare.measure(values)


def test_nan_is_counted_and_left_out_on_request_alone() -> None:
    values = np.random.default_rng(3).normal(0.5, 0.1, (300, 2))
    values[::50, 0] = np.nan
    spoilt, clean = tare.measure(values).channels
    assert (spoilt.nan, spoilt.count) == (6, 294)
    assert math.isnan(spoilt.mean)
    assert clean.nan == 0
    assert clean.mean == pytest.approx(values[:, 1].mean())
    asked = tare.measure(values, exclude_nan=True).channels[0]
    assert asked.nan == 6
    assert asked.mean == pytest.approx(np.nanmean(values[:, 0]))
    assert asked.std == pytest.approx(np.nanstd(values[:, 0]))


def test_grey_photographs_among_colour_ones_are_read_as_rgb_and_it_is_said(tmp_path: Path) -> None:
    for k in range(90):
        save_png(tmp_path / "ab"[k % 2] / f"{k}.png", random_rgb(k) if k >= 70 else random_rgb(k)[..., 0])
    measured = tare.measure(tmp_path, workers=1)
    asked = tare.measure(tmp_path, channels="rgb")
    assert measured.channels == asked.channels
    assert measured.extra["notes"] == {"grey, read as RGB": 70}
    assert tare.measure(tmp_path, workers=5) == measured
    drawn = tare.measure(tmp_path, tolerance=1e-9, seed=3)
    assert (drawn.mean, drawn.std, drawn.extra["notes"]) == (measured.mean, measured.std, measured.extra["notes"])
    assert tare.measure(tmp_path, tolerance=0.5, seed=3).extra["sampled"]["samples"] < 90


def test_samples_that_do_not_belong_together_are_an_error_naming_each_kind(tmp_path: Path) -> None:
    levels = np.random.default_rng(0).integers(0, 1000, (3, 8, 8))
    levels[0, 0, 0] = 1000
    for k, values in enumerate(levels):
        save_png(tmp_path / f"{k}-16.png", values.astype(np.uint16))
        save_png(tmp_path / f"{k}-8.png", (values // 4).astype(np.uint8))
    save_png(tmp_path / "colour.png", random_rgb(0))
    kinds = (
        r"3 with 1 channel of uint16, 10 bits in use \(for example '\S*0-16\.png'\) and 3 with 1 channel of uint8 "
        r"\(for example '\S*0-8\.png'\) and 1 with 3 channels of uint8 \(for example '\S*colour\.png'\); measure each kind"
    )
    with pytest.raises(DataError, match=kinds):
        tare.measure(tmp_path)
    with pytest.raises(DataError, match="measure each kind by itself"):
        tare.measure(tmp_path, tolerance=0.01)
    assert tare.measure(f"{tmp_path}/*-16.png").bits == Known(10, "the largest raw value is 1000")  # the remedy


def test_mixed_channel_counts_can_be_converted(tmp_path: Path) -> None:
    colour = save_png(tmp_path / "colour.png", random_rgb(0))
    grey = save_png(tmp_path / "grey.png", random_rgb(1)[..., 0])
    measured = tare.measure(tmp_path, channels="rgb")
    pixels = np.concatenate([colour.reshape(-1, 3), np.repeat(grey, 3, axis=2).reshape(-1, 3)]) / 255
    assert measured.mean == pytest.approx(pixels.mean(axis=0))
    assert len(tare.measure(tmp_path, channels="grey").channels) == 1


def test_progress_counts_every_file_once(tmp_path: Path) -> None:
    rgb_folder(tmp_path, 130)
    counted: list[int] = []
    tare.measure(tmp_path, progress=counted.append)
    assert sum(counted) == 130


def test_the_statistics_say_where_they_come_from(tmp_path: Path) -> None:
    rgb_folder(tmp_path, 2)
    document = json.loads(json.dumps(tare.measure(tmp_path).to_json()))
    assert document["source"] == str(tmp_path)
    assert document["version"] == tare.__version__


def test_photographs_agree_with_pillow_and_numpy(real_data: Path) -> None:
    folder = real_data / "hymenoptera" / "val" / "ants"
    if not folder.is_dir():
        pytest.skip("TARE_DATA has no hymenoptera")
    from PIL import Image

    pixels = np.concatenate([np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3) for path in sorted(folder.iterdir())])
    measured = tare.measure(folder)
    # Two JPEG decoders may differ by a level here and there.
    assert measured.mean == pytest.approx(pixels.mean(axis=0) / 255, abs=2e-3)
    assert measured.std == pytest.approx(pixels.std(axis=0, dtype=np.float64) / 255, abs=2e-3)


def test_a_folder_of_a_training_part_beside_others_says_that_they_are_pooled(tmp_path: Path) -> None:
    data = tmp_path / "my data"
    for part in ("train", "val", "test"):
        rgb_folder(data / part, 4)
    (remark,) = tare.measure(data).extra["remarks"]
    trained = data / "train"
    assert remark == (
        f"test, train and val are counted as one; a network is trained with those of train alone: tare measure '{trained}'"
    )
    assert "remarks" not in tare.measure(trained).extra


@pytest.mark.parametrize("parts", [["train"], ["val", "test"], ["trains", "planes"]])
def test_folders_that_are_not_parts_of_a_dataset_are_not_remarked_on(tmp_path: Path, parts: list[str]) -> None:
    for part in parts:
        rgb_folder(tmp_path / part, 4)
    assert "remarks" not in tare.measure(tmp_path).extra


def in_parts(data: Any, **options: Any) -> DatasetStats:
    """The program of docs/merge.md, with parts and states pickled as on a cluster and merged from the last to the first."""
    parts, state = parts_of(data, **options), DatasetState()
    reduced = [pickle.loads(pickle.dumps(parts.reduce))(pickle.loads(pickle.dumps(chunk))) for chunk in parts.chunks()]  # noqa: S301
    for each in reversed(reduced):
        state = each.merge(state)
    return parts.statistics(state)


@pytest.mark.parametrize(
    "options", [{}, {"cluster": "folder"}, {"nodata": 0}, {"as_seen": "16x20"}, {"channels": "grey", "exclude_nan": True}]
)
def test_parts_give_all_that_measure_gives_of_images(tmp_path: Path, options: dict[str, Any]) -> None:
    for folder in "ab":
        rgb_folder(tmp_path / folder, 9)
    assert in_parts(tmp_path, **options).to_json() == tare.measure(tmp_path, **options).to_json()


def test_parts_leave_out_what_the_files_call_no_data(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="reads HDF5 (pip install 'tare[science]')")
    values = np.random.default_rng(0).integers(-100, 100, (30, 2)).astype(np.int16)
    values[3, 1] = values[7, 0] = -9999
    with h5py.File(tmp_path / "t.nc", "w") as file:
        file.create_dataset("t", data=values).attrs["_FillValue"] = np.int16(-9999)
    found = in_parts(tmp_path / "t.nc")
    assert found.to_json() == tare.measure(tmp_path / "t.nc").to_json()
    assert found.mean == pytest.approx([values[values[:, c] != -9999, c].mean() for c in (0, 1)])


def test_parts_refuse_what_needs_one_process(tmp_path: Path) -> None:
    rgb_folder(tmp_path / "a", 9)
    for options in ({"tolerance": 0.1}, {"checkpoint": tmp_path / "state"}):
        with pytest.raises(DataError, match="parts without a random sample or a checkpoint, found one of these"):
            parts_of(tmp_path, **options)
