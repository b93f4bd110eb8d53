from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.statistics import exact
from tare.statistics.exact import _LIMBS, _LOOPS, _MOST, Dyadic, exact_products, exact_sum
from tare.system.engines import loops

#: From how many bytes on loops are compiled, and up to how many values Python's integers are used instead.
FORMS = {"compiled": (0, -1), "plain": (1 << 62, -1), "few": (0, 1 << 62)}


@pytest.fixture(params=list(FORMS.values()), ids=list(FORMS), autouse=True, scope="module")
def form(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test runs with the compiled loops, with the plain ones, and with Python's integers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loops, "_WORTH", request.param[0])
        patch.setattr(exact, "_FEW", request.param[1])
        yield


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


@pytest.mark.parametrize("exponent", [-3, 0, 9])
def test_zero_is_zero_whatever_its_exponent(exponent: int) -> None:
    zero = Dyadic(0, exponent)
    assert (zero.mantissa, zero.exponent) == (0, 0)
    assert zero.fraction() == 0


@pytest.mark.parametrize("exponent", [-1074, -1023, -1022, -1021, -1020, -990, -1, 0, 1, 1022, 1023])
def test_doubles_beside_every_border_of_their_form_are_summed_exactly(exponent: int) -> None:
    border = math.ldexp(1.0, exponent)
    values = [math.nextafter(border, 0.0), border, -border, -math.nextafter(border, math.inf), border]
    assert exact_sum(np.array(values)).fraction() == sum(map(Fraction, values), Fraction(0))


@pytest.mark.parametrize("exponent", range(32))
def test_a_full_part_of_the_largest_doubles_stays_within_64_bits(exponent: int) -> None:
    limbs = np.zeros((1, _LIMBS), np.int64)
    _LOOPS.on(0).add_doubles(np.array([[math.nextafter(math.ldexp(1.0, exponent + 1), 0.0)]]).view(np.uint64), limbs)
    assert int(np.abs(limbs).max()) * _MOST < 1 << 63


def test_a_full_part_of_the_largest_products_stays_within_64_bits() -> None:
    for extreme in (1 << 63, (1 << 63) - 1, (1 << 32) - 1, (1 << 63) - (1 << 32)):
        limbs = np.zeros((1, 4), np.int64)
        _LOOPS.on(0).add_products(np.array([[-extreme]], np.int64), limbs)
        assert int(np.abs(limbs).max()) * _MOST < 1 << 63


@given(st.integers(1, 5), st.integers(0, 4), st.integers(0, 9))
def test_products_of_every_two_rows_are_given_in_order(number: int, length: int, seed: int) -> None:
    rows = np.random.default_rng(seed).integers(-(2**62), 2**62, (number, length))
    wanted = [
        sum(a * b for a, b in zip(rows[left].tolist(), rows[right].tolist(), strict=True))
        for left in range(number)
        for right in range(left, number)
    ]
    assert exact_products(rows) == wanted


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
def test_exact_products_are_the_dot_products_of_integers(pairs: list[tuple[int, int]]) -> None:
    left, right = np.array([p[0] for p in pairs], np.int64), np.array([p[1] for p in pairs], np.int64)
    assert exact_products(np.stack([left, right]))[1] == sum(a * b for a, b in pairs)


@given(st.lists(st.integers(-(2**31), 2**31), max_size=20))
def test_exact_products_agree_on_both_sides_of_the_64_bit_limit(values: list[int]) -> None:
    vector = np.array(values, np.int64)
    assert exact_products(np.stack([vector, vector]))[1] == sum(v * v for v in values)


@pytest.mark.parametrize("row", [[1 << 31, 1 << 31], [-(1 << 31), 1 << 31], [1 << 63 >> 1, 2], [-(1 << 63)], [3, -(1 << 62)]])
def test_sums_of_products_beyond_64_bits_do_not_wrap(row: list[int]) -> None:
    assert exact_products(np.array([row], np.int64)) == [sum(value * value for value in row)]


def test_long_vectors_are_summed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tare.statistics.exact._MOST", 7)
    values = np.random.default_rng(0).normal(size=50)
    assert exact_sum(values).fraction() == sum(map(Fraction, values.tolist()), Fraction(0))
    rows = np.random.default_rng(1).integers(-(2**62), 2**62, (2, 50))
    pairs = zip(rows[0].tolist(), rows[1].tolist(), strict=True)
    assert exact_products(rows)[1] == sum(a * b for a, b in pairs)
