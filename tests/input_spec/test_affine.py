from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.input_spec.affine import Affine

scales = st.floats(0.01, 100.0).flatmap(lambda value: st.sampled_from([value, -value]))
shifts = st.floats(-100.0, 100.0)


@st.composite
def maps(draw: st.DrawFn, channels: int = 3) -> Affine:
    order = tuple(draw(st.permutations(range(channels))))
    scale = tuple(draw(st.lists(scales, min_size=channels, max_size=channels)))
    return Affine(order, scale, tuple(draw(st.lists(shifts, min_size=channels, max_size=channels))))


values = st.lists(st.floats(-255.0, 255.0), min_size=6, max_size=6).map(lambda v: np.array(v).reshape(2, 3))
IDENTITY = Affine((0, 1, 2), (1.0,) * 3, (0.0,) * 3)


def close(found: Affine, wanted: Affine) -> None:
    assert found.order == wanted.order
    np.testing.assert_allclose(found.scale, wanted.scale, rtol=1e-9)
    np.testing.assert_allclose(found.shift, wanted.shift, rtol=1e-9, atol=1e-6)


@given(maps(), values)
def test_the_inverse_undoes_the_map_on_both_sides(affine: Affine, x: np.ndarray) -> None:
    np.testing.assert_allclose(affine.inverse().apply(affine.apply(x)), x, atol=1e-7, rtol=1e-9)
    np.testing.assert_allclose(affine.apply(affine.inverse().apply(x)), x, atol=1e-7, rtol=1e-9)


@given(maps(), maps(), values)
def test_composition_applies_one_after_the_other(first: Affine, second: Affine, x: np.ndarray) -> None:
    np.testing.assert_allclose(first.then(second).apply(x), second.apply(first.apply(x)), atol=1e-6, rtol=1e-9)


@given(maps(), maps(), maps())
def test_composition_is_associative_with_an_identity(a: Affine, b: Affine, c: Affine) -> None:
    left, right = a.then(b).then(c), a.then(b.then(c))
    assert left.order == right.order
    np.testing.assert_allclose(left.scale, right.scale, rtol=1e-12)
    np.testing.assert_allclose(left.shift, right.shift, rtol=1e-9, atol=1e-6)
    assert a.then(IDENTITY) == a == IDENTITY.then(a)


@given(maps(), maps())
def test_the_inverse_of_a_composition_is_that_of_the_inverses_turned_round(a: Affine, b: Affine) -> None:
    close(a.then(b).inverse(), b.inverse().then(a.inverse()))
    close(a.inverse().inverse(), a)


@given(st.permutations(range(4)), st.permutations(range(4)))
def test_orders_compose_and_invert_as_permutations_do(first: list[int], second: list[int]) -> None:
    a, b = (Affine(tuple(order), (1.0,) * 4, (0.0,) * 4) for order in (first, second))
    x = np.arange(4.0)
    assert a.apply(x).tolist() == first
    assert a.then(b).order == tuple(first[i] for i in second)
    assert a.then(a.inverse()).order == a.inverse().then(a).order == (0, 1, 2, 3)
    assert a.then(b).inverse().order == tuple(np.argsort([first[i] for i in second]).tolist())


@given(
    st.permutations(range(3)),
    st.lists(st.tuples(shifts, st.floats(0.01, 100.0)), min_size=3, max_size=3),
    st.sampled_from([1.0, 1 / 255, 1 / 65535, 2.0]),
    values,
)
def test_a_normalisation_is_its_formula_in_any_order(
    order: list[int], constants: list[tuple[float, float]], raw_scale: float, x: np.ndarray
) -> None:
    mean, std = zip(*constants, strict=True)
    affine = Affine.of_normalisation(mean, std, raw_scale, tuple(order))
    for c, source in enumerate(order):
        wanted = (raw_scale * x[:, source] - mean[c]) / std[c]
        np.testing.assert_allclose(affine.apply(x)[:, c], wanted, rtol=1e-9, atol=1e-7 / std[c])


@given(maps(), maps(), maps(), st.floats(-300.0, 300.0), st.floats(0.0, 300.0))
def test_the_distance_is_a_metric_on_maps_of_one_order(a: Affine, b: Affine, c: Affine, low: float, width: float) -> None:
    x, y, z = (Affine((0, 1, 2), one.scale, one.shift) for one in (a, b, c))
    high = low + width
    assert x.distance(x, low, high) == 0.0
    assert x.distance(y, low, high) == y.distance(x, low, high)
    there, over = x.distance(z, low, high), x.distance(y, low, high) + y.distance(z, low, high)
    assert there <= over * (1 + 1e-9)


@given(maps(), maps())
def test_no_raw_byte_differs_by_more_than_the_distance_and_one_by_all_of_it(a: Affine, b: Affine) -> None:
    other = Affine(a.order, b.scale, b.shift)
    raw = np.arange(256.0)[:, None].repeat(3, axis=1)
    differences = np.abs(a.apply(raw) - other.apply(raw))
    assert differences.max() == pytest.approx(a.distance(other), rel=1e-9, abs=1e-9)


@given(maps())
def test_a_map_is_at_distance_zero_from_itself_and_symmetric(affine: Affine) -> None:
    moved = Affine(affine.order, affine.scale, tuple(b + 0.5 for b in affine.shift))
    assert affine.distance(affine) == 0.0
    assert affine.distance(moved) == moved.distance(affine) == pytest.approx(0.5)


def test_another_channel_order_is_infinitely_far() -> None:
    assert IDENTITY.distance(Affine((2, 1, 0), (1.0,) * 3, (0.0,) * 3)) == float("inf")


def test_the_distance_is_the_largest_difference_over_the_range() -> None:
    steep = Affine((0,), (1.01,), (0.0,))
    assert Affine((0,), (1.0,), (0.0,)).distance(steep, 0.0, 255.0) == pytest.approx(2.55)
    assert Affine((0,), (1.0,), (0.0,)).distance(steep, 0.0, 1.0) == pytest.approx(0.01)
    from_black = Affine((0,), (0.99,), (2.55,))  # equal at 255, and most different at 0
    assert Affine((0,), (1.0,), (0.0,)).distance(from_black) == pytest.approx(2.55)


def test_a_normalisation_maps_its_mean_to_zero_and_one_std_above_it_to_one() -> None:
    affine = Affine.of_normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 1 / 255)
    raw = np.array([[0.485, 0.456, 0.406], [0.485 + 0.229, 0.456 + 0.224, 0.406 + 0.225]]) * 255
    np.testing.assert_allclose(affine.apply(raw), [[0.0] * 3, [1.0] * 3], atol=1e-12)


def test_conventions_that_say_the_same_are_the_same_map() -> None:
    torchvision = Affine.of_normalisation((0.5,) * 3, (0.5,) * 3, 1 / 255)
    tensorflow = Affine((0, 1, 2), (2 / 255,) * 3, (-1.0,) * 3)  # v / 127.5 - 1
    assert torchvision.distance(tensorflow) < 1e-12


def test_the_order_sends_red_to_the_last_channel_for_caffe() -> None:
    caffe = Affine.of_normalisation((103.939, 116.779, 123.68), (1.0, 1.0, 1.0), 1.0, order=(2, 1, 0))
    np.testing.assert_allclose(caffe.apply(np.array([123.68, 116.779, 103.939])), [0.0, 0.0, 0.0])


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="order, scale and shift differ in length"):
        Affine((0, 1), (1.0,), (0.0, 0.0))


def test_as_many_means_as_stds_are_needed() -> None:
    with pytest.raises(ValueError, match="zip"):
        Affine.of_normalisation((0.1, 0.2, 0.3), (0.5, 0.5), 1.0, order=(1, 0))


def test_an_order_that_is_no_permutation_is_refused() -> None:
    with pytest.raises(ValueError, match="order is no permutation"):
        Affine((0, 0), (1.0, 1.0), (0.0, 0.0))


def test_a_scale_of_zero_has_no_inverse() -> None:
    with pytest.raises(ZeroDivisionError):
        Affine((0,), (0.0,), (1.0,)).inverse()
