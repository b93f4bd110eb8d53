"""Every mistake, applied to a random network's map, is named; ambiguities are stated and not hidden."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tare.input_spec.affine import Affine
from tare.normalisation.diagnosis import TOLERANCE, Convention, diagnose

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
Moments = tuple[tuple[float, ...], tuple[float, ...]]


def of(moments: Moments, scale: float = 1 / 255) -> Affine:
    return Affine.of_normalisation(*moments, scale)


#: The mistakes in the words in which people make them: what reaches the network for raw values ``v``, in plain NumPy.
MISTAKES: dict[str, Callable[..., Any]] = {
    "same": lambda v, m, s: (v / 255 - m) / s,
    "not_normalised_unit": lambda v, *_: v / 255,
    "not_normalised_raw": lambda v, *_: v,
    "times_255": lambda v, m, s: (v - m) / s,
    "divided_twice": lambda v, m, s: (v / 255 / 255 - m) / s,
    "twice": lambda v, m, s: ((v / 255 - m) / s - m) / s,
    "swapped": lambda v, m, s: (v / 255 - s) / m,
    "std_is_mean": lambda v, m, _: (v / 255 - m) / m,
    "std_not_applied": lambda v, m, _: v / 255 - m,
    "mean_not_subtracted": lambda v, _, s: v / 255 / s,
    "mean_added": lambda v, m, s: (v / 255 + m) / s,
    "variance_for_std": lambda v, m, s: (v / 255 - m) / s**2,
    "bit_depth": lambda v, m, s: (v / 65535 - m) / s,
}


def made(kind: str, moments: Moments, reversed_channels: bool = False) -> Affine:
    """The map, found by least squares from what the mistake makes of raw values."""
    levels = np.arange(256.0)
    mean, std = (np.array(values)[:, None] for values in moments)
    lines = [np.polyfit(levels, line, 1) for line in np.broadcast_to(MISTAKES[kind](levels, mean, std), (len(mean), 256))]
    scale, shift = (tuple(float(line[i]) for line in lines) for i in (0, 1))
    shift = tuple(0.0 if abs(b) < 1e-9 * abs(a) * 255 else b for a, b in zip(scale, shift, strict=True))
    return Affine((2, 1, 0) if reversed_channels else (0, 1, 2), scale, shift)


@st.composite
def networks(draw: st.DrawFn) -> Moments:
    """Means and stds that differ from each other and from channel to channel, so that every mistake is another map."""
    mean = [draw(st.floats(0.3, 0.7)) for _ in range(3)]
    std = [draw(st.floats(0.12, 0.28)) for _ in range(3)]
    assume(np.ptp(mean) > 0.05 and np.ptp(std) > 0.02)
    return tuple(mean), tuple(std)


@pytest.mark.parametrize("reversed_channels", [False, True])
@pytest.mark.parametrize("kind", MISTAKES)
@given(moments=networks())
@example(moments=IMAGENET)
@example(moments=CLIP)
def test_every_mistake_is_named(kind: str, reversed_channels: bool, moments: Moments) -> None:
    found = diagnose(made(kind, moments, reversed_channels), of(moments))
    assert (found.kind, found.reversed_channels) == (kind, reversed_channels)
    assert found.distance < 1e-6 * 255 * 255


@pytest.mark.parametrize("kind", sorted(set(MISTAKES) - {"same"}))
@given(moments=networks(), noise=st.floats(-1, 1))
def test_a_mistake_is_named_in_values_that_were_rounded_to_8_bits(kind: str, moments: Moments, noise: float) -> None:
    exact = made(kind, moments)
    # Half a level off, everywhere: what one rounding can do to the line.
    seen = Affine(exact.order, exact.scale, tuple(b + noise * 0.4 * a for a, b in zip(exact.scale, exact.shift, strict=True)))
    assert diagnose(seen, of(moments)).kind == kind


@given(moments=networks(), mean=st.floats(-0.004, 0.004))
def test_constants_rounded_by_hand_are_the_same(moments: Moments, mean: float) -> None:
    near = (tuple(m + mean * s for m, s in zip(*moments, strict=True)), moments[1])
    assert diagnose(of(near), of(moments)).kind == "same"


@pytest.mark.parametrize("kind", ["swapped", "std_is_mean", "same"])
def test_where_mean_equals_std_exchanging_them_is_no_mistake(kind: str) -> None:
    assert diagnose(made(kind, HALF), of(HALF)).kind == "same"


def test_other_constants_are_named() -> None:
    known = [Convention("clip", of(CLIP)), Convention("half", of(HALF)), Convention("imagenet", of(IMAGENET))]
    assert [diagnose(of(CLIP), of(IMAGENET), known)][0].other == "clip"
    found = diagnose(of(HALF), of(IMAGENET), known)
    assert (found.kind, found.other) == ("other_constants", "half")
    assert found.implied_mean == pytest.approx(HALF[0])
    assert found.implied_std == pytest.approx(HALF[1])


def test_normalised_once_with_other_and_once_with_its_own_constants() -> None:
    first = of(CLIP)
    second = Affine.of_normalisation(*IMAGENET, 1.0)
    found = diagnose(first.then(second), of(IMAGENET), [Convention("clip", of(CLIP))])
    assert (found.kind, found.other) == ("twice_other", "clip")


def test_a_network_that_normalises_inside_is_told_from_other_constants() -> None:
    plain = of(((0.0,) * 3, (1.0,) * 3))
    found = diagnose(of(IMAGENET), plain, [Convention("imagenet", of(IMAGENET))])
    assert (found.kind, found.other) == ("normalised_for_network_that_does_it_itself", "imagenet")


@pytest.mark.parametrize(("divisor", "kind"), [(255 * 255, "divided_twice"), (65535, "bit_depth")])
@given(moments=networks())
@example(moments=HALF)
def test_two_divisions_are_told_from_a_division_by_65535(divisor: int, kind: str, moments: Moments) -> None:
    assert diagnose(of(moments, 1 / divisor), of(moments)).kind == kind


def test_0_to_255_for_a_network_that_takes_them_is_right_and_unit_values_are_divided_twice() -> None:
    caffe = Affine.of_normalisation((103.939, 116.779, 123.68), (1.0, 1.0, 1.0), 1.0, (2, 1, 0))
    unit = Affine((2, 1, 0), (1 / 255,) * 3, caffe.shift)
    assert diagnose(caffe, caffe).kind == "same"
    assert diagnose(unit, caffe).kind == "divided_twice"
    assert diagnose(Affine((0, 1, 2), caffe.scale, caffe.shift), caffe).reversed_channels


def test_grey_networks_have_no_channels_to_exchange() -> None:
    mnist = Affine.of_normalisation((0.1307,), (0.3081,), 1 / 255)
    assert diagnose(Affine((0,), (1 / 255,), (0.0,)), mnist).kind == "not_normalised_unit"


@given(moments=networks())
def test_what_nothing_explains_is_said_to_be_unexplained(moments: Moments) -> None:
    odd = (tuple(1 - m / 2 for m in moments[0]), tuple(3 * s + 0.31 for s in moments[1]))
    found = diagnose(of(odd), of(moments))
    assert found.kind == "unexplained"
    assert found.distance > TOLERANCE
    assert found.implied_mean == pytest.approx(odd[0])
    assert found.implied_std == pytest.approx(odd[1])


def test_constants_near_zero_break_no_prediction() -> None:
    for tiny in (0.0, 2e-309, 1e-200):
        odd = of(((1.0, 1.0, tiny), (1.0, 1.0, 1.0)))
        assert diagnose(odd, odd).kind == "same"


def test_channel_counts_must_agree() -> None:
    with pytest.raises(ValueError, match="1 channels seen and 3 expected"):
        diagnose(Affine((0,), (1.0,), (0.0,)), of(IMAGENET))


def test_a_network_that_takes_raw_or_unit_values_is_never_told_to_normalise() -> None:
    raw, unit = Affine((0, 1, 2), (1.0,) * 3, (0.0,) * 3), Affine((0, 1, 2), (1 / 255,) * 3, (0.0,) * 3)
    assert diagnose(unit, raw).kind == "divided_twice"
    assert diagnose(raw, unit).kind == "times_255"
