"""Masked arrays: hidden values are left out of statistics, and refused where every value is taken."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tare
from tare.datasets.opening import open_samples
from tare.errors import DataError
from tare.monitoring.reference import Reference
from tare.sources.opening import open_source
from tare.sources.options import Options

RNG = np.random.default_rng(5)
IMAGES = RNG.integers(0, 200, (6, 8, 9, 3)).astype(np.uint8)
HIDDEN = np.ma.masked_array(IMAGES, mask=IMAGES > 120)


class Items:
    """A map-style dataset of masked images."""

    def __len__(self) -> int:
        return len(HIDDEN)

    def __getitem__(self, index: int) -> Any:
        return HIDDEN[index], index % 2


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (HIDDEN, {}),
        ([HIDDEN[index] for index in range(6)], {}),
        (tuple(HIDDEN[index] for index in range(6)), {}),
        (np.ma.masked_array(np.moveaxis(IMAGES, -1, 1), mask=np.moveaxis(IMAGES > 120, -1, 1)), {"layout": "NCHW"}),
        (Items(), {}),
    ],
)
def test_statistics_are_those_of_the_values_that_are_not_hidden(data: Any, options: dict[str, Any]) -> None:
    stats = tare.measure(data, **options)
    shown = HIDDEN.reshape(-1, 3)
    assert [channel.count for channel in stats.channels] == shown.count(axis=0).tolist()
    np.testing.assert_allclose(stats.mean, shown.mean(axis=0) / 255, rtol=1e-12)
    np.testing.assert_allclose(stats.std, shown.std(axis=0) / 255, rtol=1e-12)
    assert (stats.samples, stats.extra["notes"]) == (6, {"values that a mask hides were left out": 6})


@pytest.mark.parametrize("dtype", ["float64", "float32", "int32", "uint8"])
def test_rows_of_which_some_hide_values_are_as_with_nodata(dtype: str) -> None:
    drawn = np.random.default_rng(6)
    table = drawn.integers(1, 100, (300, 3)).astype(dtype)
    mask = drawn.random(table.shape) < 0.02
    mask[7] = True
    masked = tare.measure(np.ma.masked_array(table, mask=mask))
    marked = tare.measure(np.where(mask, 0, table).astype(dtype), nodata=0)
    assert [channel.count for channel in masked.channels] == [channel.count for channel in marked.channels]
    for name in ("mean", "std", "mean_se", "std_se", "min", "max"):
        ours = [getattr(channel, name) for channel in masked.channels]
        assert ours == pytest.approx([getattr(channel, name) for channel in marked.channels], rel=1e-12)
    assert masked.extra["notes"] == {"values that a mask hides were left out": int(mask.any(axis=1).sum())}


def test_masked_rows_stay_rows_where_they_are_judged_together() -> None:
    """Two columns that go together, of which each hides a value: no row is compared with another's."""
    drawn = np.random.default_rng(7)
    first = drawn.normal(size=(400, 1))
    table = np.hstack([first, first + 0.01 * drawn.normal(size=(400, 1))])
    mask = np.zeros(table.shape, bool)
    mask[10, 0] = mask[300, 1] = True
    reference = Reference.of(table[:200])
    hidden = np.ma.masked_array(table[200:], mask=mask[200:])
    assert tare.drift(reference, hidden).clean
    masked = Reference.of(np.ma.masked_array(table, mask=mask))
    assert masked.stats.mean == pytest.approx(np.ma.masked_array(table, mask=mask).mean(axis=0))
    assert tare.drift(masked, table).clean
    rows = [record for chunk in open_source(hidden).chunks() for record in open_source(hidden).read(chunk)]
    assert [type(record).__name__ for record in rows] == ["Rows", "Kept", "Rows"]


def test_a_lazy_array_hides_what_its_mask_hides() -> None:
    lazy = pytest.importorskip("dask.array", reason="the dask extra is not installed")
    for data in (
        lazy.from_array(HIDDEN, chunks=2, asarray=False),
        lazy.ma.masked_greater(lazy.from_array(IMAGES, chunks=2), 120),
    ):
        assert tare.measure(data).channels == tare.measure(HIDDEN).channels


def test_items_of_which_some_hide_nothing_are_of_one_kind() -> None:
    some = np.ma.masked_array(IMAGES, mask=(IMAGES > 120) & (np.arange(6) < 3)[:, None, None, None])

    class Some(Items):
        def __getitem__(self, index: int) -> Any:
            return some[index], index % 2

    assert tare.measure(Some()).channels == tare.measure(some).channels
    numbers = np.ma.masked_array(np.arange(12, dtype=np.float32), mask=np.arange(12) < 3)
    assert (tare.measure(numbers).samples, tare.measure(numbers).mean) == (12, (7.0,))


def test_a_mask_that_hides_nothing_changes_nothing_and_one_that_hides_all_leaves_no_value() -> None:
    assert tare.measure(np.ma.masked_array(IMAGES)).channels == tare.measure(IMAGES).channels
    floats = RNG.normal(size=(20, 8, 8, 3)).astype(np.float32)
    for hides in (9, 2):  # nothing, and some values of some samples
        masked = np.ma.masked_array(floats, floats > hides)
        each, whole = Reference.of([*masked]).stats, Reference.of(masked).stats
        assert (each.mean, each.std, each.samples) == (whole.mean, whole.std, 20)
    rows = np.ma.masked_array(RNG.normal(size=(20, 2)), mask=np.zeros((20, 2), bool))
    rows[:, 0] = np.ma.masked
    for data in (rows, np.ma.masked_array(floats, mask=True), [np.ma.masked_array(floats[0], mask=True)] * 3):
        with pytest.raises(DataError, match=r"values that no mask hides, found none in .* of .*; check the mask of the array"):
            tare.measure(data)


@pytest.mark.parametrize("data", ["array", "list", "dataset", "random order"])
def test_only_samples_that_hide_values_are_counted(data: str) -> None:
    mask = np.zeros(IMAGES.shape, bool)
    mask[1, 0], mask[4, 2, 3, 1] = True, True
    some = np.ma.masked_array(IMAGES, mask=mask)

    class Some(Items):
        def __getitem__(self, index: int) -> Any:
            return some[index], index % 2

    given: Any = {"list": [*some], "dataset": Some()}.get(data, some)
    stats = tare.measure(given, tolerance=1e-9 if data == "random order" else None)
    assert stats.extra["notes"] == {"values that a mask hides were left out": 2}


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32"])
def test_rows_of_which_some_hide_values_have_the_quantiles_of_the_others(dtype: str) -> None:
    rows = np.ma.masked_array(RNG.integers(0, 200, (55, 2)).astype(dtype), mask=RNG.random((55, 2)) > 0.7)
    shown = tare.measure([*rows]).channels[0]
    values = np.sort(rows[:, 0].compressed()) * {"uint8": 1 / 255, "uint16": 1 / 65535}.get(dtype, 1)
    assert shown.quantile_error is not None
    for share, value in shown.quantiles.items():
        place = max(1, math.ceil(float(share) * len(values) - 1e-9)) - 1
        assert value == pytest.approx(values[place], abs=shown.quantile_error + 1e-12)


def test_what_takes_every_value_refuses_a_mask() -> None:
    rows = np.ma.masked_array(RNG.normal(size=(60, 3)), mask=RNG.random((60, 3)) > 0.8)
    with pytest.raises(DataError, match=r"values without a mask, found an array whose mask hides \d+ values; fill them"):
        tare.Standardiser().fit(rows)
    with pytest.raises(DataError, match="values without a mask"):
        tare.Standardiser().fit(rows.data).transform(rows)
    with pytest.raises(DataError, match=r"samples that can be read, found none .* a network takes every value"):
        open_samples(HIDDEN, Options())
    with pytest.raises(DataError, match=r"other samples"):
        tare.measure(HIDDEN, as_seen=4)


@pytest.mark.parametrize("largest", [2**53 + 2, -(2**60)])
@pytest.mark.parametrize("shape", [(50, 3), (5, 8, 9, 3)])
def test_whole_numbers_that_no_double_holds_are_refused(largest: int, shape: tuple[int, ...]) -> None:
    values = np.zeros(shape, np.int64)
    values[-1, -1] = largest
    with pytest.raises(DataError, match=rf"whole numbers up to 2\*\*53, .*, found {abs(largest)} of int64"):
        tare.measure(values)
    assert tare.measure(values // 2**20).samples == len(values)


def test_extended_floats_records_and_objects_are_refused() -> None:
    for dtype in (np.longdouble, np.complex128, "M8[s]", object, [("a", "f4"), ("b", "i4")]):
        if np.dtype(dtype).itemsize != 8 or np.dtype(dtype).kind != "f":  # where a long double is a double
            with pytest.raises(DataError, match="an array of real numbers of at most 64 bits"):
                tare.measure(np.zeros((5, 3), dtype))


def test_samples_that_hold_nan_are_named() -> None:
    images = RNG.normal(size=(4, 8, 9, 3)).astype(np.float32)
    images[2, 0, 0, 0], images[3, 1, 1, 1] = np.nan, np.inf
    said = "2 of 4 samples hold NaN or infinite values, the first "
    assert f"{said}'array float32 (4, 8, 9, 3)[2]'" in tare.measure(images).extra["remarks"]
    assert f"{said}'4 arrays[2]'" in tare.measure(list(images)).extra["remarks"]
    assert "rows with NaN, infinite or missing values" in " ".join(tare.measure(images[..., 0].reshape(4, -1)).extra["remarks"])
