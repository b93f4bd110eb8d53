"""Samples with their channels last, by the lengths of axes, by a network's channels, and by a stated layout."""

from __future__ import annotations

import numpy as np
import pytest

from tare.errors import DataError
from tare.sources.arrays.channels_last import channels_last


def numbered(shape: tuple[int, ...], dtype: str = "float32") -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


@pytest.mark.parametrize(
    ("shape", "dtype", "axis"),
    [
        ((6, 3, 50), "float32", 1),
        ((6, 50, 3), "float32", 2),
        ((6, 9, 128), "float32", 1),
        ((6, 128, 9), "int16", 2),
        ((6, 4, 24, 24), "uint8", 1),
        ((6, 24, 24, 4), "uint8", 3),
        ((6, 13, 64, 64), "uint16", 1),
        ((6, 64, 64, 13), "float32", 3),
    ],
)
def test_the_axis_of_channels_is_told_by_the_lengths(shape: tuple[int, ...], dtype: str, axis: int) -> None:
    values = numbered(shape, dtype)
    found, remarks = channels_last(values, "a")
    np.testing.assert_array_equal(found, np.moveaxis(values, axis, -1))
    assert (remarks == ()) == (shape[axis] <= 4)
    assert all("--layout states another" in remark and f"shape {shape} of 'a'" in remark for remark in remarks)


@pytest.mark.parametrize(
    ("shape", "dtype", "possible"),
    [
        ((6, 20, 40), "float32", "NCT or NTC"),
        ((6, 8, 8), "float32", "NCT or NTC"),
        ((6, 3, 2), "float32", "NCT or NTC"),
        ((6, 50, 2), "uint8", "NHW, NCT or NTC"),
        ((6, 3, 40, 3), "uint8", "NCHW or NHWC"),
        ((6, 13, 20, 40), "float32", "NCHW or NHWC"),
    ],
)
def test_axes_that_may_mean_one_thing_or_another_are_refused_and_a_layout_states_them(
    shape: tuple[int, ...], dtype: str, possible: str
) -> None:
    values = numbered(shape, dtype)
    with pytest.raises(DataError, match=rf"which may be {possible}; state --layout {possible}"):
        channels_last(values, "a")
    for layout in possible.replace(" or ", ", ").split(", "):
        expected = np.moveaxis(values, layout.index("C"), -1) if "C" in layout else values[..., None]
        found, remarks = channels_last(values, "a", layout)
        np.testing.assert_array_equal(found, expected)
        assert remarks == ()


def test_a_network_s_channels_tell_the_axes_apart() -> None:
    values = numbered((6, 20, 40))
    np.testing.assert_array_equal(channels_last(values, "a", channels=40).values, values)
    np.testing.assert_array_equal(channels_last(values, "a", channels=20).values, np.moveaxis(values, 1, -1))
    with pytest.raises(DataError, match="which may be NCT or NTC"):
        channels_last(values[:, :, :20], "a", channels=20)
    bytes_ = numbered((6, 50, 2), "uint8")
    np.testing.assert_array_equal(channels_last(bytes_, "a", channels=2, signals=True).values, bytes_)


def test_rows_grey_images_and_long_rows_are_what_they_were() -> None:
    assert channels_last(numbered((6, 11)), "a").values.shape == (6, 11)
    assert channels_last(numbered((6, 50)), "a").values.shape == (6, 50, 1)
    assert channels_last(numbered((6, 9, 8), "uint8"), "a").values.shape == (6, 9, 8, 1)


@pytest.mark.parametrize("layout", ["HWC", "NC", "NHCW", "NTT"])
def test_a_layout_that_does_not_fit_is_refused(layout: str) -> None:
    with pytest.raises(DataError, match="layout"):
        channels_last(numbered((6, 20, 40)), "a", layout)
