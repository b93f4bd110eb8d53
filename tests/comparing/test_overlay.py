from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tare.comparing.overlay import Overlay, overlay
from tare.statistics.dataset_stats import ChannelStats
from tests.made_stats import stacked, stated_stats


def channel(values: list[float] | np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> ChannelStats:
    (found,) = stacked(np.asarray(values, np.float64).reshape(-1, 1, 1)).channels
    return found


def levels(seed: int) -> ChannelStats:
    (found,) = stacked(np.random.default_rng(seed).integers(0, 256, (40, 9, 9, 1), dtype=np.uint8)).channels
    return found


def test_two_of_eight_bits_keep_the_shares_of_their_bins() -> None:
    a, b = levels(0), levels(1)
    laid = overlay(a, b)
    assert laid is not None
    assert laid.source is not None
    assert a.histogram is not None
    assert laid.source == pytest.approx([count / a.count for count in a.histogram.counts])
    assert not laid.coarse


def test_other_units_share_the_axis_and_no_value_is_lost() -> None:
    rng = np.random.default_rng(0)
    a, b = channel(rng.normal(0, 1, 5000)), channel(rng.normal(10, 3, 5000))
    laid = overlay(a, b)
    assert laid is not None
    assert laid.edges[0] <= a.min
    assert laid.edges[-1] >= b.max
    for shares in (laid.source, laid.target):
        assert shares is not None
        assert sum(shares) == pytest.approx(1.0)


def test_without_a_histogram_shares_lie_between_quantiles() -> None:
    values = channel(np.random.default_rng(0).uniform(0, 1, 20_000))
    laid = overlay(replace(values, histogram=None), replace(values, histogram=None))
    assert laid is not None
    assert laid.coarse
    assert laid.source == pytest.approx([1 / 64] * 64, abs=0.002)


def test_a_step_of_equal_quantiles_is_kept() -> None:
    clipped = replace(channel([0.0] * 30 + np.linspace(0, 1, 70).tolist()), histogram=None)
    laid = overlay(clipped, clipped)
    assert laid is not None
    assert laid.source is not None
    assert sum(laid.source) == pytest.approx(1.0)
    assert laid.source[0] > 0.2


def test_moments_alone_have_nothing_to_draw() -> None:
    (stated,) = stated_stats((0.5,), (0.1,)).channels
    assert overlay(stated, stated) is None
    assert overlay(replace(stated, quantiles={"0.5": 0.5}, min=math.nan), stated) is None
    laid = overlay(stated, levels(0))
    assert laid is not None
    assert laid.source is None
    assert laid.target is not None


def test_a_high_bin_at_the_end_does_not_flatten_the_rest() -> None:
    laid = Overlay((0.0, 1.0, 2.0, 3.0, 4.0), (0.9, 0.02, 0.04, 0.04), None, False)
    assert laid.top == pytest.approx(0.05)
    assert laid.cut
    assert not Overlay((0.0, 1.0, 2.0, 3.0, 4.0), (0.1, 0.4, 0.4, 0.1), None, False).cut
    assert Overlay((0.0, 1.0, 2.0, 3.0), (0.5, 0.0, 0.5), None, False).top == 0.5
