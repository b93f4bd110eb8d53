from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tare
from tare.errors import SpecError
from tare.normalisation.catalog import MEASURED, entries, matches, named, pooled_of
from tare.normalisation.strategies import Constants
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
        assert len(entry.mean) == len(entry.std) in (1, 3), entry.name
        assert min(entry.std) > 0, entry.name
        assert entry.source, entry.name
        assert (entry.kind == "convention") == (entry.definition == "convention"), entry.name


@pytest.mark.parametrize("name", [entry.name for entry in entries()])
def test_digits_are_those_published(name: str) -> None:
    entry = named(name)
    for value in (*entry.mean, *entry.std):
        assert abs(round(value, entry.digits) - value) <= entry.rounding


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
