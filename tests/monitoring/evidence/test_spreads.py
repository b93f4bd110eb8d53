"""How samples of a reference differ in the shape of their values, beside NumPy's covariance of each sample's own shares."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from tare.errors import DataError
from tare.monitoring.evidence.figures import Taking
from tare.monitoring.evidence.spreads import Shares
from tare.monitoring.judgement.kinds import named
from tare.monitoring.reference import Reference, state_of
from tare.statistics.dataset_stats import DatasetStats, summarise

GREY = Taking(("grey",), "uint8", (0.0,), (255.0,))


def _images(number: int, seed: int, spread: float = 35) -> NDArray[np.uint8]:
    """Images whose level differs from one to the next, so that the values of one are alike."""
    chance = np.random.default_rng(seed)
    level = chance.normal(110, spread, (number, 1, 1))
    return np.asarray(np.clip(level + chance.normal(0, 25, (number, 400, 1)), 0, 255).round(), np.uint8)


def test_the_covariance_is_that_of_the_shares_of_each_sample() -> None:
    images = _images(300, 0)
    (found,) = Shares.laid([images], GREY).counted([images], GREY).spreads(GREY)
    shares = (images[:, :, 0][:, None] < found.values[:, None] * 255).mean(axis=2)
    assert found.samples == 300
    np.testing.assert_allclose(found.covariance, np.cov(shares.T), rtol=1e-5, atol=1e-9)


def test_sums_of_parts_are_those_of_the_whole() -> None:
    images = _images(90, 1)
    begun = Shares.laid([images[:30]], GREY)
    parts = begun.counted([images[60:]], GREY).merge(begun.counted([images[:60]], GREY))
    assert (parts.products == begun.counted([images], GREY).products).all()


def test_missing_values_do_not_count() -> None:
    taking = Taking(("c0",), "float64", (0.0,), (1.0,))
    values = np.random.default_rng(0).uniform(size=(50, 64, 1))
    holed = np.concatenate([values, np.full((50, 64, 1), np.nan)], axis=1)
    begun = Shares.laid([values], taking)
    assert (begun.counted([holed], taking).products == begun.counted([values], taking).products).all()
    assert (begun.counted([np.full((3, 8, 1), np.nan)], taking).products == 0).all()


def test_the_intervals_of_an_offset_hold() -> None:
    held = []
    for seed in range(30):
        known = Reference.of(_images(500, 1000 + seed, 12).reshape(-1, 20, 20, 1), workers=1)
        moved = np.clip(_images(300, 2000 + seed, 12).astype(int) + 20, 0, 255).astype(np.uint8)
        found = named(known, _stats(moved), [])
        held += [each.offset.low <= 20 / 255 <= each.offset.high for each in found.maps if found.kind == "offset"]
    assert len(held) >= 25
    assert np.mean(held) >= 0.8  # of 30 at 95% fewer hold in 1 case of 300


def _stats(images: NDArray[np.uint8]) -> DatasetStats:
    return summarise(state_of([images], GREY), "served", "", exclude_nan=True)


def test_a_reference_keeps_its_spreads_in_its_file_and_is_read_without_them() -> None:
    known = Reference.of(_images(60, 3).reshape(-1, 20, 20, 1), workers=1)
    document = json.loads(json.dumps(known.to_json()))
    back = Reference.from_json(document)
    assert back.digest == known.digest
    assert (back.spreads[0].covariance == known.spreads[0].covariance).all()
    assert len(json.dumps(document["spreads"])) < 6000
    del document["spreads"]
    assert Reference.from_json(document).spreads == ()


@pytest.mark.parametrize(
    "damaged",
    [
        [],
        [{"values": [0.5, 0.1], "covariance": "AAAAAAAAAAAAAAAA", "samples": 9}],
        [{"values": [0.1, 0.5], "covariance": "AAAA", "samples": 9}],
        [{"values": [0.1], "covariance": "AADAfw==", "samples": 9}],
        [{"values": [0.1]}],
        [{}, {}],
    ],
)
def test_damaged_spreads_are_refused(damaged: list[dict[str, object]]) -> None:
    document = Reference.of(_images(30, 4).reshape(-1, 20, 20, 1), workers=1).to_json()
    document["spreads"] = damaged
    if not damaged:
        assert Reference.from_json(document).spreads == ()
        return
    with pytest.raises(DataError, match="complete"):
        Reference.from_json(document)
