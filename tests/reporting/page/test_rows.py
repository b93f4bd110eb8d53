from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.reporting.page.rows import Mark, Row, Scale, drawn, key, scale_of

EVIL = "</svg><script>alert(1)</script>"
finite = st.floats(-1e6, 1e6)


@given(finite, st.floats(1e-3, 1e6), st.floats(0, 1))
def test_a_place_is_the_share_of_the_scale_that_lies_before_the_value(low: float, width: float, share: float) -> None:
    scale = Scale(low, low + width)
    assert scale.at(low + share * (scale.high - low)) == pytest.approx(100 * share, abs=0.02)


@given(st.lists(st.tuples(finite, finite, finite), min_size=1, max_size=5))
def test_a_scale_holds_every_mark_with_its_interval(marks: list[tuple[float, float, float]]) -> None:
    rows = [Row("a", [Mark(sorted(three)[1], min(three), max(three))]) for three in marks]
    scale = scale_of(rows, zero=0.0)
    assert all(scale.low < value < scale.high for three in marks for value in three)
    assert scale.low < 0 < scale.high


@given(st.floats(-1e4, 1e4), st.floats(1e-2, 1e5))
def test_ticks_are_few_round_different_and_inside(low: float, width: float) -> None:
    scale = Scale(low, low + width)
    ticks = scale.ticks()
    assert 1 <= len(ticks) <= 6
    assert all(scale.low - 1e-6 * width <= tick <= scale.high + 1e-6 * width for tick in ticks)
    assert len({scale.told(tick) for tick in ticks}) == len(ticks)


def test_a_value_beyond_the_scale_stands_at_its_end() -> None:
    assert Scale(0, 10).at(25) == 100
    assert Scale(0, 10).at(-1) == 0


def test_marks_stand_where_their_values_are() -> None:
    row = Row("target", [Mark(5.0, 2.5, 7.5), Mark(5.0, shape="bar", colour="orange")], "+5")
    text = drawn([row], Scale(0, 10, zero=0.0, band=(0, 1)), "gains")
    assert 'x1="25.0%" x2="75.0%"' in text
    assert 'circle class="blue" cx="50.0%"' in text
    assert re.search(r'rect class="orange" x="0.0%" width="50.0%"', text)
    assert 'rect class="band" x="0.0%" width="10.0%"' in text


def test_an_unknown_value_or_interval_is_left_out() -> None:
    text = drawn([Row("a", [Mark(math.nan), Mark(1.0)])], Scale(0, 2), "x")
    assert text.count("<circle") == 1
    assert 'stroke-width="2.5"' not in text
    assert "nan" not in text


def test_names_and_words_are_escaped() -> None:
    row = Row(EVIL, [Mark(1.0, said=EVIL)], EVIL, EVIL, EVIL)
    text = drawn([row], Scale(0, 2, title=EVIL), EVIL) + key([(Mark(1.0), EVIL)])
    assert "<script>" not in text


def test_a_reader_without_eyes_hears_what_is_drawn() -> None:
    text = drawn([Row("target", [Mark(1.0, said="target: +1.0 points")])], Scale(0, 2), "Gain of each strategy")
    assert 'aria-label="Gain of each strategy"' in text
    assert 'role="img" aria-label="target: +1.0 points"' in text
