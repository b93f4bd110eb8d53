from __future__ import annotations

import pytest

from tare.samples.layout import by_name, by_place


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (("a", "b"), ("a", "b"), False),
        (("a", "b"), ("c0", "c1"), True),
        (("red", "green", "blue"), ("c0", "c1", "c2"), False),
        (("blue", "green", "red"), ("red", "green", "blue"), True),
        (("blue", "green", "red"), ("c0", "c1", "c2"), True),
    ],
)
def test_channels_that_places_pair_are_told_unless_neither_side_has_names(
    one: tuple[str, ...], other: tuple[str, ...], told: bool
) -> None:
    assert bool(by_place(one, other)) == bool(by_place(other, one)) == told


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (("blue", "green", "red"), ("red", "green", "blue"), True),
        (("red", "green", "blue"), ("red", "green", "blue"), False),
        (("b", "a"), ("a", "b"), False),
        (("c1", "c0"), ("c0", "c1"), True),
    ],
)
def test_names_that_may_be_places_are_told(one: tuple[str, ...], other: tuple[str, ...], told: bool) -> None:
    assert bool(by_name(one, other)) == bool(by_name(other, one)) == told
