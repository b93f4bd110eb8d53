from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import stats

from tare.comparing.api import compare
from tare.comparing.shift import compare_stats
from tare.comparing.verdict import explaining
from tare.errors import DataError
from tare.measuring.api import measure
from tare.normalisation.catalog import named
from tare.samples.raw_kind import Known
from tare.statistics.bins import Bins
from tare.statistics.dataset_stats import DatasetStats
from tests.comparing.photographs import bytes_of, floats_of, photographs
from tests.made_stats import stacked, stated_stats, stats_of


def pages(seed: int, number: int = 1500) -> NDArray[np.float64]:
    """Other content: bright paper with dark ink on a fifth of the area."""
    rng = np.random.default_rng(seed)
    ink = rng.random((number, 8, 8, 1)) < 0.2
    return np.where(ink, 0.2, 0.65) + 0.03 * rng.standard_normal((number, 8, 8, 1))


def moved_bins(bins: Bins | None, gain: float, offset: float) -> Bins:
    """The bins of 8-bit levels after the same change, each around its level."""
    assert bins is not None
    return Bins(gain * (bins.low - 0.5 / 255) + offset, gain * bins.width, bins.counts)


def moved(stats: DatasetStats, gain: float, offset: float) -> DatasetStats:
    """The same data after x -> gain x + offset, as floats whose quantiles are known."""
    channels = tuple(
        replace(
            channel,
            **{name: gain * getattr(channel, name) + offset for name in ("mean", "min", "max")},
            **{name: gain * getattr(channel, name) for name in ("std", "mean_se", "std_se")},
            quantiles={key: gain * value + offset for key, value in channel.quantiles.items()},
            histogram=None,
            fine=moved_bins(channel.fine, gain, offset),
        )
        for channel in stats.channels
    )
    return replace(stats, channels=channels, dtype="float32")


def test_two_samples_of_the_same_data_rarely_differ() -> None:
    kinds = Counter(
        compare_stats(bytes_of(photographs(seed, 300)), bytes_of(photographs(1000 + seed, 300))).kind for seed in range(60)
    )
    # All intervals hold at once in 95% of the repeats; fewer than 52 of 60 would be once in 200 tries.
    assert kinds["no difference shown"] >= 52


@pytest.mark.parametrize(
    ("gain", "offset", "kind"),
    [
        (0.7, 0.0, "gain"),
        (1.3, 0.0, "gain"),
        (1.0, 0.1, "offset"),
        (0.7, 0.2, "gain and offset"),
    ],
)
def test_another_sensor_is_told_from_other_content(gain: float, offset: float, kind: str) -> None:
    found = compare_stats(bytes_of(photographs(1)), bytes_of(gain * photographs(2) + offset))
    assert found.kind == kind, found.reason
    fit = found.channels[0].fit
    assert fit is not None
    assert fit.gain == pytest.approx(gain, rel=0.08)
    assert fit.offset == pytest.approx(offset, abs=0.03)


def test_other_content_changes_the_shape() -> None:
    found = compare_stats(bytes_of(photographs(1)), bytes_of(pages(2)))
    assert found.kind == "content", found.reason
    assert "the shape differs" in found.reason


@pytest.mark.parametrize("gamma", [0.5, 1 / 2.2, 2.2, 3.0])
def test_a_tone_curve_is_named_with_its_exponent(gamma: float) -> None:
    found = compare_stats(bytes_of(photographs(1, 3000)), bytes_of(photographs(2, 3000) ** gamma))
    assert found.kind == "gamma", found.reason
    assert "a tone curve" in found.reason
    form = next(one for one in found.channels[0].forms if one.name == "gamma")
    assert form.gamma == pytest.approx(gamma, rel=0.05)


def test_an_inversion_is_a_gain_of_minus_one() -> None:
    for made in (bytes_of, floats_of):
        found = compare_stats(made(photographs(1)), made(1 - photographs(2)))
        assert found.kind == "inversion", found.reason
        assert "gain of -1" in found.reason
    found = compare_stats(floats_of(10 * pages(1)), floats_of(-10 * pages(2)))
    assert found.kind == "inversion", found.reason


def digits(seed: int, number: int = 400) -> NDArray[np.float64]:
    """Sparse drawings ``(N, 16, 16, 1)``: black but for a stroke whose values vary, as in MNIST."""
    rng = np.random.default_rng(seed)
    places = np.arange(16)
    centre, width = rng.uniform(6, 10, (number, 1, 1)), rng.uniform(0.6, 1.4, (number, 1, 1))
    slope = rng.uniform(-0.4, 0.4, (number, 1, 1))
    distance = np.abs(places[None, None] - centre - slope * (places[None, :, None] - 8))
    return np.clip(1.4 - distance / width, 0, 1)[..., None]


@pytest.mark.parametrize(
    ("name", "change", "kind"),
    [
        ("nothing", lambda x: x, "no difference shown"),
        ("half", lambda x: 0.5 * x, "gain"),
        ("0.8", lambda x: 0.8 * x, "gain"),
        ("clipped", lambda x: 1.2 * x, "gain"),
        ("offset", lambda x: 0.2 + x, "offset"),
        ("inverted", lambda x: 1 - x, "inversion"),
        ("gamma", lambda x: x**2.2, "gamma"),
        ("root", lambda x: x**0.5, "gamma"),
    ],
)
def test_sparse_grey_images_answer_from_their_histograms(
    name: str, change: Callable[[NDArray[np.float64]], NDArray[np.float64]], kind: str
) -> None:
    source = bytes_of(digits(1))
    assert source.channels[0].quantiles["0.5"] == 0.0  # quantiles alone show one value
    found = compare_stats(source, bytes_of(change(digits(2))))
    assert found.kind == kind, (name, found.reason)


def test_values_that_the_source_clipped_do_not_hide_a_smaller_gain() -> None:
    found = compare_stats(bytes_of(1.5 * digits(1)), bytes_of(digits(2)))
    assert found.kind == "gain", found.reason
    form = next(one for one in found.channels[0].forms if one.name == "gain")
    assert form.gain == pytest.approx(1 / 1.5, rel=0.03)


def test_strokes_are_no_negative_of_photographs() -> None:
    for source, target in ((digits(1), photographs(2)), (photographs(1), digits(2)), (pages(1), photographs(2))):
        assert compare_stats(bytes_of(source), bytes_of(target)).kind == "content"


def test_more_bits_are_named_before_any_gain() -> None:
    for images in (photographs, digits):
        deep = stacked(np.rint(images(2) * 4095).astype(np.uint16))
        found = compare_stats(bytes_of(images(1)), deep)
        assert found.kind == "bit depth", found.reason
        assert "uint16 with 12 bits in use" in found.reason
        assert "uint16 with 12 bits in use" in found.notes[0]
        assert compare_stats(deep, bytes_of(images(1))).kind == "bit depth"


def test_numbers_of_other_units_are_not_compared() -> None:
    source, target = (floats_of(photographs(seed)) for seed in (1, 2))
    found = compare_stats(replace(source, units=Known("HU", "a test")), replace(target, units=Known("mm", "a test")))
    assert found.kind == "units"
    assert found.reason.startswith("the source counts HU (a test), the target mm (a test)")
    assert compare_stats(replace(source, units=Known("HU", "a test")), target).clean


def test_scales_that_files_state_and_that_differ_are_said() -> None:
    source, target = (floats_of(photographs(seed)) for seed in (1, 2))
    scaled = replace(target, extra={"facts": {"scale": "0.1 v + 0 stated for a raw value v, not applied"}})
    assert compare_stats(scaled, scaled).notes == compare_stats(source, replace(target, extra={"facts": []})).notes == ()
    (note,) = compare_stats(source, scaled).notes
    assert note.endswith("unstated in the source, 0.1 v + 0 stated for a raw value v, not applied in the target")


def test_clipping_at_the_end_of_the_range_does_not_hide_a_gain() -> None:
    found = compare_stats(bytes_of(photographs(1)), bytes_of(2.2 * photographs(2)))
    assert found.channels[0].fit is not None
    assert found.kind == "gain", found.reason
    assert found.channels[0].fit.gain == pytest.approx(2.2, rel=0.1)


def test_raw_levels_against_unit_values_are_another_unit() -> None:
    found = compare_stats(floats_of(photographs(1)), floats_of(255 * photographs(2)))
    assert found.kind == "units"
    assert "8-bit levels against [0, 1]" in found.reason
    assert compare_stats(floats_of(255 * photographs(1)), floats_of(photographs(2))).kind == "units"


@pytest.mark.parametrize(("gain", "offset", "text"), [(0.25, 0.0, "14 in 16"), (2.0, -1.0, "[-1, 1]")])
def test_a_line_that_is_a_known_change_of_units_is_named(gain: float, offset: float, text: str) -> None:
    found = compare_stats(bytes_of(photographs(1, 3000)), moved(bytes_of(photographs(2, 3000)), gain, offset))
    assert found.kind == "units", found.reason
    assert text in found.reason


def columns(seed: int, **change: Callable[[Any], Any]) -> DatasetStats:
    """A table ``(2000, 4)``: a scale of 50 steps, a share, a column of two values, and a long-tailed count."""
    rng = np.random.default_rng(seed)
    made = {
        "temp": np.round(rng.beta(3, 3, 2000) * 50) / 50,
        "hum": rng.beta(4, 2, 2000),
        "holiday": (rng.random(2000) < 0.05).astype(np.float64),
        "count": np.round(rng.gamma(1.2, 90, 2000)),
    }
    stats = stacked(np.stack([change.get(name, lambda x: x)(values) for name, values in made.items()], axis=1)[:, None, :])
    return replace(stats, channels=tuple(replace(each, name=name) for each, name in zip(stats.channels, made, strict=True)))


@pytest.mark.parametrize(
    ("change", "kind", "affected"),
    [
        ({}, "no difference shown", ()),
        ({"temp": lambda x: 41 * x}, "units", ("temp",)),
        ({"temp": lambda x: 1.8 * x + 0.32}, "gain and offset", ("temp",)),
        ({"count": lambda x: 0.5 * x}, "gain", ("count",)),
        ({"temp": lambda x: 41 * x, "hum": lambda x: x - 0.3}, "several maps", ("temp", "hum")),
        ({"count": lambda x: np.where(x < 60, 5 * x, x), "temp": lambda x: 41 * x}, "content", ()),
    ],
)
def test_the_columns_that_changed_are_named_with_their_maps(change: Any, kind: str, affected: tuple[str, ...]) -> None:
    found = compare_stats(columns(1), columns(2, **change))
    assert (found.kind, found.affected) == (kind, affected), found.reason
    assert found.to_json()["affected"] == list(affected)
    if "temp" in change:
        gain, form = change["temp"](1.0) - change["temp"](0.0), explaining(found.channels[0])
        assert form is not None
        assert abs(math.log(form.gain / gain)) < form.errors[0] < 0.1
        assert f"gain {form.gain:.3g}" in found.reason
    if kind == "content":
        assert "most in count" in found.reason
        assert "by itself, temp by units" in found.reason


def test_one_inverted_colour_is_named_where_no_map_explains_all() -> None:
    before, after = (np.repeat(pages(seed), 2, axis=-1) for seed in (1, 2))
    found = compare_stats(bytes_of(before), bytes_of(np.stack([after[..., 0], 1 - after[..., 1]], axis=-1)))
    assert (found.kind, found.affected) == ("inversion", ("c1",)), found.reason
    assert "the other channel shows no difference" in found.reason


def test_a_gain_of_two_alone_may_be_exposure() -> None:
    assert compare_stats(bytes_of(photographs(1, 3000)), moved(bytes_of(photographs(2, 3000)), 2.0, 0.0)).kind == "gain"


def test_units_are_seen_in_other_content_as_well() -> None:
    assert compare_stats(floats_of(photographs(1)), floats_of(65535 * pages(2))).kind == "units"


def test_a_large_ratio_in_one_channel_alone_is_no_unit() -> None:
    source, target = stated_stats((0.5, 0.5), (0.2, 0.2), 10**4), stated_stats((0.5, 50.0), (0.2, 40.0), 10**4)
    assert compare_stats(source, target).kind == "unclear"


def test_without_quantiles_the_kind_of_a_shift_is_not_guessed() -> None:
    found = compare_stats(stated_stats((0.3,), (0.2,), 10**4), stated_stats((0.4,), (0.1,), 10**4))
    assert found.kind == "unclear"
    assert "too few quantiles" in found.reason


def test_with_few_samples_the_kind_of_a_shift_is_not_guessed() -> None:
    found = compare_stats(bytes_of(photographs(1, 12)), bytes_of(0.5 * photographs(2, 12)))
    assert found.channels[0].differs
    assert found.kind == "unclear"
    assert "too few samples" in found.reason


def test_one_sample_gives_no_verdict() -> None:
    found = compare_stats(bytes_of(photographs(1)), bytes_of(photographs(2, 1)))
    assert found.kind == "unclear"
    assert "no standard errors" in found.reason


def cifar_halves(real_data: Path) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    from PIL import Image

    paths = sorted((real_data / "cifar10-test").rglob("*.jpg"))
    if not paths:
        pytest.skip("TARE_DATA has no cifar10-test")
    images = [np.asarray(Image.open(path).convert("RGB")) for path in paths[::4]]
    return images[::2], images[1::2]


def test_real_photographs_and_a_darker_sensor(real_data: Path) -> None:
    first, second = cifar_halves(real_data)
    same = compare_stats(stats_of(first), stats_of(second))
    assert same.kind == "no difference shown", same.reason
    darker = compare_stats(stats_of(first), stats_of([np.rint(image * 0.6).astype(np.uint8) for image in second]))
    assert darker.kind == "gain", darker.reason


def test_two_constants_are_not_told_apart_by_rounding_alone() -> None:
    found = compare_stats(named("cifar10").stats(), named("cifar10-test").stats())
    assert found.kind == "unclear"
    assert "published constants state no sampling error" in found.reason


def test_a_fit_that_leads_beyond_all_numbers_is_taken_back_without_a_warning() -> None:
    from tare.comparing.maps import _raised

    found = _raised(np.array([-1.0, 0.0, 0.5, 2.0]), 1e6)
    assert np.isfinite(found).all()
    assert found[2] == 0.0
    assert found[3] > 1e99


@pytest.mark.parametrize(("gain", "offset", "other"), [(0.9, 0.0, "gamma"), (1.0, 0.08, "gamma"), (0.9, 0.0, "offset")])
def test_a_map_that_leads_beyond_the_targets_values_is_refused(gain: float, offset: float, other: str) -> None:
    generator = np.random.default_rng(4)
    # Each picture has some white and some black, which a gain below 1 and an offset take away.
    pictures = [np.clip(generator.normal(0.5, 0.3, (400, 12, 12, 1)), 0, 1) for _ in range(2)]
    found = compare_stats(bytes_of(pictures[0]), bytes_of(np.clip(gain * pictures[1] + offset, 0, 1)))
    assert found.kind == ("gain" if gain < 1 else "offset"), found.reason
    assert other not in [form.name for form in found.channels[0].forms]


def test_values_clipped_at_the_end_of_the_range_refuse_no_map() -> None:
    generator = np.random.default_rng(5)
    pictures = [np.clip(generator.normal(0.6, 0.25, (400, 12, 12, 1)), 0, 1) for _ in range(2)]
    found = compare_stats(bytes_of(pictures[0]), bytes_of(np.clip(1.2 * pictures[1], 0, 1)))
    assert "gain" in [form.name for form in found.channels[0].forms], found.reason


@pytest.mark.parametrize("offset", [3.0, 0.3])
def test_an_offset_of_a_symmetric_distribution_is_not_taken_for_an_inversion(offset: float) -> None:
    kinds = []
    for seed in range(20):
        generator = np.random.default_rng(seed)
        found = compare(generator.normal(5, 1, (4000, 2)), generator.normal(5, 1, (4000, 2)) + offset)
        kinds.append(found.kind)
    assert kinds.count("offset") >= 18
    assert "inversion" not in kinds


def test_a_skewed_distribution_that_is_inverted_is_told() -> None:
    generator = np.random.default_rng(0)
    found = compare(generator.gamma(30, 1, (4000, 2)), 9 - generator.gamma(30, 1, (4000, 2)))
    assert found.kind == "inversion"


@pytest.mark.parametrize("huge", [1e101, 1e154, 1e300, 1.7e308])
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_numbers_beyond_all_squares_are_said_and_raise_nothing(huge: float) -> None:
    generator = np.random.default_rng(0)
    source, target = generator.normal(size=(2000, 2)), generator.normal(size=(2000, 2))
    target[5, 0], target[7, 0] = huge, -huge
    for pair in ((source, target), (target, source), (target, target)):
        found = compare(*pair)
        assert found.kind == "unclear"
        assert "far from all others" in found.reason


@pytest.mark.parametrize("outlier", [1e3, 1e4, 1e6])
@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (1.5, 1.0)])
def test_one_value_far_from_all_others_hides_their_map_and_is_said(outlier: float, gain: float, offset: float) -> None:
    for seed in range(4):
        chance = np.random.default_rng(seed)
        before, after = chance.normal(size=(3000, 1)), gain * chance.normal(size=(2500, 1)) + offset
        before[0] = outlier
        for pair in ((before, after), (after, before)):
            found = compare(*pair)
            assert found.kind == "unclear"
            assert "far from all others" in found.reason
            assert found.channels[0].forms == ()


def test_a_column_with_a_far_value_hides_no_other_column() -> None:
    chance = np.random.default_rng(0)
    before, after = chance.normal(size=(3000, 2)), chance.normal(size=(2500, 2)) * [1, 2] + [0, 3]
    before[0, 0] = 1e6
    found = compare(before, after)
    assert found.kind == "gain and offset"
    assert found.affected == ("c1",)
    assert "c0" in found.reason
    assert "far from all others" in found.reason


@pytest.mark.parametrize("kind", ["very skewed", "skewed", "many zeros"])
def test_two_samples_of_one_skewed_population_show_no_map(kind: str) -> None:
    maps = 0
    for seed in range(30):
        chance = np.random.default_rng(1000 + seed)
        kinds: dict[str, Callable[[np.random.Generator], NDArray[np.float64]]] = {
            "very skewed": lambda c: np.exp(2 * c.normal(size=(400, 1))),
            "skewed": lambda c: np.exp(c.normal(size=(40, 1))),
            "many zeros": lambda c: np.where(c.random((40, 1)) < 0.8, 0, np.exp(c.normal(size=(40, 1)))),
        }
        found = compare(kinds[kind](chance), kinds[kind](chance))
        maps += found.kind not in ("no difference shown", "unclear")
    assert maps <= 1


def test_a_small_gain_is_still_told_where_no_change_is_worse() -> None:
    told = [
        compare(*(np.random.default_rng(seed + place).normal(2, 1, (4000, 1)) * gain for place, gain in ((0, 1), (99, 1.1))))
        for seed in range(10)
    ]
    assert sum(found.kind == "gain" for found in told) >= 8


@pytest.mark.parametrize("rows", [40, 400])
@pytest.mark.parametrize("spread", [1.0, 2.0])
def test_two_samples_of_one_population_with_heavy_tails_rarely_differ(rows: int, spread: float) -> None:
    kinds = []
    for seed in range(30):
        generator = np.random.default_rng(seed)
        kinds.append(compare(*(np.exp(spread * generator.normal(size=(rows, 1))) for _ in range(2))).kind)
    assert kinds.count("no difference shown") >= 22
    assert sum(kind not in ("no difference shown", "unclear") for kind in kinds) <= 2


@pytest.mark.parametrize("gain", [1.5, 3.0])
def test_a_gain_of_heavy_tailed_values_is_no_sameness(gain: float) -> None:
    for seed in range(8):
        generator = np.random.default_rng(seed)
        found = compare(np.exp(generator.normal(size=(1000, 1))), gain * np.exp(generator.normal(size=(1000, 1))))
        assert found.kind != "no difference shown"


@pytest.mark.parametrize("sizes", [(50, 5000), (5000, 50), (150, 3000)])
@pytest.mark.parametrize("kind", ["normal", "counts", "amounts", "heavy"])
def test_few_samples_of_the_population_of_many_rarely_differ(kind: str, sizes: tuple[int, int]) -> None:
    def drawn(chance: np.random.Generator, number: int) -> NDArray[np.float64]:
        made: dict[str, Callable[[], NDArray[np.float64]]] = {
            "normal": lambda: chance.normal(size=(number, 1)),
            "counts": lambda: chance.poisson(1, (number, 1)).astype(np.float64),
            "amounts": lambda: np.where(chance.random((number, 1)) < 0.7, 0.0, chance.gamma(2, 3, (number, 1))),
            "heavy": lambda: np.exp(chance.normal(size=(number, 1))),
        }
        return made[kind]()

    kinds = []
    for seed in range(20):
        chance = np.random.default_rng([seed, *sizes])
        kinds.append(compare(*(drawn(chance, number) for number in sizes)).kind)
    assert kinds.count("no difference shown") >= 15
    assert sum(each not in ("no difference shown", "unclear") for each in kinds) <= 2


def test_heavy_tails_are_no_other_units() -> None:
    for seed in range(40):
        chance = np.random.default_rng(seed)
        found = compare(*(np.clip(chance.standard_cauchy((50, 1)), -1e3, 1e3) for _ in range(2)))
        assert found.kind != "units"


def test_rare_counts_and_zeros_among_amounts_are_seen_where_they_are() -> None:
    chance = np.random.default_rng(3)

    def amounts(zeros: float) -> NDArray[np.float64]:
        return np.where(chance.random((20000, 1)) < zeros, 0.0, chance.gamma(2, 3, (20000, 1)))

    few, more = (chance.poisson(rate, (20000, 1)).astype(np.float64) for rate in (0.1, 0.13))
    assert compare(few, more).kind == "content"
    assert compare(amounts(0.9), amounts(0.85)).kind == "content"
    assert compare(amounts(0.9), 1.2 * amounts(0.9)).kind == "gain"
    moved = compare(amounts(0.9), amounts(0.9) + 0.6)
    assert moved.kind == "offset"
    offset = next(form for form in moved.channels[0].forms if form.name == "offset")
    assert abs(offset.offset - 0.6) < offset.errors[0]
    recoded = compare(few, few[:10000] + 1)
    assert recoded.kind in ("offset", "unclear")
    assert compare(few[:4000], few[4000:8000] + 0.1).kind != "no difference shown"


def test_intervals_count_clusters_not_samples(tmp_path: Path) -> None:
    def scenes(name: str, seed: int, scenes: int, tiles: int) -> DatasetStats:
        chance = np.random.default_rng(seed)
        for scene in range(scenes):
            folder = tmp_path / name / f"scene{scene}"
            folder.mkdir(parents=True)
            level, contrast = chance.normal(120, 25), np.exp(chance.normal(0, 0.15))
            for tile in range(tiles):
                values = np.clip(level + contrast * chance.normal(0, 30, (12, 12)), 0, 255).astype(np.uint8)
                Image.fromarray(values).save(folder / f"{tile}.png")
        return measure(tmp_path / name, cluster="folder", workers=1)

    few, many = scenes("few", 0, 4, 12), scenes("many", 1, 4, 12)
    (channel,) = compare_stats(few, many).channels
    error = math.hypot(*(side.channels[0].mean_se / few.channels[0].std for side in (few, many)))
    error = math.hypot(error, channel.shift.estimate * few.channels[0].std_se / few.channels[0].std)
    assert (channel.shift.high - channel.shift.low) / 2 / error == pytest.approx(stats.t.ppf(1 - 0.05 / 4, 3))
    kinds = [compare_stats(scenes(f"a{seed}", seed, 12, 4), scenes(f"b{seed}", seed + 50, 4, 12)).kind for seed in range(8)]
    assert kinds.count("no difference shown") >= 6


def _columns(change: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two tables of one column, the second one with a change."""
    chance = np.random.default_rng(3)

    def drawn(kind: str, number: int = 20000) -> NDArray[np.float64]:
        made: dict[str, Callable[[], NDArray[np.float64]]] = {
            "years": lambda: np.round(chance.normal(2000, 5, (number, 1))),
            "large": lambda: chance.normal(1e5, 10, (number, 1)),
            "heavy": lambda: np.exp(chance.normal(size=(number, 1))),
            "amounts": lambda: np.where(chance.random((number, 1)) < 0.6, 0.0, chance.gamma(2, 3, (number, 1))),
        }
        return made[kind]()

    kind, _, what = change.partition(", ")
    first, second = drawn(kind), drawn(kind)
    share = float(what.removesuffix("% zeros")) / 100 if what.endswith("zeros") else 0.0
    changed = {"times 255": 255 * second, "turned": -second}.get(what, np.where(chance.random(second.shape) < share, 0.0, second))
    return first, changed


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ("years, 30% zeros", {"content"}),
        ("large, 5% zeros", {"content", "unclear"}),
        ("heavy, 30% zeros", {"content"}),
        ("heavy, times 255", {"units"}),
        ("amounts, times 255", {"units"}),
        ("amounts, turned", {"inversion"}),
    ],
)
def test_zeros_for_missing_values_are_no_units_and_no_offset(change: str, kinds: set[str]) -> None:
    found = compare(*_columns(change))
    assert found.kind in kinds, found.reason


def test_counts_of_8_bits_are_judged_between_their_levels() -> None:
    chance = np.random.default_rng(0)
    few, more = (chance.poisson(rate, (20000, 1)).astype(np.uint8) for rate in (0.1, 0.2))
    assert compare(few, more).kind != "no difference shown"
    assert compare(few, chance.poisson(0.1, (20000, 1)).astype(np.uint8)).kind == "no difference shown"


def test_values_beyond_all_of_the_other_side_are_no_heavy_tail() -> None:
    for seed in range(5):
        chance = np.random.default_rng(seed)
        ages = [chance.integers(18, 90, (3000, 1)).astype(np.float64) for _ in range(2)]
        ages[1][chance.random((3000, 1)) < 0.02] = 1900
        assert compare(*ages).kind != "no difference shown"
        assert compare(*ages[::-1]).kind != "no difference shown"
        assert compare(*(np.exp(2 * chance.normal(size=(number, 1))) for number in (300, 3000))).kind != "units"


@pytest.mark.parametrize("sizes", [(2000, 60), (60, 2000), (3000, 3000)])
def test_whole_values_are_compared_as_by_pearsons_chi_squared(sizes: tuple[int, int]) -> None:
    distances, expected = [], []
    for seed in range(7000, 7012):
        chance = np.random.default_rng(seed)
        columns = [chance.integers(0, 10, number) for number in sizes]
        (channel,) = compare(*(column[:, None].astype(np.float64) for column in columns)).channels
        distances.append(next(form.distance for form in channel.forms if form.name == "same"))
        expected.append(stats.chi2_contingency([np.bincount(column, minlength=10) for column in columns]).statistic)
    ratios = np.divide(distances, expected)  # rare values share a cell, and differences of shares below 0.002 count less
    assert np.median(ratios) == pytest.approx(1, abs=0.15)
    assert (np.abs(np.log(ratios)) < math.log(1.7)).all()


@pytest.mark.parametrize("number", [400, 3000])
@pytest.mark.parametrize("kind", ["normal", "exponential", "lognormal"])
def test_intervals_of_a_gain_hold(kind: str, number: int) -> None:
    held = 0
    for seed in range(40):
        chance = np.random.default_rng(seed)
        normal = chance.normal(size=(2, number, 1))
        drawn = {"normal": 15 + 5 * normal, "lognormal": np.exp(normal), "exponential": -stats.norm.logsf(normal)}
        source, target = drawn[kind]
        target = 1.3 * target
        (channel,) = compare(source, target).channels
        gain = next(form for form in channel.forms if form.name == "gain")
        held += abs(math.log(gain.gain / 1.3)) <= gain.errors[0]
    assert held >= 33  # of 38 expected, four standard errors


@pytest.mark.parametrize(("times", "plus"), [(2.0, 0.0), (1.0, -1.0), (1 / 6, 0.0)])
def test_a_scale_of_few_steps_is_led_to_its_own_steps(times: float, plus: float) -> None:
    kinds = []
    for seed in range(12):
        chance = np.random.default_rng(seed)
        source, target = (chance.integers(1, 6, (3000, 1)).astype(np.float64) for _ in range(2))
        kinds.append(compare(source, times * target + plus).kind)
    assert kinds.count("offset" if plus else "gain") >= 11


@pytest.mark.parametrize("kind", ["fillers", "below zero"])
def test_far_values_that_cuts_do_not_see_are_no_offset_and_no_sameness(kind: str) -> None:
    chance = np.random.default_rng(0)
    source, target = chance.normal(15, 5, (2, 3000, 1)) if kind == "fillers" else chance.lognormal(size=(2, 3000, 1))
    target[:60] = -999 if kind == "fillers" else -1
    found = compare(source, target)
    assert found.kind == "content"
    assert any(note.startswith("2.00% of c0 lie below all values of the source, the lowest of which is") for note in found.notes)
    assert not any("lie " in note for note in compare(source, target[60:]).notes)


@pytest.mark.parametrize(("times", "plus", "kind"), [(2.0, 0.0, "gain"), (1.0, 0.4, "offset"), (3.0, -7.0, "gain and offset")])
def test_values_that_were_clipped_to_an_end_are_not_beyond_it(times: float, plus: float, kind: str) -> None:
    kinds: list[str] = []
    for seed in range(10):
        source, target = np.clip(np.random.default_rng(seed).normal(size=(2, 3000, 1)), -1, 1.5)
        kinds.append(compare(source, times * target + plus).kind)
    assert kinds.count(kind) >= 7


def test_a_column_of_two_values_changes_by_what_they_hold() -> None:
    chance = np.random.default_rng(0)
    source, other = (chance.random((2000, 1)) < share for share in (0.2, 0.21))
    changed = chance.random((2000, 1)) < 0.8
    kinds = [compare(source * 1.0, each * 1.0).kind for each in (other, changed, 2 * changed)]
    assert kinds == ["no difference shown", "content", "unclear"]


def test_other_shares_of_missing_values_are_told() -> None:
    chance = np.random.default_rng(0)
    gone = [chance.random((1000, 2)) < np.array(share) for share in ((0.0, 0.1), (0.6, 0.1))]
    one, other = (measure(np.where(each, np.nan, chance.normal(size=each.shape)), exclude_nan=True) for each in gone)
    (note,) = [note for note in compare_stats(one, other).notes if "missing" in note]
    assert note.startswith("missing values are left out: 0.0% and ")
    assert note.endswith("of c0")


@pytest.mark.parametrize("names", [(("c1", "c2"), ("c2", "c3")), (("red", "green"), ("green", "blue"))])
def test_names_of_a_file_that_look_like_given_ones_are_its_own(names: tuple[tuple[str, ...], ...]) -> None:
    one, other = (measure(pa.table({name: np.random.default_rng(0).normal(size=50) for name in each})) for each in names)
    with pytest.raises(DataError, match="the same columns in both"):
        compare_stats(one, other)
