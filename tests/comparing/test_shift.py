from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tare
from tare.comparing.shift import compare_stats
from tare.errors import DataError
from tare.normalisation.catalog import named
from tare.samples.raw_kind import Known
from tare.statistics.dataset_stats import DatasetStats
from tests.comparing.photographs import floats_of, photographs
from tests.images import save_png
from tests.made_stats import stacked, stated_stats


def test_shift_and_ratio_are_in_units_of_the_source() -> None:
    (channel,) = compare_stats(stated_stats((0.2,), (0.1,), 10**6), stated_stats((0.5,), (0.4,), 10**6)).channels
    assert channel.shift.estimate == pytest.approx(3.0)
    assert channel.ratio.estimate == pytest.approx(4.0)
    assert channel.ratio.low * channel.ratio.high == pytest.approx(16.0)


def test_the_intervals_hold_the_true_shift_and_ratio_at_once_in_95_percent() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(150):
        a, b = rng.normal(0.0, 1.0, (60, 1, 1)), rng.normal(0.5, 2.0, (80, 1, 1))
        (channel,) = compare_stats(stacked(a), stacked(b)).channels
        held += channel.shift.low <= 0.5 <= channel.shift.high and channel.ratio.low <= 2.0 <= channel.ratio.high
    assert held >= 134  # 142 expected; fewer than 134 would be once in 300 tries


def test_a_published_constant_can_be_compared_with() -> None:
    rng = np.random.default_rng(1)
    images = np.clip(rng.normal(0.1307, 0.3081, (400, 64, 1)), -1, 2)
    found = compare_stats(named("mnist").stats(), floats_of(images))
    assert found.channels[0].shift.low < 0 < found.channels[0].shift.high


def test_different_numbers_of_channels_are_refused() -> None:
    with pytest.raises(
        DataError, match=r"two datasets with the same number of channels, found 1 in .* and 2 in .*; convert one with"
    ):
        compare_stats(stated_stats((0.5,), (0.1,)), stated_stats((0.5, 0.5), (0.1, 0.1)))


def test_statistics_without_a_channel_are_refused() -> None:
    empty = replace(stated_stats((0.5,), (0.1,)), channels=())
    with pytest.raises(DataError, match=r"expected statistics of at least one channel, found no channel in"):
        compare_stats(empty, empty)


@pytest.mark.parametrize("std", [0.0, math.nan])
def test_a_constant_channel_is_refused(std: float) -> None:
    with pytest.raises(DataError, match=r"expected a std above zero in every channel, found .* in channel 'c0' of"):
        compare_stats(stated_stats((0.5,), (0.1,)), stated_stats((0.5,), (std,)))


def test_a_constant_of_a_small_dataset_is_one_draw() -> None:
    target = floats_of(photographs(1, 400))
    (channel,) = target.channels
    constant = replace(channel, count=0, mean_se=0.0, std_se=0.0, quantiles={}, min=math.nan, max=math.nan)
    widths = [compare_stats(DatasetStats(number, (constant,)), target).channels[0].shift.high for number in (0, 100, 400, 10**9)]
    assert widths[1] == pytest.approx(widths[3] * math.sqrt(5), rel=0.02)
    assert widths[2] < widths[1]
    assert widths[0] == pytest.approx(widths[3], rel=0.01)


def test_columns_are_paired_by_name_and_strangers_are_refused() -> None:
    def table(names: tuple[str, ...], means: tuple[float, ...]) -> DatasetStats:
        stats = stated_stats(means, (1.0,) * len(means), 10**4)
        return replace(stats, channels=tuple(replace(c, name=n) for c, n in zip(stats.channels, names, strict=True)))

    source = table(("heat", "depth"), (1.0, 5.0))
    assert compare_stats(source, table(("depth", "heat"), (5.0, 1.0))).clean
    by_place = compare_stats(source, stated_stats((1.0, 5.0), (1.0, 1.0), 10**4))
    assert by_place.clean
    assert by_place.notes[0].startswith("channels are paired by their places: 'heat' with")
    reverse = table(("c1", "c0"), (1.0, 5.0))
    by_name = compare_stats(reverse, table(("c0", "c1"), (5.0, 1.0)))
    assert by_name.clean
    assert by_name.notes[0] == "channels are paired by their names, c1, c0; unnamed channels are called so by their places"
    with pytest.raises(DataError, match=r"expected the same columns in both, found 'depth', 'width' in one of"):
        compare_stats(source, table(("heat", "width"), (1.0, 5.0)))
    with pytest.raises(DataError, match=r"the same columns in both, found 'depth', 'c1'"):
        compare_stats(source, table(("heat", "c1"), (1.0, 5.0)))


def test_narrow_digital_numbers_are_compared_with_themselves() -> None:
    """A curve that no histogram of so small a part of the range can tell overflows; the other maps decide."""
    rng = np.random.default_rng(0)
    values = [
        rng.normal(0.3 + 0.3 * label, 0.1, (32, 32, 13)) * 4096 for label in (0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1)
    ]
    stats = stacked(np.clip(np.stack(values), 0, 4095).astype(np.uint16))
    assert compare_stats(stats, stats).clean


def test_the_same_files_measured_in_two_ways_show_no_map(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    for name in range(20):
        pixels = np.where(chance.random((16, 16, 3)) < 0.3, 0, chance.integers(60, 200, (16, 16, 3))).astype(np.uint8)
        save_png(tmp_path / "data" / f"{name}.png", pixels)
    whole = tare.measure(tmp_path / "data")
    others = {
        "leaves out the values 0": tare.measure(tmp_path / "data", nodata=0),
        "resized to 8 x 8 pixels and cropped": tare.measure(tmp_path / "data", as_seen="8"),
    }
    inside = replace(whole, extra={**whole.extra, "mask": "masks"})
    for words, stats in (*others.items(), ("inside a mask", inside)):
        stats.save(tmp_path / "stats.json")
        for pair in ((whole, DatasetStats.load(tmp_path / "stats.json")), (stats, whole)):
            found = compare_stats(*pair)
            assert any(words in note and "whole values as stored" in note for note in found.notes)
            assert found.kind == ("no difference shown" if stats is inside else "unclear")
            assert words in found.reason or stats is inside
        assert not any(words in note for note in compare_stats(stats, stats).notes)
    for first, second in (
        ("alpha channel dropped", "alpha channel composited over #ffffff"),
        ("turned as EXIF states", "EXIF orientation not applied"),
    ):
        noted = [replace(whole, extra={"notes": {note: 3, "first of several frames read": 1}}) for note in (first, second)]
        (note,) = (note for note in compare_stats(noted[0], noted[1]).notes if "two ways" in note)
        assert note.endswith(f"source: {first}; target: {second}")
        assert not any("two ways" in note for one in noted for note in compare_stats(one, whole).notes)
    of_files = replace(whole, extra={"facts": {"nodata": "-9999.0, 1e+20 nan"}}, nodata=Known((-9999.0, 1e20), "the files"))
    both = replace(of_files, nodata=Known((0.0, -9999.0, 1e20), "user, and the files"))
    zero = replace(whole, nodata=Known((0.0,), "user"))
    for one, other, same in ((of_files, whole, True), (both, zero, True), (zero, both, True), (both, of_files, False)):
        assert same is not any("leaves out the values 0, -9999, 1e+20" in note for note in compare_stats(one, other).notes)
