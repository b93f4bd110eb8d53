from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.measuring.mapped.logarithms import with_logarithm
from tare.statistics.dataset_stats import DatasetStats
from tare.statistics.inference.logarithms import logarithm
from tests.made_stats import stacked


@given(st.integers(0, 999), st.sampled_from(["uint8", "uint16"]), st.sampled_from(["log1p", "dB"]))
def test_moments_of_counted_levels_are_those_of_the_values(seed: int, dtype: str, name: str) -> None:
    values = np.random.default_rng(seed).integers(1, 250, (4, 5, 6, 2)).astype(dtype)
    logged = np.log1p(values.astype(float)) if name == "log1p" else 10 * np.log10(values.astype(float))
    for c, channel in enumerate(stacked(values).channels):
        assert channel.mapped[name] == pytest.approx((logged[..., c].mean(), logged[..., c].std()), rel=1e-12)


def test_zero_has_no_decibels_and_floats_are_not_counted_by_level() -> None:
    dark = np.array([0, 1, 2, 3], np.uint8).reshape(1, 2, 2, 1)
    assert set(stacked(dark).channels[0].mapped) == {"log1p"}
    assert stacked(dark.astype(np.float32)).channels[0].mapped == {}


def test_measured_logarithms_are_kept_with_the_statistics_and_written() -> None:
    powers = np.random.default_rng(0).gamma(1.0, 1e-3, (3, 4, 5, 1)).astype(np.float32)
    made = with_logarithm(stacked(powers), "dB", stacked(logarithm("dB", powers)))
    expected = 10 * np.log10(powers.astype(float))
    assert made.channels[0].mapped["dB"] == pytest.approx((expected.mean(), expected.std()), rel=1e-12)
    assert DatasetStats.from_json(made.to_json()).channels[0].mapped == made.channels[0].mapped
    zero = np.zeros((1, 2, 2, 1), np.float32)
    assert with_logarithm(stacked(zero), "dB", stacked(logarithm("dB", zero))).channels[0].mapped == {}
