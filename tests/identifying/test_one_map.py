"""One gain and one offset of all channels, from constants with errors."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tare.identifying.estimate import Estimated, one_map
from tare.input_spec.affine import Affine
from tare.statistics.intervals import Interval

_MEAN, _STD = (0.5, 0.4, 0.45), (0.25, 0.2, 0.3)


def _found(means: tuple[float, ...], stds: tuple[float, ...], error: float, images: int = 100) -> Estimated:
    """Constants with independent errors of the same size."""
    errors = (np.eye(2 * len(means)) * error**2).tolist()
    known = ([Interval(value, value, value) for value in part] for part in (means, stds))
    mean, std = map(tuple, known)
    like = Affine((0, 1, 2), (1.0,) * 3, (0.0,) * 3)
    return Estimated("RGB", mean, std, like, 0.0, errors=tuple(map(tuple, errors)), images=images)


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (0.4, 0.1), (2.0, -0.3)])
def test_constants_after_a_map_give_the_map_back(gain: float, offset: float) -> None:
    means, stds = (tuple(gain * m + offset for m in _MEAN), tuple(gain * s for s in _STD))
    found = one_map(_found(means, stds, 0.01), _MEAN, _STD)
    assert found.gain.estimate == pytest.approx(gain)
    assert found.offset.estimate == pytest.approx(offset, abs=1e-9)
    assert found.held
    assert found.shown == (gain != 1.0)
    assert [each.estimate for each in found.means(_MEAN)] == pytest.approx(means)
    assert [each.estimate for each in found.stds(_STD)] == pytest.approx(stds)


def test_a_channel_that_changed_differently_is_not_put_under_one_map() -> None:
    found = one_map(_found((0.5, 0.4, 0.225), (0.25, 0.2, 0.15), 0.01), _MEAN, _STD)
    assert found.shown
    assert not found.held


def test_a_change_within_the_error_is_not_shown() -> None:
    assert not one_map(_found((0.49, 0.41, 0.44), (0.24, 0.21, 0.3), 0.05), _MEAN, _STD).shown


def test_intervals_hold_and_no_change_is_shown_by_chance_in_a_twentieth() -> None:
    chance, error, held, shown = np.random.default_rng(0), 0.02, [], []
    for gain in (1.0, 0.7):
        for _ in range(400):
            noise = chance.normal(0, error, 6)
            stds = tuple(gain * s * math.exp(-e) for s, e in zip(_STD, noise[:3], strict=True))
            means = tuple(gain * m - e for m, e in zip(_MEAN, noise[3:], strict=True))
            found = one_map(_found(means, stds, error), _MEAN, _STD)
            if gain == 1.0:
                shown.append(found.shown)
            pairs = [(found.gain, gain), (found.offset, 0.0), *zip(found.means(_MEAN), (gain * m for m in _MEAN), strict=True)]
            held.append([each.low <= true <= each.high for each, true in pairs])
    assert np.mean(held, axis=0).min() >= 0.93
    assert np.mean(shown) <= 0.08
