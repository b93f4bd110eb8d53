from __future__ import annotations

import json
import math
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tare
from tare.errors import DataError
from tare.samples.records import Sample, Skipped
from tare.statistics.bins import Bins
from tare.statistics.dataset_stats import SCHEMA, ChannelStats, DatasetStats, summarise
from tare.statistics.state import DatasetState
from tests.images import random_rgb
from tests.made_stats import stated_stats, stats_of

number = st.floats(-10, 10)
channels = st.builds(
    ChannelStats,
    name=st.sampled_from(["red", "grey"]),
    count=st.integers(0, 10**12),
    **{name: st.one_of(number, st.just(math.nan)) for name in ("mean", "std", "mean_se", "std_se", "min", "max")},
    mean_of_sample_std=number,
    sample_mean=st.one_of(number, st.just(math.nan)),
    quantiles=st.dictionaries(st.sampled_from(["0.5", "0.95"]), number),
    nan=st.integers(0, 9),
    constant=st.booleans(),
    histogram=st.none() | st.builds(Bins, number, st.floats(1e-9, 9), st.lists(st.integers(0, 10**15), min_size=1).map(tuple)),
)
stats = st.builds(
    DatasetStats,
    samples=st.integers(0, 10**9),
    channels=st.lists(channels, max_size=3).map(tuple),
    skipped=st.lists(st.builds(Skipped, st.text(max_size=5), st.text(max_size=5), st.booleans()), max_size=3).map(tuple),
    source=st.text(max_size=9),
    dtype=st.sampled_from(["uint8", "float32"]),
    version=st.just("1"),
    extra=st.dictionaries(st.sampled_from(["future", "x-note"]), st.integers()),
)


def plain(value: DatasetStats) -> str:
    return json.dumps(value.to_json(), sort_keys=True)


@given(stats)
def test_json_round_trips_with_unknown_keys(value: DatasetStats) -> None:
    assert plain(DatasetStats.from_json(json.loads(plain(value)))) == plain(value)


def test_what_cannot_be_estimated_is_null_in_json_and_nan_in_python() -> None:
    single = stats_of([random_rgb(0)])
    document = single.to_json()
    assert document["channels"][0]["mean_se"] is None
    assert math.isnan(DatasetStats.from_json(document).channels[0].mean_se)
    json.dumps(document, allow_nan=False)


def test_the_promised_keys_are_there() -> None:
    document = stats_of([random_rgb(0), random_rgb(1)]).to_json()
    assert document["schema"] == "tare.stats/2"
    assert document["samples"] == 2
    promised = {"name", "count", "mean", "std", "mean_se", "std_se", "min", "max", "mean_of_sample_std"}
    assert promised | {"histogram", "fine"} <= set(document["channels"][0])
    assert [c["name"] for c in document["channels"]] == ["red", "green", "blue"]


@pytest.mark.parametrize("document", [[], 3, {}, {"schema": "tare.spec/1"}])
def test_another_document_is_refused(document: Any) -> None:
    with pytest.raises(DataError, match=r"expected a JSON object with schema 'tare\.stats/2', found .*; write it with"):
        DatasetStats.from_json(document)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"samples": None}, "TypeError"),
        ({"samples": "many"}, "ValueError"),
        ({"samples": -3}, "ValueError: samples is no count"),
        ({"samples": 1e308}, "ValueError: samples is no count"),
        ({"channels": 3}, "TypeError"),
        ({"channels": ["red"]}, "AttributeError"),
        ({"channels": [{"name": "red"}]}, "KeyError: 'mean'"),
        ({"skipped": [{}]}, "KeyError: 'path'"),
    ],
)
def test_an_incomplete_document_says_what_is_wrong_with_it(change: dict[str, Any], reason: str) -> None:
    document = {**stats_of([random_rgb(0)]).to_json(), **change}
    with pytest.raises(DataError, match=rf"expected a complete 'tare\.stats/2' object, found {reason}.*; write it with"):
        DatasetStats.from_json(document)


def test_a_mean_that_is_no_number_is_refused() -> None:
    document = stats_of([random_rgb(0)]).to_json()
    document["channels"][0]["mean"] = "0.5"
    with pytest.raises(DataError, match=r"mean is not a number: '0\.5'"):
        DatasetStats.from_json(document)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"quantiles": {"0.5": [1]}}, "the quantile 0.5 is not a number"),
        ({"quantiles": {"1.5": 1.0}}, "quantiles of shares outside 0 to 1"),
        ({"quantiles": [1]}, "AttributeError|TypeError|ValueError"),
        ({"min": math.inf}, "min is not a number: inf"),
        ({"effective_samples": "many"}, "effective_samples is not a number"),
        ({"count": -1}, "count is no count"),
        ({"nan": 0.5}, "nan is no count"),
        ({"count": None}, "count is no count"),
        ({"mean": 10**400}, "OverflowError"),
    ],
)
def test_a_channel_with_what_no_channel_has_is_refused(change: dict[str, Any], reason: str) -> None:
    document = stats_of([random_rgb(0)]).to_json()
    document["channels"][0] |= change
    with pytest.raises(DataError, match=reason):
        DatasetStats.from_json(document)


@pytest.mark.parametrize(
    "change", [{"width": 0.0}, {"low": None}, {"counts": []}, {"counts": [1, -1]}, {"counts": ["x"]}, {"counts": None}]
)
def test_a_malformed_histogram_is_refused(change: dict[str, Any]) -> None:
    document = json.loads(plain(stats_of([random_rgb(0)])))
    document["channels"][0]["histogram"].update(change)
    with pytest.raises(DataError, match=r"expected a complete 'tare\.stats/2' object, found (Type|Value)Error"):
        DatasetStats.from_json(document)


def test_a_file_round_trips(tmp_path: Path) -> None:
    value = stats_of([random_rgb(0), random_rgb(1)])
    value.save(tmp_path / "new" / "stats.json")
    assert DatasetStats.load(tmp_path / "new" / "stats.json") == value


def test_a_file_that_is_not_there_or_not_json_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected a readable statistics file, found .*nothing\.json.*; check the path"):
        DatasetStats.load(tmp_path / "nothing.json")
    (tmp_path / "broken.json").write_text("not json")
    with pytest.raises(DataError, match=r"expected a readable statistics file, found .*broken\.json"):
        DatasetStats.load(tmp_path / "broken.json")


def test_8_bit_figures_are_unit_values_and_agree_with_numpy() -> None:
    images = [random_rgb(seed, 4 + seed % 3) for seed in range(9)]
    measured = stats_of(images)
    for c, channel in enumerate(measured.channels):
        values = np.concatenate([image[..., c].ravel() for image in images]) / 255
        assert channel.count == values.size
        assert channel.mean == pytest.approx(values.mean(), rel=1e-12)
        assert channel.std == pytest.approx(values.std(), rel=1e-12)
        assert (channel.min, channel.max) == pytest.approx((values.min(), values.max()))
        assert channel.share_at_low_end == pytest.approx((values == 0).mean())
        assert channel.share_at_high_end == pytest.approx((values == 1).mean())
        for q, value in channel.quantiles.items():
            assert value == pytest.approx(np.quantile(values, float(q), method="inverted_cdf"))


def test_16_bit_data_are_scaled_by_their_own_range() -> None:
    full = stats_of([np.full((2, 2, 1), 65535, np.uint16)])
    assert (full.channels[0].mean, full.channels[0].constant) == (1.0, True)


def test_floats_stay_as_they_are() -> None:
    assert stats_of([np.full((2, 2, 1), 300.0, np.float32)]).mean == (300.0,)


@given(st.integers(0, 50))
def test_unit_values_of_8_and_16_bits_agree(seed: int) -> None:
    image = random_rgb(seed)
    narrow, wide = stats_of([image, image[:2]]), stats_of([image.astype(np.uint16) * 257, image[:2].astype(np.uint16) * 257])
    assert narrow.mean == pytest.approx(wide.mean, rel=1e-14)
    assert narrow.std == pytest.approx(wide.std, rel=1e-14)


def test_a_channel_with_nan_or_infinities_has_counts_alone_unless_they_are_left_out() -> None:
    values = np.random.default_rng(0).normal(0.5, 0.1, (4, 6, 5, 3))
    spoilt = values.copy()
    spoilt[1, 2, 3, 0], spoilt[0, 0, 0, 2] = np.nan, np.inf
    state = DatasetState.of([Sample(f"{index}", sample) for index, sample in enumerate(spoilt)])
    red, green, blue = summarise(state, "made", "test").channels
    assert (red.nan, red.inf, red.count) == (1, 0, 119)
    assert (blue.nan, blue.inf, blue.count) == (0, 1, 119)
    for channel in (red, blue):
        assert math.isnan(channel.mean)
        assert math.isnan(channel.std)
        assert channel.quantiles == {}
    assert green.mean == pytest.approx(values[..., 1].mean(), rel=1e-12)
    finite = summarise(state, "made", "test", exclude_nan=True).channels[0]
    left = np.delete(values[..., 0].ravel(), np.ravel_multi_index((1, 2, 3), (4, 6, 5)))
    assert finite.nan == 1
    assert finite.mean == pytest.approx(left.mean())
    assert finite.std == pytest.approx(left.std())


def test_a_channel_without_a_finite_value_has_no_figure_even_then() -> None:
    state = DatasetState.of([Sample("a", np.full((2, 2, 1), np.nan))])
    (channel,) = summarise(state, "made", "test", exclude_nan=True).channels
    assert (channel.count, channel.nan) == (0, 4)
    assert math.isnan(channel.share_at_low_end)
    assert math.isnan(channel.min)


def test_nothing_to_measure_is_an_error() -> None:
    with pytest.raises(DataError, match="expected at least one readable sample, found no files in 'photos'; check the path"):
        summarise(DatasetState(), "photos", "test")


def test_nothing_readable_names_an_example() -> None:
    state = DatasetState(skipped=(Skipped("a.jpg", "the file is empty"),))
    with pytest.raises(DataError, match=r"1 files, none of them readable in 'photos' \(for example 'a.jpg': the file is empty\)"):
        summarise(state, "photos", "test")


def test_layouts_that_must_not_be_pooled_are_named_with_examples() -> None:
    with pytest.raises(DataError, match=r"2 with 3 channels of uint8 .*'000000'.* and 1 with 1 channel of uint8.*--channels rgb"):
        stats_of([random_rgb(0), random_rgb(1), random_rgb(2)[..., :1]])


def test_unreadable_leaves_out_what_never_claimed_to_be_a_sample() -> None:
    bad, readme = Skipped("a.jpg", "empty"), Skipped("README", "no image", foreign=True)
    assert DatasetStats(1, (), skipped=(bad, readme)).unreadable == (bad,)


def test_mean_and_std_are_those_of_the_channels() -> None:
    assert (stated_stats((0.1, 0.2), (0.3, 0.4)).mean, stated_stats((0.1, 0.2), (0.3, 0.4)).std) == ((0.1, 0.2), (0.3, 0.4))


def test_every_field_of_a_channel_reaches_the_json() -> None:
    document = stats_of([random_rgb(0)]).to_json()
    assert document["schema"] == SCHEMA
    assert set(document["channels"][0]) == {f.name for f in fields(ChannelStats)}


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_arrays_are_not_told_to_convert_to_colours(tmp_path: Path, dtype: str) -> None:
    for index, channels in enumerate((3, 3, 4, 4)):
        np.save(tmp_path / f"{index}.npy", np.zeros((8, 8, channels), dtype))
    with pytest.raises(DataError, match="one number of channels and one dtype") as refused:
        tare.measure(tmp_path)
    assert "--channels" not in str(refused.value)


def test_a_few_values_far_from_all_others_crowd_a_channel_and_are_said() -> None:
    chance = np.random.default_rng(0)
    calm = {
        "normal": chance.normal(size=3000),
        "very skewed": np.exp(2 * chance.normal(size=3000)),
        "rare": chance.random(3000) < 0.005,
        "zeros": np.where(chance.random(3000) < 0.9, 0, chance.exponential(size=3000)),
        "same": np.full(3000, 7.0),
        "counts": chance.poisson(0.3, 3000),
    }
    far = {
        name: np.concatenate([values[1:], [1e7]]) for name, values in calm.items() if name in ("normal", "very skewed", "zeros")
    }
    for columns, crowded in ((calm, False), (far, True)):
        stats = tare.measure(np.stack([np.asarray(values, np.float64) for values in columns.values()], axis=1))
        assert [channel.crowded for channel in stats.channels] == [crowded] * len(columns)
        said = [remark for remark in stats.extra.get("remarks", ()) if "far from all others" in remark]
        assert len(said) == crowded
    levels = tare.measure(chance.integers(0, 3, (50, 9, 9, 3)).astype(np.uint8))
    assert not any(channel.crowded for channel in levels.channels)


def test_whole_numbers_and_heavy_tails_are_not_called_a_few_far_values() -> None:
    chance = np.random.default_rng(0)
    levels, heavy = chance.choice([-1.0, 0.0, 1.0], 100_000, p=[0.002, 0.996, 0.002]), np.exp(2 * chance.normal(size=100_000))
    sparse = np.where(chance.random(100_000) < 0.995, 0.0, chance.normal(size=100_000))
    stats = tare.measure(np.stack([levels, sparse, heavy], axis=1))
    assert not stats.channels[0].crowded
    assert not stats.channels[1].crowded
    assert not stats.crowding
