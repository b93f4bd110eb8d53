from __future__ import annotations

import numpy as np
import pytest

from tare.comparing.api import compare
from tare.comparing.constants import like_with_like, of_constants
from tare.comparing.shift import compare_stats
from tare.errors import DataError
from tare.normalisation.catalog import named
from tests.made_stats import stacked


def images(seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Images whose levels differ, so that the definitions of std differ."""
    rng = np.random.default_rng(seed)
    level = rng.normal(0.45, 0.15, (500, 1, 1, 1))
    return np.rint(np.clip(level + 0.2 * rng.standard_normal((500, 8, 8, 3)), 0, 1) * 255).astype(np.uint8)


def test_data_are_taken_under_the_constants_definition() -> None:
    data = stacked(images(0))
    constant, turned, notes, comparable = like_with_like(of_constants(named("imagenet")), data)
    assert comparable
    assert constant.std == named("imagenet").std
    each = images(0).reshape(500, -1, 3) / 255
    assert turned.std == pytest.approx(each.std(axis=1).mean(axis=0), rel=1e-6)
    assert "the mean of the stds of single samples" in notes[0]
    data_first, _, _, _ = like_with_like(data, of_constants(named("imagenet")))
    assert data_first.std == turned.std


def test_an_unverified_constant_says_under_which_definition_it_is_compared() -> None:
    found = compare_stats(of_constants(named("svhn")), stacked(images(0)))
    assert "not verified" in found.notes[0]
    assert found.notes[1].startswith("the data are compared under the nearest definition, ")


def test_two_definitions_share_the_mean_alone() -> None:
    found = compare_stats(of_constants(named("cifar10")), of_constants(named("cifar10-per-image")))
    assert found.kind == "unclear"
    assert found.reason.startswith("the means are the same to their rounding; the stds are of two definitions")


def test_a_convention_describes_no_data() -> None:
    with pytest.raises(DataError, match="'inception', a convention for inputs that no data were measured for; name one of"):
        of_constants(named("inception"))


@pytest.mark.parametrize(("dtype", "factor"), [("uint16", 65535), ("float32", 1)])
def test_constants_of_digital_numbers_are_taken_in_the_unit_values_of_the_data(dtype: str, factor: int) -> None:
    entry = named("eurosat")
    stated = of_constants(entry, dtype)
    assert stated.mean == pytest.approx(np.array(entry.mean) / factor)
    assert [channel.name for channel in stated.channels][8] == "B8A"


def test_data_are_compared_with_published_digital_numbers() -> None:
    entry = named("bigearthnet-s2")
    rng = np.random.default_rng(0)
    pixels = np.rint(np.clip(rng.normal(entry.mean, np.array(entry.std) / 4, (40, 8, 8, 12)), 0, 65535)).astype(np.uint16)
    found = compare(stacked(pixels), "bigearthnet-s2")
    assert found.channels[0].ratio.estimate == pytest.approx(4, rel=0.1)
    assert abs(found.channels[0].shift.estimate) < 0.5
