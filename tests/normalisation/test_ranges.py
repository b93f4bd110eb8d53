from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import tare
from tare.errors import StrategyError
from tare.input_spec.affine import Affine
from tare.input_spec.input_map import InputMap, Window
from tare.input_spec.spec import InputSpec
from tare.normalisation.applied import Normalisation
from tare.normalisation.input_layer import InputLayer
from tare.normalisation.names import BASIC, DECLARED, STRATEGIES, Strategy
from tare.normalisation.ranges import moments_through
from tare.normalisation.strategies import Constants, normalisation
from tare.samples.layout import unit_scale
from tare.statistics.bins import Bins
from tests.made_stats import stacked

#: The strategies beyond mean and std that are invariant under another gain and offset of the sensor.
RANGES: tuple[Strategy, ...] = ("minmax", "quantile", "bounds", "percentile", "stretch")
CUTS: tuple[Strategy, ...] = ("bounds", "percentile", "stretch", "window")
#: The quantiles that become the ends, and the ends.
ENDS = {
    "minmax": (0.0, 1.0, 0.0),
    "quantile": (0.01, 0.99, -1.0),
    "bounds": (0.01, 0.99, -1.0),
    "percentile": (0.01, 0.99, 0.0),
    "stretch": (0.02, 0.98, 0.0),
}
WINDOW = (40.0, 180.0)
seeds = st.integers(0, 999)


def words(seed: int, channels: int = 2) -> NDArray[np.uint16]:
    """Images of 16 bits ``(N, H, W, C)`` whose channels lie at other places, with a few far values."""
    rng = np.random.default_rng(seed)
    values = rng.gamma(3.0, 60.0, (5, 8, 9, channels)) + 30 * np.arange(1, channels + 1)
    return values.clip(1, 3000).astype(np.uint16)


def of_words(strategy: Strategy, values: NDArray[np.uint16]) -> Normalisation:
    return normalisation(strategy, values.shape[-1], target=stacked(values), window=WINDOW)


def fed(chosen: Normalisation, values: NDArray[np.uint16]) -> NDArray[np.float64]:
    """What the layer makes of 16-bit images, which it is given as unit values."""
    unit = torch.from_numpy(values.astype(np.float64) / 65535).movedim(-1, 1)
    layer = InputLayer(chosen).to(torch.float64)
    return np.asarray(layer(unit).movedim(1, -1).numpy())


def reference(strategy: Strategy, values: NDArray[np.uint16]) -> NDArray[np.float64]:
    """The same by NumPy alone, from raw values."""
    raw, axes = values.astype(np.float64), (0, 1, 2)
    if strategy == "window":
        return (raw.clip(*WINDOW) - WINDOW[0]) / (WINDOW[1] - WINDOW[0])
    if strategy in ("log1p", "dB"):
        logged = np.log1p(raw) if strategy == "log1p" else 10 * np.log10(raw)
        return np.asarray((logged - logged.mean(axes)) / logged.std(axes))
    if strategy == "sample-percentile":
        low, high = (np.percentile(raw, share, axis=(1, 2), keepdims=True) for share in (1, 99))
        return np.asarray(((raw - low) / (high - low)).clip(0, 1))
    first, last, begin = ENDS[strategy]
    low, high = (np.quantile(raw, share, axis=axes, method="inverted_cdf") for share in (first, last))
    raw = raw.clip(low, high) if strategy in CUTS else raw
    return np.asarray(begin + (1 - begin) * (raw - low) / (high - low))


@given(seeds, st.sampled_from([name for name in STRATEGIES if name not in BASIC]))
def test_each_strategy_is_its_formula_in_numpy(seed: int, strategy: Strategy) -> None:
    values = words(seed)
    np.testing.assert_allclose(fed(of_words(strategy, values), values), reference(strategy, values), rtol=0, atol=1e-5)


@given(seeds, st.sampled_from(RANGES), st.integers(1, 20), st.integers(0, 4000))
def test_ranges_of_the_data_undo_any_gain_and_offset_of_a_sensor(seed: int, strategy: Strategy, gain: int, offset: int) -> None:
    plain = words(seed)
    other = (gain * plain.astype(np.int64) + offset).astype(np.uint16)
    np.testing.assert_allclose(fed(of_words(strategy, other), other), fed(of_words(strategy, plain), plain), rtol=0, atol=1e-6)


@given(seeds, st.lists(st.tuples(st.integers(1, 20), st.integers(0, 4000)), min_size=5, max_size=5))
def test_percentiles_of_each_sample_undo_a_gain_and_offset_of_each(seed: int, changes: list[tuple[int, int]]) -> None:
    plain = words(seed)
    gains, offsets = (np.array(column)[:, None, None, None] for column in zip(*changes, strict=True))
    other = (gains * plain.astype(np.int64) + offsets).astype(np.uint16)
    chosen = normalisation("sample-percentile", 2)
    np.testing.assert_allclose(fed(chosen, other), fed(chosen, plain), rtol=0, atol=1e-5)


@given(seeds, st.integers(1, 15))
def test_decibels_undo_a_gain_of_the_power(seed: int, gain: int) -> None:
    plain = words(seed)
    other = (gain * plain.astype(np.int64)).astype(np.uint16)
    np.testing.assert_allclose(fed(of_words("dB", other), other), fed(of_words("dB", plain), plain), rtol=0, atol=1e-9)


@given(seeds, seeds, st.sampled_from([*CUTS, "sample-percentile"]))
def test_what_is_cut_stays_in_its_range_whatever_comes(seed: int, another: int, strategy: Strategy) -> None:
    others = (7 * words(another).astype(np.int64)).astype(np.uint16)
    values = fed(of_words(strategy, words(seed)), others)
    low = -1.0 if strategy == "bounds" else 0.0
    assert low - 1e-9 <= values.min() <= values.max() <= 1 + 1e-9


@given(seeds, st.sampled_from(["minmax", "quantile"]))
def test_an_affine_range_has_an_exact_inverse(seed: int, strategy: Strategy) -> None:
    values = words(seed)
    chosen = of_words(strategy, values)
    assert chosen.is_affine
    back = chosen.affine().inverse().apply(chosen.affine().apply(values / 65535))
    np.testing.assert_allclose(65535 * back, values, rtol=1e-9)
    np.testing.assert_allclose(chosen.affine().apply(values / 65535), fed(chosen, values), rtol=0, atol=1e-6)


@given(seeds, st.sampled_from([name for name in STRATEGIES if DECLARED[name].whose not in ("source", "both")]))
def test_a_specification_states_the_whole_map(seed: int, strategy: Strategy) -> None:
    values = words(seed)
    chosen = of_words(strategy, values)
    spec = InputSpec.of((0.0,) * 2, (1.0,) * 2, channels="a,b", layout="NHWC", raw_dtype="uint16")
    stated = replace(spec, **chosen.spec_fields("uint16", "test"))  # type: ignore[arg-type]
    applied = InputSpec.from_json(stated.to_json()).apply(torch.from_numpy(values.astype(np.uint16)), "NHWC")
    np.testing.assert_allclose(applied.numpy(), fed(chosen, values), rtol=0, atol=1e-4)


@given(seeds, st.sampled_from([name for name in STRATEGIES if DECLARED[name].whose not in ("source", "both")]))
def test_what_is_written_is_read_back(seed: int, strategy: Strategy) -> None:
    chosen = of_words(strategy, words(seed))
    assert Normalisation.from_json(chosen.to_json()) == chosen


@given(seeds, st.sampled_from(["minmax", "percentile", "stretch", "bounds", "quantile", "log1p", "dB", "window"]))
@settings(max_examples=40)
def test_the_moments_fed_are_those_of_what_the_layer_gives(seed: int, strategy: Strategy) -> None:
    rng = np.random.default_rng(seed)
    values = rng.gamma(4.0, 14.0, (4, 8, 9, 2)).clip(1, 255).astype(np.uint8)
    stats = stacked(values)
    chosen = normalisation(strategy, 2, target=stats, window=WINDOW)
    made = InputLayer(chosen)(torch.from_numpy(values).movedim(-1, 1)).double().numpy()
    mean, std = chosen.moments_fed(stats)
    assert mean == pytest.approx(made.mean(axis=(0, 2, 3)), abs=1e-5)
    assert std == pytest.approx(made.std(axis=(0, 2, 3)), abs=1e-5)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_is_said_to_fold_is_one_affine_map(strategy: Strategy) -> None:
    source = Constants((0.1, 0.2), (0.2, 0.3), "stated")
    seen = Constants((0.1, 0.25), (0.2, 0.3), "measured")
    made = normalisation(strategy, 2, source=source, target=stacked(words(0)), source_seen=seen, window=WINDOW)
    assert made.is_affine == DECLARED[strategy].folds
    assert (made.per_sample is not None) == DECLARED[strategy].apart


def test_a_source_that_cuts_values_does_the_same_to_the_target_and_is_neither_matched_nor_blended() -> None:
    source = Constants((0.1,), (0.5,), "stated", clip=((0.1, 0.6),))
    stats = stacked(words(0, 1))
    made = normalisation("source", 1, source=source)
    assert made.clip == source.clip
    layer = InputLayer(made)
    assert layer(torch.tensor([[[[0.0, 0.1, 0.35, 0.9]]]])).flatten().tolist() == pytest.approx([0, 0, 0.5, 1])
    for strategy in ("match", "blend"):
        with pytest.raises(
            StrategyError, match=r"source of mean and std alone .* clipped to \[0\.1, 0\.6\]; use --strategy source"
        ):
            normalisation(strategy, 1, source=source, target=stats, source_seen=source)


def test_a_range_without_two_ends_is_refused_with_the_channel() -> None:
    flat = np.concatenate([words(0, 1), np.full_like(words(0, 1), 7)], axis=-1)
    with pytest.raises(StrategyError, match=r"two ends apart in every channel.* in channel 'c1'; drop the channel$"):
        of_words("percentile", flat)
    nearly = flat.copy()
    nearly[0, 0, 0, 1] = 60_000
    with pytest.raises(StrategyError, match=r"two ends apart .* in channel 'c1'; drop the channel, or use --strategy target$"):
        of_words("percentile", nearly)
    assert normalisation("target", 2, target=stacked(nearly)).std[1] > 0


def test_a_logarithm_of_zero_is_refused_with_the_channel_and_the_value() -> None:
    dark = words(0)
    dark[0, 0, 0, 1] = 0
    with pytest.raises(StrategyError, match=r"values above 0 .* 'dB', found values from 0 in channel 'c1'; leave out"):
        of_words("dB", dark)
    assert fed(of_words("log1p", dark), dark)[0, 0, 0, 1] < -3


def test_a_zero_that_comes_later_is_cut_to_the_smallest_power_of_training() -> None:
    values = words(3)
    chosen = of_words("dB", values)
    later = values.copy()
    later[0, 0, 0] = 0
    made = fed(chosen, later)
    assert np.isfinite(made).all()
    np.testing.assert_allclose(made[0, 0, 0], fed(chosen, values).min(axis=(0, 1, 2)), atol=1e-9)


def test_statistics_of_an_older_file_lack_the_quantiles_and_say_so() -> None:
    stats = stacked(words(0, 1))
    older = replace(stats, channels=tuple(replace(channel, quantiles={"0.5": 0.1}) for channel in stats.channels))
    with pytest.raises(StrategyError, match=r"the quantile 0\.02 of every channel, found none .*; measure the data again"):
        normalisation("stretch", 1, target=older)


@pytest.mark.parametrize("strategy", ["quantile", "bounds", "percentile", "stretch"])
def test_quantiles_that_a_far_value_hides_are_no_range(strategy: Strategy) -> None:
    values = np.random.default_rng(0).normal(size=(600, 2))
    assert normalisation(strategy, 2, target=tare.measure(values)).std
    values[0, 1] = 1e6
    wanted = (
        "quantiles known to a hundredth of their range, found .* in channel 'c1', .*; leave those values out, or state --window"
    )
    with pytest.raises(StrategyError, match=wanted):
        normalisation(strategy, 2, target=tare.measure(values))


def test_a_window_must_be_stated_and_have_two_ends() -> None:
    stats = stacked(words(0, 1))
    with pytest.raises(StrategyError, match="a window of raw values for the strategy 'window', found none; state --window"):
        normalisation("window", 1, target=stats)
    with pytest.raises(StrategyError, match="from a low end to a higher one, found 5 to 5"):
        normalisation("window", 1, target=stats, window=(5.0, 5.0))


def test_a_row_has_no_percentiles_of_its_own() -> None:
    with pytest.raises(StrategyError, match="images or signals for the strategy 'sample-percentile'"):
        InputLayer(normalisation("sample-percentile", 2))(torch.zeros(3, 2))


def test_the_padding_of_a_signal_is_left_out_of_its_percentiles() -> None:
    layer = InputLayer(normalisation("sample-percentile", 1))
    signal = torch.rand(1, 1, 50, generator=torch.Generator().manual_seed(0))
    padded = torch.cat([signal, torch.full((1, 1, 30), torch.nan)], dim=2)
    torch.testing.assert_close(layer(padded)[..., :50], layer(signal))
    assert torch.equal(layer(padded)[..., 50:], torch.zeros(1, 1, 30))


# The moments that reach the network -----------------------------------------------------------------------------------------

#: A gain and offset per channel, in the other order of channels, so that none stands for another.
LAST = Affine((1, 0), (2.0, -0.5), (0.25, 3.0))
#: Maps of raw values in NumPy.
MAPS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "identity": lambda raw: raw,
    "log1p": np.log1p,
    "dB": lambda raw: 10 * np.log10(raw),
    "sqrt": np.sqrt,
}
#: The same as they are known from statistics: those of floats and of other maps need the histogram.
KNOWN = [(kind, name) for kind in ("uint8", "few", "uint16") for name in ("identity", "log1p", "dB")] + [("float64", "identity")]
COUNTED = [(kind, name) for kind in ("uint8", "few") for name in MAPS]


def raw_values(seed: int, kind: str) -> NDArray[Any]:
    """Images of 8 bits, of 16 bits with at most 256 levels (``few``) or with thousands, or of floats; no value is zero."""
    values = words(seed)
    made = {"uint8": values.clip(1, 2000) // 8 + 1, "few": values.clip(1, 250) + 1000, "uint16": values, "float64": values / 7}
    return np.asarray(made[kind], {"few": "uint16"}.get(kind, kind))


def reference_moments(values: NDArray[Any], applied: InputMap) -> list[list[float]]:
    """Mean and std of what becomes of all raw values of each channel."""
    made = MAPS[applied.value_map](values.astype(np.float64))[..., list(applied.affine.order)]
    made = made if applied.clip is None else made.clip(*np.array(applied.clip).T)
    made = (made * applied.affine.scale + applied.affine.shift).reshape(-1, len(applied.affine.order))
    return [made.mean(axis=0).tolist(), made.std(axis=0).tolist()]


def through(values: NDArray[Any], applied: InputMap) -> list[list[float]]:
    """The same from the statistics of the values."""
    found = moments_through(applied, float(unit_scale(values.dtype)), stacked(values))
    return [list(figures) for figures in found]


def window_at(values: NDArray[Any], name: str, low: float, high: float) -> Window:
    """Two quantiles of each channel of the network, as the map gives them."""
    ends = np.quantile(MAPS[name](values.astype(np.float64)), (low, high), axis=(0, 1, 2), method="inverted_cdf")
    return tuple((float(ends[0, place]), float(ends[1, place])) for place in LAST.order)


def extremes_through(values: NDArray[Any], name: str) -> Window:
    """The extremes of each channel of the network as the statistics give them."""
    channels, step = stacked(values).channels, float(unit_scale(values.dtype))
    ends = [(channels[place].min / step, channels[place].max / step) for place in LAST.order]
    return tuple((float(MAPS[name](np.array(low))), float(MAPS[name](np.array(high)))) for low, high in ends)


@given(seeds, st.sampled_from(KNOWN), st.sampled_from([None, 0.0, 0.5]))
def test_moments_are_exact_where_a_clip_cuts_nothing(seed: int, case: tuple[str, str], outer: float | None) -> None:
    kind, name = case
    values = raw_values(seed, kind)
    clip = None if outer is None else tuple((low - outer, high + outer) for low, high in extremes_through(values, name))
    applied = InputMap(LAST, name, clip)
    np.testing.assert_allclose(through(values, applied), reference_moments(values, applied), rtol=1e-9, atol=1e-9)


@given(seeds, st.sampled_from(COUNTED), st.sampled_from([(0.0, 0.7), (0.3, 1.0), (0.2, 0.9)]))
def test_moments_of_counted_levels_are_exact_whatever_a_clip_cuts(
    seed: int, case: tuple[str, str], shares: tuple[float, float]
) -> None:
    kind, name = case
    values = raw_values(seed, kind)
    applied = InputMap(LAST, name, window_at(values, name, *shares))
    np.testing.assert_allclose(through(values, applied), reference_moments(values, applied), rtol=1e-9, atol=1e-9)


@given(seeds, st.sampled_from(["uint16", "float64"]), st.sampled_from(list(MAPS)))
def test_other_moments_are_as_near_as_the_widest_bin_after_the_map(seed: int, kind: str, name: str) -> None:
    values = raw_values(seed, kind)
    applied = InputMap(LAST, name, window_at(values, name, 0.05, 0.9))
    step = float(unit_scale(values.dtype))
    widest = []
    for (low, high), place, scale in zip(applied.clip or (), LAST.order, LAST.scale, strict=True):
        bins = stacked(values).channels[place].fine
        assert bins is not None
        ends = MAPS[name]((bins.edges / step).clip(1e-9)).clip(low, high)
        widest.append(abs(scale) * float(np.diff(ends).max()))
    for found, wanted in zip(through(values, applied), reference_moments(values, applied), strict=True):
        assert (np.abs(np.subtract(found, wanted)) <= widest).all()


@pytest.mark.parametrize("dtype", ["uint16", "float64"])
def test_a_value_counts_as_the_middle_of_its_bin(dtype: str) -> None:
    """In evenly filled bins, cut at the edge of one, the mean of the middles is that of the values."""
    values = (np.arange(4096) + (0.5 if dtype == "float64" else 0)).astype(dtype).reshape(2, -1, 1)
    bins = stacked(values).channels[0].fine
    assert bins is not None
    assert bins.width == 16 * float(unit_scale(dtype))
    applied = InputMap(Affine((0,), (1.0,), (0.0,)))
    inner = (1024.0 + 7.5 + (0.5 if dtype == "float64" else 0), math.inf)  # the middle of a bin
    found, _ = through(values, replace(applied, clip=(inner,)))
    middles = (values.reshape(-1, 16).mean(axis=1)).clip(*inner)
    assert found == pytest.approx([middles.mean()], rel=1e-12)


def test_whole_numbers_in_narrower_bins_count_as_they_are() -> None:
    values = np.random.default_rng(0).integers(0, 9, (3, 50, 2)).astype(np.int32)
    applied = InputMap(LAST, clip=((2.0, 7.0), (3.0, 6.0)))
    np.testing.assert_allclose(through(values, applied), reference_moments(values, applied), rtol=1e-12)


def test_values_without_a_number_after_the_map_and_channels_without_a_histogram_have_no_moments() -> None:
    values = np.random.default_rng(0).uniform(-2, 2, (3, 50, 4))
    values[..., 1] = -np.abs(values[..., 1]) - 0.1  # the square root of none of them exists
    stats = stacked(values)
    first, second, third, fourth = stats.channels
    bare = replace(third, fine=None)
    empty = replace(fourth, fine=Bins(0.0, 1.0, (0, 0)))
    applied = InputMap(Affine((0, 1, 2, 3), (1.0,) * 4, (0.0,) * 4), "sqrt", ((0.0, math.inf),) * 4)
    means, stds = moments_through(applied, 1.0, replace(stats, channels=(first, second, bare, empty)))
    positive = np.sqrt(values[..., 0][values[..., 0] >= 0])
    assert [means[0], stds[0]] == pytest.approx([positive.mean(), positive.std()], abs=0.02)
    assert all(math.isnan(value) for value in (*means[1:], *stds[1:]))


def test_known_moments_are_not_used_where_the_extremes_are_unknown() -> None:
    values = raw_values(0, "uint8")
    stats = stacked(values)
    unknown = replace(stats, channels=tuple(replace(channel, min=math.nan, max=math.nan) for channel in stats.channels))
    applied = InputMap(LAST, "log1p", window_at(values, "log1p", 0.2, 0.9))
    found = moments_through(applied, 1 / 255, unknown)
    np.testing.assert_allclose(found, reference_moments(values, applied), rtol=1e-9)


def test_known_moments_of_a_logarithm_are_not_those_of_the_logarithm_of_other_values() -> None:
    """uint16 values under a logarithm of 255ths of their range."""
    values = raw_values(0, "uint16")
    means, stds = moments_through(InputMap(LAST, "log1p"), 1 / 255, stacked(values))
    expected = reference_moments(values / 257, InputMap(LAST, "log1p"))
    np.testing.assert_allclose((means, stds), expected, rtol=0.02)


def test_moments_of_another_number_of_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="statistics of 1 channels for a map of 2"):
        moments_through(InputMap(LAST, "log1p"), 1.0, stacked(words(0, 1)))
