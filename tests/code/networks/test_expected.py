from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.code.networks.expected import CAFFE, CLIP, DPN, HALVES, IMAGENET, RAW, UNIT, Constants, Expected, range_of

CONSTANTS = {"imagenet": IMAGENET, "halves": HALVES, "clip": CLIP, "unit": UNIT, "raw": RAW, "caffe": CAFFE, "dpn": DPN}


def test_the_constants_differ_from_one_another() -> None:
    for one, constants in CONSTANTS.items():
        assert [name for name, each in CONSTANTS.items() if each.equal(*constants)] == [one]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("imagenet", "normalised"),
        ("halves", "signed"),
        ("unit", "unit"),
        ("raw", "raw"),
        ("caffe", "centred"),
        ("dpn", "normalised"),
    ],
)
def test_constants_lead_to_a_range(name: str, values: str) -> None:
    assert range_of(CONSTANTS[name]) == values


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ((123.675 / 255, 116.28 / 255, 103.53 / 255), (58.395 / 255, 57.12 / 255, 57.375 / 255)),
    ],
)
def test_other_ways_to_write_constants_are_accepted(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    assert Expected("x", "y", IMAGENET, "z").accepts(mean, std)


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        ((0.485, 0.456, 0.406), (0.229, 0.224, 0.255)),
        ((0.485, 0.465, 0.406), (0.229, 0.224, 0.225)),
        ((0.406, 0.456, 0.485), (0.225, 0.224, 0.229)),
        ((0.229, 0.224, 0.225), (0.485, 0.456, 0.406)),
        ((0.485, 0.456), (0.229, 0.224)),
        ((), ()),
        ((0.485,), (0.229,)),
    ],
)
def test_other_constants_are_not_accepted(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    assert not Expected("x", "y", IMAGENET, "z").accepts(mean, std)


def test_one_number_stands_for_every_channel() -> None:
    assert HALVES.equal((0.5,), (0.5, 0.5, 0.5))
    assert Constants((0.5,), (0.5,)).equal((0.5, 0.5, 0.5), (0.5,))


@given(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), st.floats(-4e-4, 4e-4))
def test_equality_is_symmetric_and_allows_for_the_rounding_to_three_decimals(values: list[float], error: float) -> None:
    one = Constants(tuple(values), (0.5,) * 3)
    other = Constants(tuple(value * (1 + error) for value in values), (0.5,) * 3)
    assert one.equal(*other)
    assert other.equal(*one)


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (Expected("x", "y", IMAGENET, "z"), "mean (0.485, 0.456, 0.406) and std (0.229, 0.224, 0.225) on values of 0..1"),
        (Expected("x", "y", CAFFE, "z", "BGR"), "values of 0..255 less (103.939, 116.779, 123.68), blue first"),
        (Expected("x", "y", RAW, "z", inside="normalisation"), "values of 0..255 as they are, which it normalises itself"),
        (Expected("x", "y", RAW, "z", inside="scaling"), "values of 0..255 as they are, which it scales itself"),
        (Expected("x", "y", UNIT, "z"), "values of 0..1"),
        (Expected("x", "y", None, "z", notes=("audio at 16 kHz",)), "audio at 16 kHz"),
        (Expected("x", "y", None, "z"), "what its own processor makes"),
    ],
)
def test_what_is_wanted_is_said_in_words(known: Expected, words: str) -> None:
    assert known.wanted == words


def test_constants_of_an_earlier_version_are_accepted_too() -> None:
    expected = Expected("x", "y", HALVES, "z", also=(IMAGENET,))
    assert expected.accepts(*HALVES)
    assert expected.accepts(*IMAGENET)
    assert not expected.accepts(*CLIP)
    assert not Expected("x", "y", None, "z").accepts(*CLIP)
