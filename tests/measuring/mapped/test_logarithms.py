from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tare.measuring.api import measure
from tare.measuring.mapped.logarithms import with_logarithms
from tare.sources.opening import open_source
from tare.sources.options import Options


@pytest.fixture
def powers(tmp_path: Path) -> Path:
    """Float images of powers over four decades, whose logarithms no equal buckets could give."""
    values = 10 ** np.random.default_rng(0).uniform(-4, 0, (12, 8, 9, 1))
    np.savez(tmp_path / "powers.npz", x=values.astype(np.float32), y=np.arange(12) % 2)
    return tmp_path / "powers.npz"


def test_floats_are_read_again_for_their_logarithms(powers: Path) -> None:
    logged = 10 * np.log10(np.load(powers)["x"].astype(np.float64))
    stats = measure(powers, array="x")
    assert stats.channels[0].mapped == {}
    source = open_source(powers, Options(array="x"))
    made = with_logarithms(stats, "dB", source, 1)
    assert made.channels[0].mapped["dB"] == pytest.approx((logged.mean(), logged.std()), rel=1e-12)
    assert with_logarithms(stats, "percentile", source, 1) is stats


def test_levels_are_not_read_again() -> None:
    stats = measure(np.arange(1, 241, dtype=np.uint16).reshape(4, 6, 10, 1))
    assert with_logarithms(stats, "dB", None, 1) is stats  # type: ignore[arg-type]


def test_logarithms_of_values_below_zero_are_measured_where_they_exist(tmp_path: Path) -> None:
    values = np.random.default_rng(0).uniform(-0.9, 5.0, (50, 3))
    np.savez(tmp_path / "rows.npz", x=values)
    source = open_source(tmp_path / "rows.npz", Options(array="x", layout="NC"))
    stats = measure(tmp_path / "rows.npz", array="x", layout="NC")
    made = with_logarithms(stats, "log1p", source, 1)
    logged = np.log1p(values)
    for channel, mean, std in zip(made.channels, logged.mean(axis=0), logged.std(axis=0), strict=True):
        assert channel.mapped["log1p"] == pytest.approx((mean, std), rel=1e-12)
    assert with_logarithms(stats, "dB", source, 1) is stats
