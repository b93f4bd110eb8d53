from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tare.monitoring.evidence.figures import MOST, Taking, blocks, counts_of, figures_of, laid, levels_of, thinned
from tare.monitoring.evidence.levels import LEVELS, Figure, levels_on
from tare.samples.records import Kept, Part, Record, Sample, Skipped
from tare.statistics.state import DatasetState

COLOURS = Taking(("red", "green", "blue"), "uint8", (0.0,) * 3, (255.0,) * 3)


def test_figures_are_those_of_numpy() -> None:
    block = np.random.default_rng(0).integers(0, 256, (5, 77, 3)).astype(np.uint8)
    found = dict(zip(COLOURS.kinds(), figures_of(block, COLOURS).T, strict=True))
    unit = block / 255
    for c in range(3):
        np.testing.assert_allclose(found["mean", (c,)], unit[:, :, c].mean(axis=1), rtol=1e-12)
        np.testing.assert_allclose(found["std", (c,)], unit[:, :, c].std(axis=1), rtol=1e-12)
        np.testing.assert_allclose(found["low end", (c,)], (block[:, :, c] == 0).mean(axis=1))
        np.testing.assert_allclose(found["high end", (c,)], (block[:, :, c] == 255).mean(axis=1))
        assert (found["no data", (c,)] == 0).all()
    for a, b in ((0, 1), (0, 2), (1, 2)):
        expected = [np.corrcoef(one[:, a], one[:, b])[0, 1] for one in unit]
        np.testing.assert_allclose(found["correlation", (a, b)], expected, rtol=1e-9)
        np.testing.assert_allclose(found["difference", (a, b)], (unit[:, :, a] - unit[:, :, b]).mean(axis=1), atol=1e-12)


def test_a_sample_in_parts_is_one_sample() -> None:
    values = np.random.default_rng(0).integers(0, 256, (600, 2)).astype(np.uint8)
    parts = [Part("a", tuple(values[start : start + 200].T)) for start in range(0, 600, 200)]
    other = Sample("b", values[:9].reshape(3, 3, 2))
    read = [block for block, _ in blocks([other, *parts, Part("c", tuple(values[:5].T)), Skipped("d", "broken"), other])]
    assert [block.shape for block in read] == [(1, 9, 2), (1, 600, 2), (1, 5, 2), (1, 9, 2)]
    np.testing.assert_array_equal(read[1][0], values)


def test_a_sample_in_parts_that_ends_unreadable_is_none_and_one_that_a_list_names_twice_is_two() -> None:
    values = np.random.default_rng(0).integers(0, 256, (30, 2)).astype(np.uint8)
    part = Part("a", tuple(values.T), begins=True)
    cut: list[Record] = [part, replace(part, begins=False), Skipped("a", "cut short")]
    assert [block.shape for block, _ in blocks([*cut, part, part, replace(part, begins=False), *cut])] == [(1, 30, 2), (1, 60, 2)]
    assert DatasetState.of([*cut, part, part, *cut]).samples == 2


def test_channels_that_are_stored_one_after_the_other_have_no_gaps() -> None:
    values = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    none = values[:0, 0]
    planes = [Part("a", (values[:, 0], none), held=(0,)), Part("a", (none, values[:, 1]), held=(1,))]
    ((block, dtype),) = blocks(planes)
    assert dtype == "float32"
    np.testing.assert_array_equal(block[0], values)
    gaps = [replace(planes[0], channels=(values[:40, 0], none), number=50), planes[1]]
    ((block, _),) = blocks(gaps)
    assert block.dtype == np.float32
    assert np.isnan(block[0]).sum(axis=0).tolist() == [10, 0]


def test_parts_of_a_long_sample_count_by_their_length() -> None:
    values = np.random.default_rng(0).normal(size=3_000_000)
    values[-60_000:] = 0  # 2% of them, in a part of their own
    cuts = [0, 7, 1_000_000, 2_940_000, 3_000_000]
    parts = [Part("a", (values[start:end],)) for start, end in pairwise(cuts)]
    ((block, _),) = blocks(parts)
    assert block.shape == (1, MOST, 1)
    assert np.mean(block == 0) == pytest.approx(0.02, abs=1e-3)
    assert set(block.ravel()) <= set(values)


def test_missing_values_are_left_out_and_their_share_is_a_figure() -> None:
    taking = Taking(("c0",), "float64", (-1.0,), (1.0,), (-9999.0,))
    block = np.array([[1.0, 3.0, np.nan, -9999.0], [np.nan, np.inf, -9999.0, np.nan]])[:, :, None]
    found = dict(zip(taking.kinds(), figures_of(block, taking).T, strict=True))
    assert found["mean", (0,)][0] == 2
    assert found["std", (0,)][0] == 1
    assert found["no data", (0,)].tolist() == [0.5, 1.0]
    assert np.isnan(found["mean", (0,)][1])


def test_a_constant_channel_has_no_correlation_but_zero() -> None:
    block = np.random.default_rng(0).integers(0, 256, (2, 50, 3)).astype(np.uint8)
    block[:, :, 1] = 7
    found = dict(zip(COLOURS.kinds(), figures_of(block, COLOURS).T, strict=True))
    assert (found["correlation", (0, 1)] == 0).all()


def test_large_samples_are_thinned_evenly() -> None:
    block = np.arange(3 * 10_000).reshape(1, 10_000, 3)
    kept = thinned(block)
    assert kept.shape == (1, MOST, 3)
    places = kept[0, :, 0] // 3
    ends = np.arange(MOST + 1) * 10_000 // MOST
    assert ((ends[:-1] <= places) & (places < ends[1:])).all()  # one in each of 4,096 stretches


@pytest.mark.parametrize("value", [-1e12, 0.0, 0.5, 1e12])
def test_a_level_holds_its_own_middle_and_far_values_end_at_the_ends(value: float) -> None:
    figure = Figure.laid("mean", "m", (0,), np.random.default_rng(0).normal(0.5, 0.1, 1000))
    level = int(levels_on(np.array([[value]]), (figure,))[0, 0])
    assert 0 <= level < LEVELS
    assert (levels_on(figure.middles[:, None], (figure,))[:, 0] == np.arange(LEVELS)).all()
    assert levels_on(np.array([[np.nan]]), (figure,))[0, 0] == -1


def test_references_of_one_population_mostly_have_the_same_step() -> None:
    chance = np.random.default_rng(0)
    steps = {Figure.laid("mean", "m", (0,), chance.normal(0.5, 0.1, 1000)).step for _ in range(50)}
    assert len(steps) == 1


def test_counts_count_every_figure_of_every_sample_once() -> None:
    values = figures_of(np.random.default_rng(0).integers(0, 256, (40, 30, 3)).astype(np.uint8), COLOURS)
    figures = laid(values, COLOURS)
    counts = counts_of(levels_of(values, figures, rows=False), LEVELS)
    assert counts.shape == (len(figures), LEVELS)
    assert (counts.sum(axis=1) == 40).all()


def test_columns_that_come_apart_show_in_their_product() -> None:
    taking = Taking(("a", "b"), "float64", (-9.0,) * 2, (9.0,) * 2, rows=True)
    chance = np.random.default_rng(0)
    x = chance.normal(size=(500, 1))
    together = np.concatenate([x, x], axis=1)[:, None, :]
    apart = np.concatenate([x, -x], axis=1)[:, None, :]
    figures = laid(figures_of(together, taking), taking)
    place = [figure.kind for figure in figures].index("correlation")
    levels = [levels_of(figures_of(block, taking), figures, rows=True)[:, place] for block in (together, apart)]
    assert levels[0].min() >= LEVELS // 2 > levels[1].mean()


@pytest.mark.parametrize("width", [128, 250, 256, 512, 1000])
@pytest.mark.parametrize("whole", [True, False])
def test_the_values_looked_at_meet_all_columns_of_an_image_alike(width: int, whole: bool) -> None:
    """One dark column of sixteen, wherever it lies, in images whose width the length of a stretch divides, too."""
    for column in (0, 5):
        image = np.full((256, width), 100.0)
        image[:, column::16] = 0
        record = Sample("a", image[..., None]) if whole else Part("a", (image.ravel(),))
        ((block, _),) = blocks([record])
        share = (image == 0).mean()
        assert np.mean(block == 0) == pytest.approx(share, abs=0.012)


@pytest.mark.parametrize("in_parts", [False, True])
@pytest.mark.parametrize(("number", "held"), [(400, 300), (9000, 6000), (300_000, 1), (50, 0)])
def test_of_a_sample_without_some_values_their_share_is_known(number: int, held: int, in_parts: bool) -> None:
    values = np.arange(held, dtype=np.uint16)
    record = Part("a", (values,), number=number) if in_parts else Kept("a", (values,), number=number)
    ((block, dtype),) = blocks([record])
    assert (block.shape, dtype) == ((1, min(number, MOST), 1), "uint16")
    assert np.isfinite(block).mean() == pytest.approx(held / number, abs=0.51 / MOST)
    if held > 1:
        assert np.nanmean(block) == pytest.approx(values.mean(), rel=0.01)
