from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.input_spec.affine import Affine
from tare.watching.values.grid import ENOUGH, ChannelValues, Grid, fitting, grid_of, snapped

EPSILON = float(np.finfo(np.float32).eps)
scales = st.floats(1e-5, 10).map(np.float32)
shifts = st.floats(-3, 3).map(np.float32)


def sample(scale: np.float32, shift: np.float32, low: int = 0, high: int = 255, seed: int = 0) -> np.ndarray:
    levels = np.random.default_rng(seed).integers(low, high + 1, 4000)
    return (levels.astype(np.float32) * scale + shift).astype(np.float32)


@given(scales, shifts)
def test_the_grid_of_any_map_is_found_to_a_hundredth_of_a_level(scale: np.float32, shift: np.float32) -> None:
    values = ChannelValues.of(sample(scale, shift), EPSILON)
    coarse = values.rounding.max() > 0.05 * float(scale)
    grid = grid_of(values)
    assert grid is not None or coarse
    if grid is not None and not coarse:
        assert grid.levels == 255
        assert abs(grid.step - float(scale)) * 255 <= 0.05 * float(scale)
        assert abs(grid.first - float(shift)) <= 0.05 * float(scale)


@given(scales, shifts, st.integers(0, 120), st.integers(190, 255))
def test_values_lie_on_the_grid_of_the_map_they_were_made_with(scale: np.float32, shift: np.float32, low: int, high: int) -> None:
    values = ChannelValues.of(sample(scale, shift, low, high), EPSILON)
    share = values.share(np.array([float(scale)]), np.array([float(shift)]))[0]
    assert np.isnan(share) or share >= ENOUGH


@pytest.mark.parametrize(
    ("scale", "shift", "why"),
    [
        (0.0171, -2.1, "half a level beside"),
        (0.0171 / 2.5, -2.1, "a step that is no part of it"),
        (0.0171 * 255, -2.1, "all values lie near one level of a grid so coarse"),
        (0.0171 / 255, -2.1, "more than 256 levels"),
        (0.0171, -2.1 - 0.0171 * 300, "levels beyond 255"),
    ],
)
def test_values_lie_on_no_other_grid(scale: float, shift: float, why: str) -> None:
    offset = 0.5 * scale if why == "half a level beside" else 0.0
    values = ChannelValues.of(sample(np.float32(0.0171), np.float32(-2.1)), EPSILON)
    assert values.share(np.array([scale]), np.array([shift + offset]))[0] < ENOUGH, why


def test_floats_without_a_grid_have_none() -> None:
    values = ChannelValues.of(np.random.default_rng(0).normal(size=8000).astype(np.float32), EPSILON)
    assert grid_of(values) is None
    assert values.share(np.array([0.0171]), np.array([-2.1]))[0] < ENOUGH


@pytest.mark.parametrize("noise", [0, 50, 200])
def test_a_grid_is_seen_through_some_noise(noise: int) -> None:
    values = np.concatenate(
        [sample(np.float32(0.0171), np.float32(-2.1)), np.random.default_rng(1).normal(size=noise).astype("f4")]
    )
    found = ChannelValues.of(values, EPSILON)
    grid = grid_of(found)
    assert grid is not None
    assert grid.step == pytest.approx(0.0171, rel=1e-4)
    assert found.share(np.array([0.0171]), np.array([-2.1]))[0] >= ENOUGH


def test_few_levels_tell_nothing() -> None:
    values = ChannelValues.of(np.repeat(np.arange(4, dtype=np.float32), 1000), EPSILON)
    assert np.isnan(values.share(np.array([1.0]), np.array([0.0]))).all()
    assert grid_of(values) is None


def test_one_black_border_does_not_outweigh_the_image() -> None:
    image = np.random.default_rng(0).normal(size=4000).astype(np.float32)
    values = ChannelValues.of(np.concatenate([np.full(40_000, -2.1, np.float32), image]), EPSILON)
    assert values.share(np.array([0.0171]), np.array([-2.1]))[0] < ENOUGH


def test_a_coarse_dtype_tells_only_where_its_rounding_is_small() -> None:
    coarse = float(2.0**-7)  # bfloat16
    values = ChannelValues.of(sample(np.float32(4.37), np.float32(300.0)), coarse)
    assert np.isnan(values.share(np.array([4.37]), np.array([300.0]))[0])


def test_snapping_counts_levels_so_that_they_come_closest() -> None:
    expected = Affine((0, 1, 2), (0.0171,) * 3, (-2.1,) * 3)
    grid = Grid(0.0171, -2.1 + 0.0171 * 20, 200)
    assert snapped([grid] * 3, expected).distance(expected) == pytest.approx(0, abs=1e-9)


def test_the_fitting_maps_are_those_whose_every_channel_fits() -> None:
    right, wrong = Affine((0, 1), (0.02, 0.03), (-2.0, -1.0)), Affine((0, 1), (0.02, 0.031), (-2.0, -1.0))
    channels = [
        ChannelValues.of(sample(np.float32(a), np.float32(b)), EPSILON) for a, b in zip(right.scale, right.shift, strict=True)
    ]
    assert fitting(channels, [wrong, right]) == [1]
