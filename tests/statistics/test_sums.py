"""Sums and counts of compiled loops against NumPy, for every size at which a loop ends in the middle of its step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from tare.statistics import sums
from tare.statistics.sums import byte_sums, image_sums, plane_sums
from tare.system.engines import loops


@pytest.fixture(params=[0, 1 << 62], ids=["compiled", "plain"], autouse=True, scope="module")
def form(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test runs with the compiled loops and with the plain ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loops, "_WORTH", request.param)
        yield


Bytes = NDArray[np.uint8]


def made(seed: int, *shape: int) -> Bytes:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def expected(planes: Bytes) -> tuple[NDArray[np.int64], ...]:
    """Sums, sums of squares and levels of ``(N, C, P)`` by NumPy."""
    wide = planes.astype(np.int64)
    levels = np.stack([np.bincount(wide[:, c].ravel(), minlength=256) for c in range(wide.shape[1])])
    return wide.sum(axis=2), (wide * wide).sum(axis=2), levels


def check(found: tuple[NDArray[np.int64], ...], planes: Bytes) -> None:
    for mine, numpys in zip(found, expected(planes), strict=True):
        np.testing.assert_array_equal(mine, numpys)


@pytest.mark.parametrize("length", [1, 7, 8, 11, 12, 47, 48, 49, 64, 101])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
def test_bytes_are_summed_and_counted_as_numpy_does(channels: int, length: int) -> None:
    planes = made(length, 3, channels, length)
    check(plane_sums(planes), planes)
    check(byte_sums(np.moveaxis(planes, 1, 2)), planes)


@pytest.mark.parametrize("length", [8, 64, 65_528, 65_536, 65_544, 131_080])
def test_planes_counted_by_pairs_agree_with_numpy(monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    monkeypatch.setattr(sums, "_MANY", 0)
    planes = made(length, 2, 3, length)
    check(plane_sums(planes), planes)


def test_the_brightest_planes_do_not_overflow_a_sum_of_squares() -> None:
    planes = np.full((2, 1, 1 << 20), 255, np.uint8)
    check(plane_sums(planes), planes)


def test_planes_that_begin_at_an_odd_address_are_counted() -> None:
    planes = made(1, 64 * 3 * 4096 + 1)[1:].reshape(64, 3, 4096)
    check(plane_sums(planes), planes)


def check_image(pixels: Bytes) -> None:
    """An image whose levels are added to some that were counted before."""
    channels = pixels.shape[-1]
    levels = np.ones((channels, 256), np.int64)
    s, q = image_sums(pixels, levels)
    columns = np.ascontiguousarray(pixels).reshape(-1, channels).T[None]
    for mine, numpys in zip((s, q, levels - 1), expected(columns), strict=True):
        np.testing.assert_array_equal(mine, numpys.reshape(mine.shape))


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 7), st.integers(1, 6))))
def test_an_image_is_summed_and_counted_per_channel(pixels: Bytes) -> None:
    check_image(pixels)


@pytest.mark.parametrize("size", range(27))
def test_every_remainder_of_the_unrolled_loop_is_counted(size: int) -> None:
    check_image(made(size, size, 1))


def test_a_view_with_strides_is_counted_as_its_values() -> None:
    check_image(made(0, 8, 9, 4)[::-2, 1:, :3])


def test_a_white_image_does_not_overflow() -> None:
    check_image(np.full((3000, 3000, 3), 255, np.uint8))
