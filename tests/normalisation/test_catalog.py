from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tare
from tare.errors import SpecError
from tare.normalisation.catalog import MEASURED, CatalogEntry, Match, entries, matches, named, pooled_of
from tare.normalisation.strategies import Constants
from tare.readers.table import spec_of_catalog
from tare.samples.raw_kind import Known
from tare.statistics.dataset_stats import DatasetStats
from tests.made_stats import stated_stats, stats_of


def constants(*values: tuple[float, ...]) -> Constants:
    mean, std = values
    return Constants(mean, std, "test")


def gratings(number: int, seed: int = 0) -> DatasetStats:
    """Grey images whose three stds differ: each has its own level and its own contrast."""
    rng = np.random.default_rng(seed)
    level, contrast = rng.normal(0.4, 0.1, (number, 1, 1)), rng.uniform(0.02, 0.2, (number, 1, 1))
    pixels = level + contrast * rng.standard_normal((number, 8, 8))
    return stats_of(list(np.clip(255 * pixels, 0, 255).astype(np.uint8)[..., None]))


def test_every_entry_is_complete_and_named_once() -> None:
    names = [entry.name for entry in entries()]
    assert len(set(names)) == len(names) > 20
    for entry in entries():
        assert len(entry.mean) == len(entry.std) == len(entry.names) == len(set(entry.names)), entry.name
        assert len(entry.clip) in (0, 1, len(entry.mean)), entry.name
        assert min(entry.std) > 0, entry.name
        assert entry.source, entry.name
        assert (entry.kind == "convention") == (entry.definition == "convention"), entry.name


@pytest.mark.parametrize("name", [entry.name for entry in entries()])
def test_digits_are_those_published(name: str) -> None:
    entry = named(name)
    for value in (*entry.mean, *entry.std):
        assert abs(round(value, entry.digits) - value) <= entry.rounding


def test_every_entry_states_what_its_raw_values_are() -> None:
    for entry in entries():
        stated = spec_of_catalog(entry.name)
        assert stated.raw_dtype == Known(entry.raw_dtype, entry.origin)
        assert (entry.raw_dtype == "uint8") or not entry.is_image, entry.name
        assert stated.input_map().affine.order == ((2, 1, 0) if entry.channels == "BGR" else tuple(range(len(entry.mean))))


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_no_two_sets_of_data_have_the_same_constants(entry: CatalogEntry) -> None:
    """Data with the constants of one entry equal that entry, under its definition, and no other under its own."""
    if entry.kind == "convention":
        return
    std = tuple(value / 0.9 for value in entry.unit_values()[1])
    stats = entry_stats(entry, std if entry.definition == "mean_of_sample_std" else entry.unit_values()[1])
    equal = [match.entry.name for match in matches(stats) if match.closeness == "equal" and match.definition in _stated(match)]
    assert equal == [entry.name]


def _stated(match: Match) -> tuple[str, ...]:
    """The definitions under which an entry states its std; any where nobody verified it."""
    return MEASURED if match.entry.definition == "unverified" else (match.entry.definition,)


def entry_stats(entry: CatalogEntry, std: tuple[float, ...]) -> DatasetStats:
    """Data with an entry's mean, whose mean of sample stds is 0.9 of ``std``."""
    stated = stated_stats(entry.unit_values()[0], std, samples=1000)
    channels = tuple(
        replace(c, name=name, mean_of_sample_std=0.9 * c.std, root_mean_sample_variance=0.95 * c.std, sample_mean=c.mean)
        for name, c in zip(entry.names, stated.channels, strict=True)
    )
    units = {"units": Known(entry.units, "test")} if entry.units else {}
    return replace(stated, channels=channels, dtype=entry.raw_dtype, **units)  # type: ignore[arg-type]


def test_digital_numbers_are_recognised_in_any_type_that_holds_them() -> None:
    mean, std = np.array(named("eurosat").mean), np.array(named("eurosat").std)
    for dtype, factor in (("uint16", 1 / 65535), ("float32", 1.0), ("int16", 1.0)):
        stats = stated_stats(tuple(mean * factor), tuple(std * factor), samples=1000)
        found = matches(replace(stats, dtype=dtype))
        assert [(m.entry.name, m.closeness) for m in found][:1] == [("eurosat", "equal")], dtype


def test_bands_in_another_order_are_not_the_published_ones() -> None:
    entry = named("bigearthnet-s1")
    stats = entry_stats(entry, entry.std)
    turned = replace(stats, channels=tuple(replace(c, name=n) for c, n in zip(stats.channels, ("VH", "VV"), strict=True)))
    assert matches(stats)[0].entry == entry
    assert matches(turned) == ()


def test_decibels_are_not_digital_numbers() -> None:
    stats = entry_stats(named("bigearthnet-s1"), named("bigearthnet-s1").std)
    assert matches(replace(stats, units=Known("digital numbers", "test"))) == ()


@pytest.mark.parametrize(("family", "name"), [("siglip", "inception"), ("dinov2", "imagenet"), ("eva02", "clip")])
def test_a_family_of_networks_finds_the_constants_that_it_takes(family: str, name: str) -> None:
    timm = pytest.importorskip("timm")
    assert named(family) == named(name)
    stated = [timm.get_pretrained_cfg(each) for each in timm.list_pretrained(f"*{family}*")]
    assert {(cfg.mean, cfg.std) for cfg in stated} == {(named(name).mean, named(name).std)}


def test_a_window_brings_its_ends_to_0_and_1() -> None:
    lung = spec_of_catalog("ct-lung").input_map()
    values = np.array([-3000.0, -1350.0, -600.0, 150.0, 3000.0])
    assert np.allclose(lung.apply(values[:, None])[:, 0], [0, 0, 0.5, 1, 1])


def test_quantiles_of_actions_become_minus_1_and_1() -> None:
    entry = named("bridge-actions-quantiles")
    low, high = np.array(entry.clip[:6]).T
    mean, std = np.array(entry.mean[:6]), np.array(entry.std[:6])
    assert np.allclose((low - mean) / std, -1, atol=1e-5)
    assert np.allclose((high - mean) / std, 1, atol=1e-5)


def test_an_unknown_name_offers_close_ones() -> None:
    with pytest.raises(SpecError, match=r"expected a name in the catalog, found 'cifar-10'; did you mean .*cifar10"):
        named("cifar-10")


def test_the_popular_imagenet_constants_lead_to_its_pooled_moments() -> None:
    pooled = pooled_of(constants((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    assert pooled is not None
    assert pooled.std == (0.2724, 0.2637, 0.2761)


def test_both_stds_of_cifar10_lead_to_the_pooled_one() -> None:
    for std in ((0.2023, 0.1994, 0.2010), (0.2470, 0.2435, 0.2616), (0.24703223, 0.24348513, 0.26158784)):
        pooled = pooled_of(constants((0.4914, 0.4822, 0.4465), std))
        assert pooled is not None
        assert pooled.name == "cifar10"


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),  # a convention describes no data
        ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),  # its definition is not verified
        ((0.485, 0.456, 0.406), (0.229, 0.224, 0.229)),  # a typing error is not ImageNet
        ((0.4, 0.4, 0.4), (0.2, 0.2, 0.2)),
        ((0.485,), (0.229,)),
    ],
)
def test_what_describes_no_known_data_is_not_guessed(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    assert pooled_of(constants(mean, std)) is None


def test_every_pooled_entry_is_its_own_pooled_moments() -> None:
    for entry in entries():
        if entry.definition == "pooled":
            assert pooled_of(constants(entry.mean, entry.std)) == entry


def test_statistics_equal_to_the_digits_match_whatever_their_errors() -> None:
    found = matches(stated_stats((0.49139968, 0.48215841, 0.44653091), (0.24703223, 0.24348513, 0.26158784), samples=50_000))
    assert (found[0].entry.name, found[0].closeness, found[0].definition) == ("cifar10", "equal", "pooled")


@pytest.mark.parametrize("definition", MEASURED)
def test_the_definition_that_fits_is_named(definition: str) -> None:
    measured = gratings(2000)
    channel = measured.channels[0]
    std = channel.std if definition == "pooled" else getattr(channel, definition)
    # Make the data those of MNIST by rescaling what was measured, std by std, so that one definition alone fits.
    factor, shift = 0.3081 / std, 0.1307 - channel.mean * 0.3081 / std
    moved = replace(
        channel,
        mean=channel.mean * factor + shift,
        sample_mean=channel.sample_mean * factor + shift,
        **{
            n: getattr(channel, n) * factor
            for n in ("std", "mean_se", "std_se", "mean_of_sample_std", "root_mean_sample_variance")
        },
    )
    found = matches(replace(measured, channels=(moved,)))
    assert [(m.entry.name, m.definition) for m in found if m.entry.name == "mnist"] == [("mnist", definition)]


def test_a_random_part_of_the_data_is_compatible_as_often_as_promised() -> None:
    rng = np.random.default_rng(3)
    entry = named("cifar10")
    hits = 0
    for _ in range(400):
        errors = {"mean": 0.13 / np.sqrt(1000), "std": 0.07 / np.sqrt(1000)}
        both = np.sqrt(1 + 1000 / 50_000)
        drawn = stated_stats(
            tuple(rng.normal(entry.mean, errors["mean"] * both)), tuple(rng.normal(entry.std, errors["std"] * both)), samples=1000
        )
        channels = tuple(replace(c, mean_se=errors["mean"], std_se=errors["std"]) for c in drawn.channels)
        found = matches(replace(drawn, channels=channels))
        hits += any(m.entry.name == "cifar10" and m.definition == "pooled" and m.closeness != "close" for m in found)
    assert hits >= 390  # 99% promised, 4 failures expected; 11 or more would happen once in 300 runs


def test_few_samples_match_nothing_rather_than_everything() -> None:
    assert matches(stated_stats((0.48, 0.46, 0.41), (0.23, 0.22, 0.23), samples=20)) == ()
    assert matches(stated_stats((0.48, 0.46, 0.41), (0.23, 0.22, 0.23), samples=100)) == ()


def test_other_data_match_nothing() -> None:
    assert matches(stated_stats((0.3, 0.3, 0.3), (0.1, 0.1, 0.1), samples=10**6)) == ()


def test_a_convention_is_never_a_match_for_data() -> None:
    assert matches(stated_stats((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), samples=10**6)) == ()


def test_a_pooled_constant_can_stand_for_data() -> None:
    stats = named("mnist").stats()
    assert (stats.mean, stats.std, stats.samples) == ((0.1307,), (0.3081,), 60_000)
    assert stats.channels[0].mean_se == pytest.approx(1e-4 / np.sqrt(12))


def test_a_constant_that_is_not_pooled_cannot_stand_for_data() -> None:
    with pytest.raises(
        SpecError, match=r"a constant that states pooled moments of data, found 'imagenet': mean_of_sample_std; choose a pooled"
    ):
        named("imagenet").stats()


def test_the_mnist_test_images_are_recognised(real_data: Path) -> None:
    if not (real_data / "mnist-test").is_dir():
        pytest.skip("TARE_DATA has no mnist-test")
    found = matches(tare.measure(real_data / "mnist-test"))
    assert [(m.entry.name, m.closeness, m.definition) for m in found][:2] == [
        ("mnist-test", "equal", "pooled"),
        ("mnist", "close", "pooled"),
    ]
