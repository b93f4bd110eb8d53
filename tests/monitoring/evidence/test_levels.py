"""Levels of figures against the mean and std of the figures themselves."""

from __future__ import annotations

import numpy as np
import pytest

from tare.monitoring.evidence.levels import LEVELS, Figure


@pytest.mark.parametrize("power", [0, 600, 1019])
def test_levels_span_the_spread_of_figures_of_any_size(power: int) -> None:
    values = np.random.default_rng(0).normal(3.0, 2.0, 500)
    figure = Figure.laid("mean", "a", (0,), np.ldexp(values, power))
    step, centre = np.ldexp([figure.step, figure.centre], -power)
    assert step <= values.std() / 6 < 2 * step
    assert abs(centre - values.mean()) <= step / 2
    assert np.isfinite(figure.middles).all()
    assert len(figure.middles) == LEVELS
