from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.exact import Dyadic, exact_dot, exact_products, exact_sum

finite = st.floats(allow_nan=False, allow_infinity=False)
numbers = st.one_of(finite, st.integers(-(10**30), 10**30))


@given(numbers)
def test_conversion_is_exact(value: float) -> None:
    assert Dyadic.of(value).fraction() == Fraction(value)


@given(numbers, numbers)
def test_sums_and_products_are_those_of_rationals(a: float, b: float) -> None:
    assert (Dyadic.of(a) + Dyadic.of(b)).fraction() == Fraction(a) + Fraction(b)
    assert (Dyadic.of(a) * Dyadic.of(b)).fraction() == Fraction(a) * Fraction(b)


@given(numbers, numbers, numbers)
def test_addition_is_associative_and_commutative_with_zero_as_identity(a: float, b: float, c: float) -> None:
    x, y, z = Dyadic.of(a), Dyadic.of(b), Dyadic.of(c)
    assert (x + y) + z == x + (y + z)
    assert x + y == y + x
    assert x + Dyadic() == x == Dyadic() + x


@given(st.integers(), st.integers(-200, 200), st.integers(0, 40))
def test_one_number_has_one_form(mantissa: int, exponent: int, shift: int) -> None:
    assert Dyadic(mantissa << shift, exponent - shift) == Dyadic(mantissa, exponent)
    assert hash(Dyadic(mantissa << shift, exponent - shift)) == hash(Dyadic(mantissa, exponent))


def test_infinities_and_nan_have_no_exact_form() -> None:
    with pytest.raises(OverflowError, match="Infinity"):
        Dyadic.of(math.inf)
    with pytest.raises(ValueError, match="NaN"):
        Dyadic.of(math.nan)


@given(st.lists(finite, max_size=40))
def test_exact_sum_is_the_sum_of_rationals(values: list[float]) -> None:
    assert exact_sum(np.array(values, dtype=np.float64)).fraction() == sum(map(Fraction, values), Fraction(0))


@given(st.lists(finite, max_size=20), st.randoms(use_true_random=False))
def test_exact_sum_does_not_depend_on_order(values: list[float], random: object) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert exact_sum(np.array(values, dtype=np.float64)) == exact_sum(np.array(shuffled, dtype=np.float64))


def test_exact_sum_keeps_what_a_double_would_lose() -> None:
    values = np.array([1e308, 5e-324, -1e308, 1.0])
    assert exact_sum(values).fraction() == 1 + Fraction(5e-324)


def test_exact_sum_of_many_large_mantissas_does_not_overflow() -> None:
    value = float(np.nextafter(2.0, 1.0))
    assert exact_sum(np.full(100_000, -value)).fraction() == -100_000 * Fraction(value)


@given(st.lists(st.tuples(st.integers(-(2**63) + 1, 2**63 - 1), st.integers(-(2**63) + 1, 2**63 - 1)), max_size=20))
def test_exact_dot_is_the_dot_product_of_integers(pairs: list[tuple[int, int]]) -> None:
    left, right = np.array([p[0] for p in pairs], np.int64), np.array([p[1] for p in pairs], np.int64)
    assert exact_dot(left, right) == sum(a * b for a, b in pairs)


@given(st.lists(st.integers(-(2**31), 2**31), max_size=20))
def test_exact_dot_agrees_on_both_sides_of_the_64_bit_limit(values: list[int]) -> None:
    vector = np.array(values, np.int64)
    assert exact_dot(vector, vector) == sum(v * v for v in values)


def test_long_vectors_are_summed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tare.exact._MOST", 7)
    values = np.random.default_rng(0).normal(size=50)
    assert exact_sum(values).fraction() == sum(map(Fraction, values.tolist()), Fraction(0))
    rows = np.random.default_rng(1).integers(-(2**62), 2**62, (2, 50))
    pairs = zip(rows[0].tolist(), rows[1].tolist(), strict=True)
    assert exact_products(rows)[1] == sum(a * b for a, b in pairs)
