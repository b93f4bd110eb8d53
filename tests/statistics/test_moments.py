from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import reduce
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tare.statistics.exact import Dyadic
from tare.statistics.inference.distributions import freedom_of, t_quantile
from tare.statistics.moments import Moments
from tare.system.engines import loops


@pytest.fixture(params=[0, 1 << 62], ids=["compiled", "plain"], autouse=True, scope="module")
def form(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test runs with the compiled loops and with the plain ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loops, "_WORTH", request.param)
        yield


Array = NDArray[Any]
finite = st.floats(-1e6, 1e6).map(lambda v: round(v, 3))
float_sample = st.lists(finite, min_size=1, max_size=6).map(lambda v: np.array(v, np.float64))
float_samples = st.lists(float_sample, min_size=1, max_size=8)
byte_sample = st.lists(st.integers(0, 255), min_size=1, max_size=6).map(lambda v: np.array(v, np.int64))
byte_samples = st.lists(byte_sample, min_size=1, max_size=8)


def merged(states: list[Moments]) -> Moments:
    return reduce(Moments.merge, states, Moments())


def of_floats(samples: list[Array]) -> Moments:
    return merged([Moments.of_sample(sample) for sample in samples])


def of_integers(samples: list[Array]) -> Moments:
    n, s, q = (np.array([f(x) for x in samples], np.int64) for f in (np.size, np.sum, lambda x: np.sum(x * x)))
    return Moments.of_integer_samples(n, s, q, float(min(map(np.min, samples))), float(max(map(np.max, samples))))


def errors_by_residuals(samples: list[Array]) -> tuple[float, float]:
    """The delta method written out over samples, without any cross moment."""
    values = np.concatenate(samples)
    m, v, count = values.mean(), values.var(), values.size
    number = count**2 / sum(x.size**2 for x in samples)  # of samples of equal size
    e = np.array([(x - m).sum() for x in samples])
    f = np.array([((x - m) ** 2 - v).sum() for x in samples])
    factor = number / (number - 1) / count**2
    return math.sqrt(factor * (e**2).sum()), math.sqrt(factor * (f**2).sum() / (4 * v))


@given(float_samples, st.randoms(use_true_random=False), st.integers(0, 8))
def test_any_order_and_any_split_give_the_same_bits(samples: list[Array], random: Random, cut: int) -> None:
    shuffled = list(samples)
    random.shuffle(shuffled)
    assert of_floats(shuffled[:cut]).merge(of_floats(shuffled[cut:])) == of_floats(samples)


@given(byte_samples, st.randoms(use_true_random=False), st.integers(1, 7))
def test_integer_samples_may_be_reduced_in_any_groups(samples: list[Array], random: Random, cut: int) -> None:
    shuffled = list(samples)
    random.shuffle(shuffled)
    parts = [part for part in (shuffled[:cut], shuffled[cut:]) if part]
    assert merged([of_integers(part) for part in parts]) == of_integers(samples)


@given(float_samples, float_samples, float_samples)
def test_merge_is_associative_and_commutative_with_an_identity(a: list[Array], b: list[Array], c: list[Array]) -> None:
    x, y, z = map(of_floats, (a, b, c))
    assert x.merge(y).merge(z) == x.merge(y.merge(z))
    assert x.merge(y) == y.merge(x)
    assert x.merge(Moments()) == x == Moments().merge(x)


@given(st.lists(byte_sample, min_size=2, max_size=6), st.integers(1, 5))
def test_every_field_of_a_state_survives_merging_however_it_was_made(samples: list[Array], cut: int) -> None:
    """States that no merge has touched yet: what a merge forgot would be missing from both sides of a law otherwise."""
    made = [
        Moments.of_sample(samples[0] / 4),
        Moments.of_sample(np.array([math.nan, math.inf, 2.5])),
        Moments.of_rows(np.concatenate(samples) / 8),
        Moments.of_stack(np.stack([samples[0] / 2, samples[0] + 0.5])),
        of_integers(samples),
    ]
    for state in made:
        assert state.merge(Moments()) == state == Moments().merge(state)
        assert state.merge(made[0]) == made[0].merge(state)
    parts = [of_integers(part) for part in (samples[:cut], samples[cut:]) if part]
    assert reduce(Moments.merge, parts) == made[-1]


def test_two_empty_states_merge_to_an_empty_one() -> None:
    assert Moments().merge(Moments()) == Moments()


@given(float_samples)
def test_every_prefix_agrees_with_numpy(samples: list[Array]) -> None:
    state = Moments()
    for end, sample in enumerate(samples, start=1):
        state = state.merge(Moments.of_sample(sample))
        values = np.concatenate(samples[:end])
        scale = float(np.abs(values).max()) or 1.0
        assert state.count == values.size
        assert state.samples == end
        assert state.mean == pytest.approx(values.mean(), abs=1e-13 * scale)
        assert state.std == pytest.approx(values.std(), abs=1e-7 * scale)  # NumPy's own rounding, of a square
        assert (state.low, state.high) == (values.min(), values.max())


@given(byte_samples)
def test_integers_agree_with_rational_arithmetic_to_the_last_bit(samples: list[Array]) -> None:
    state = of_integers(samples)
    values = [int(v) for sample in samples for v in sample]
    mean = Fraction(sum(values), len(values))
    variance = sum((Fraction(v) - mean) ** 2 for v in values) / len(values)
    assert state.mean == float(mean)
    assert state.variance == float(variance)
    assert state.std == math.sqrt(float(variance))


@given(byte_samples)
def test_the_other_definitions_agree_with_numpy(samples: list[Array]) -> None:
    for state in (of_integers(samples), of_floats(samples)):
        means, stds = np.array([x.mean() for x in samples]), np.array([x.std() for x in samples])
        second = np.mean([np.mean(x**2.0) for x in samples])
        assert state.sample_mean == pytest.approx(means.mean(), abs=1e-9)
        assert state.mean_of_sample_std == pytest.approx(stds.mean(), abs=1e-6)
        assert state.root_mean_sample_variance == pytest.approx(math.sqrt((stds**2).mean()), abs=1e-6)
        assert state.sample_weighted_std == pytest.approx(math.sqrt(max(0.0, second - means.mean() ** 2)), abs=1e-5)


@given(byte_samples.filter(lambda samples: len(samples) > 1 and np.concatenate(samples).std() > 0))
def test_standard_errors_are_those_of_the_residuals_over_samples(samples: list[Array]) -> None:
    mean_se, std_se = errors_by_residuals(samples)
    state = of_integers(samples)
    assert state.mean_se == pytest.approx(mean_se, abs=1e-9)
    assert state.std_se == pytest.approx(std_se, abs=1e-9)


def correlated_samples(rng: np.random.Generator, number: int) -> list[Array]:
    """Samples of unequal size whose values share an offset and a gain, as the pixels of one photograph do."""
    sizes = rng.integers(5, 40, number)
    return [10 + 3 * rng.standard_normal() + rng.gamma(4.0, 0.5) * rng.standard_normal(size) for size in sizes]


def test_standard_errors_agree_with_a_bootstrap_over_samples() -> None:
    rng = np.random.default_rng(5)
    samples = correlated_samples(rng, 150)
    state = of_floats(samples)
    n, s, q = (np.array([f(x) for x in samples]) for f in (np.size, np.sum, lambda x: np.sum(x * x)))
    drawn = rng.multinomial(len(samples), np.full(len(samples), 1 / len(samples)), size=4000)
    means = drawn @ s / (drawn @ n)
    stds = np.sqrt(drawn @ q / (drawn @ n) - means**2)
    assert state.mean_se == pytest.approx(means.std(), rel=0.05)
    assert state.std_se == pytest.approx(stds.std(), rel=0.05)


KINDS = ("photographs", "skewed", "larger samples are brighter")


def of_kind(kind: str, rng: np.random.Generator, number: int) -> list[Array]:
    if kind == "photographs":
        return correlated_samples(rng, number)
    if kind == "skewed":
        return [rng.exponential(1.0) + 0.2 * rng.standard_normal(20) for _ in range(number)]
    sizes = rng.integers(2, 40, number)
    return [size / 20 + rng.standard_normal() + rng.standard_normal(size) for size in sizes]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_intervals_agree_with_a_bootstrap_over_samples(kind: str, seed: int) -> None:
    """Both ends of the 95% intervals of mean and std, against percentiles of resampled samples, within a tenth of the width."""
    rng = np.random.default_rng(seed)
    samples = of_kind(kind, rng, 400)
    state = of_floats(samples)
    n, s, q = (np.array([f(x) for x in samples]) for f in (np.size, np.sum, lambda x: np.sum(x * x)))
    drawn = rng.multinomial(len(samples), np.full(len(samples), 1 / len(samples)), size=3000)
    means = drawn @ s / (drawn @ n)
    stds = np.sqrt(drawn @ q / (drawn @ n) - means**2)
    for value, error, resampled in ((state.mean, state.mean_se, means), (state.std, state.std_se, stds)):
        ends = np.array([value - 1.96 * error, value + 1.96 * error])
        width = ends[1] - ends[0]
        np.testing.assert_allclose(ends, np.quantile(resampled, [0.025, 0.975]), rtol=0, atol=0.1 * width)
        # Counting pixels instead would be far off: that is what the law is for.
    assert state.mean_se > 1.5 * state.std / math.sqrt(state.count)


def test_standard_errors_agree_with_the_spread_over_repeated_datasets() -> None:
    rng = np.random.default_rng(6)
    repeats = [of_integers([np.rint(1000 * x).astype(np.int64) for x in correlated_samples(rng, 60)]) for _ in range(400)]
    spread_of_means = np.std([state.mean for state in repeats])
    spread_of_stds = np.std([state.std for state in repeats])
    # 400 repeats know a spread to about 3.5% (one standard error).
    assert np.mean([state.mean_se for state in repeats]) == pytest.approx(spread_of_means, rel=0.12)
    assert np.mean([state.std_se for state in repeats]) == pytest.approx(spread_of_stds, rel=0.12)


def test_a_table_column_has_the_textbook_standard_error() -> None:
    values = np.random.default_rng(7).standard_normal(500)
    state = Moments.of_rows(values)
    assert state.mean_se == pytest.approx(values.std(ddof=1) / math.sqrt(500), rel=1e-12)
    assert state.effective_samples == pytest.approx(499, rel=1e-9)


@pytest.mark.parametrize(("sizes", "number"), [([5, 5, 5, 5], 4.0), ([1, 1, 1, 997], 1000**2 / (3 + 997**2)), ([7], 1.0)])
def test_samples_of_equal_size_are_kishs_number(sizes: list[int], number: float) -> None:
    state = merged([Moments.of_sample(np.arange(size) / 3) for size in sizes])
    assert state.equal_samples == pytest.approx(number, rel=1e-12)
    assert math.isnan(Moments().equal_samples)


@pytest.mark.parametrize("large", [0, 1, 2, 5])
def test_students_interval_holds_the_mean_where_few_samples_hold_nearly_all_values(large: int) -> None:
    """Brightness differs from sample to sample; each of the large ones is as large as 250 others."""
    chance = np.random.default_rng(large)
    n = np.where(np.arange(60) < large, 1000, 4) * np.ones((400, 1), int)
    level = chance.normal(0, 1, n.shape)
    held = 0
    for sizes, levels in zip(n, level, strict=True):
        totals = (np.array([size, size * each, size * (each**2 + 1)]) for size, each in zip(sizes, levels, strict=True))
        state = Moments.of_totals([(int(size), Dyadic.of(total), Dyadic.of(squares)) for size, total, squares in totals])
        held += abs(state.mean) <= t_quantile(0.975, freedom_of(state.equal_samples)) * state.mean_se
    assert held / 400 > 0.86  # 0.91 to 1 of 20,000; with a degree for each sample but one 0.07 for one, 0.62 for two


def test_effective_samples_count_images_where_pixels_repeat_each_other() -> None:
    offsets = np.random.default_rng(8).standard_normal(50)
    state = of_floats([np.full(1000, offset) for offset in offsets])
    assert state.count == 50_000
    assert state.effective_samples == pytest.approx(49, rel=1e-6)


@pytest.mark.parametrize("build", [of_floats, lambda samples: Moments.of_rows(np.concatenate(samples))])
def test_values_near_a_billion_keep_a_std_of_one(build: Any) -> None:
    offsets = np.random.default_rng(9).standard_normal(4000)
    samples = list((1e9 + offsets).reshape(40, 100))
    values = np.concatenate(samples)
    exact_mean = sum(map(Fraction, values.tolist())) / 4000
    exact_variance = sum((Fraction(v) - exact_mean) ** 2 for v in values.tolist()) / 4000
    state = build(samples)
    assert state.mean == pytest.approx(float(exact_mean), rel=1e-15)
    assert state.std == pytest.approx(math.sqrt(float(exact_variance)), rel=1e-9)
    shifted = build([sample - 1e9 for sample in samples])
    assert state.mean_se == pytest.approx(shifted.mean_se, rel=1e-6)
    assert state.std_se == pytest.approx(shifted.std_se, rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("how", ["samples", "stack", "rows"])
def test_values_that_differ_by_a_few_last_digits_keep_all_of_them(how: str, seed: int) -> None:
    """Near 1e9 in steps of one unit in the last place: the figures are those of the steps, which are whole numbers."""
    steps = np.random.default_rng(seed).integers(0, 6, (5, 3))
    unit = float(np.spacing(1e9))
    values = 1e9 + unit * steps
    assert ((values - 1e9) / unit == steps).all()
    state = {
        "samples": lambda: of_floats(list(values)),
        "stack": lambda: Moments.of_stack(values),
        "rows": lambda: Moments.of_rows(values.ravel()),
    }[how]()
    exact = of_integers(list(steps.reshape(-1, 1) if how == "rows" else steps))
    for name in ("std", "mean_se", "std_se", "mean_of_sample_std", "root_mean_sample_variance"):
        assert getattr(state, name) == pytest.approx(unit * getattr(exact, name), rel=1e-9), name
    assert state.mean - 1e9 == pytest.approx(unit * exact.mean, abs=unit)
    assert state.sample_mean - 1e9 == pytest.approx(unit * exact.mean, abs=2 * unit)


def test_a_stack_with_samples_beyond_the_range_of_squares_is_that_of_its_samples() -> None:
    values = np.array([[1.0, 2.0], [-1e200, 1e200], [1e-200, 3e-200], [1e150, 1e150], [5.0, 9.0], [7.0, 7.0]])
    plain = Moments.of_stack(values[[0, 4, 5]])
    assert Moments.of_stack(values) == plain.merge(of_floats(list(values[1:4])))


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 1000))
def test_a_stack_equals_its_samples_to_rounding(number: int, length: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(100, 5, (number, length))
    stack, single = Moments.of_stack(values), of_floats(list(values))
    assert (stack.samples, stack.count, stack.low, stack.high) == (single.samples, single.count, single.low, single.high)
    for name in ("mean", "std", "mean_of_sample_std", "root_mean_sample_variance", "sample_mean", "sample_weighted_std"):
        assert getattr(stack, name) == pytest.approx(getattr(single, name), rel=1e-10, abs=1e-10), name
    for name in ("mean_se", "std_se"):
        # A root of a rounded zero: two samples of one value have a std error of exactly zero.
        assert getattr(stack, name) == pytest.approx(getattr(single, name), rel=1e-6, abs=1e-6, nan_ok=True), name


@given(st.lists(finite, min_size=1, max_size=20))
def test_rows_equal_samples_of_one_value_to_rounding(values: list[float]) -> None:
    rows, single = Moments.of_rows(np.array(values)), of_floats([np.array([v]) for v in values])
    scale = max(1.0, *map(abs, values))
    assert (rows.samples, rows.count) == (single.samples, single.count)
    assert rows.mean == pytest.approx(single.mean, abs=1e-12 * scale)
    assert rows.std == pytest.approx(single.std, abs=1e-7 * scale)
    assert rows.mean_se == pytest.approx(single.mean_se, abs=1e-7 * scale, nan_ok=True)
    assert rows.mean_of_sample_std == 0.0


@given(byte_samples, st.integers(1, 1000))
def test_scaling_multiplies_every_value_exactly(samples: list[Array], factor: int) -> None:
    scaled = of_integers(samples).scaled(Dyadic(factor))
    direct = of_integers([sample * factor for sample in samples])
    for name in ("mean", "std", "mean_se", "std_se", "low", "high", "samples", "count"):
        assert getattr(scaled, name) == pytest.approx(getattr(direct, name), rel=1e-15, nan_ok=True), name
    for name in ("sample_mean", "mean_of_sample_std", "root_mean_sample_variance", "sample_weighted_std"):
        assert getattr(scaled, name) == pytest.approx(getattr(direct, name), rel=1e-9, abs=1e-9), name


def test_one_sample_has_a_mean_and_a_std_but_no_standard_error() -> None:
    state = Moments.of_sample(np.array([1.0, 3.0]))
    assert (state.mean, state.std) == (2.0, 1.0)
    assert math.isnan(state.mean_se)
    assert math.isnan(state.std_se)
    assert math.isnan(state.effective_samples)


def test_one_pixel_has_a_std_of_zero() -> None:
    state = Moments.of_sample(np.array([7.0]))
    assert (state.samples, state.count, state.mean, state.std, state.constant) == (1, 1, 7.0, 0.0, True)


def test_a_constant_channel_is_known_exactly_and_its_std_has_no_error_of_its_own() -> None:
    state = of_floats([np.full(5, 0.1), np.full(9, 0.1)])
    assert state.constant
    assert state.mean == 0.1
    assert state.std == 0.0
    assert state.mean_se == 0.0
    assert math.isnan(state.std_se)
    assert state.effective_samples == math.inf


def test_an_empty_state_has_no_figures() -> None:
    state = Moments()
    assert not state.constant
    for name in ("mean", "std", "variance", "mean_se", "std_se", "sample_mean", "mean_of_sample_std", "sample_weighted_std"):
        assert math.isnan(getattr(state, name)), name


@pytest.mark.parametrize("build", [Moments.of_sample, Moments.of_rows])
def test_nan_and_infinities_are_counted_and_left_out(build: Any) -> None:
    state = build(np.array([1.0, math.nan, 3.0, math.inf, -math.inf]))
    assert (state.count, state.nan, state.inf, state.mean) == (2, 1, 2, 2.0)
    nothing = build(np.array([math.nan]))
    assert (nothing.samples, nothing.count, nothing.nan) == (0, 0, 1)


@pytest.mark.parametrize("build", [Moments.of_sample, Moments.of_rows])
def test_what_is_not_finite_changes_no_figure_of_the_rest(build: Any) -> None:
    values = np.random.default_rng(4).normal(1e3, 2, 60)
    spoilt = np.insert(values, [0, 7, 7, 60], [math.nan, math.inf, -math.inf, math.nan])
    plain, found = build(values), build(spoilt)
    assert (found.nan, found.inf, found.count, found.samples) == (2, 2, plain.count, plain.samples)
    assert (found.mean, found.std, found.low, found.high) == pytest.approx((plain.mean, plain.std, plain.low, plain.high))


@pytest.mark.parametrize("build", [Moments.of_sample, Moments.of_rows])
def test_nan_alone_and_infinities_alone_are_counted(build: Any) -> None:
    assert [(state.nan, state.inf) for state in (build(np.array([1.0, 2.0, odd])) for odd in (math.nan, math.inf))] == [
        (1, 0),
        (0, 1),
    ]


def test_a_stack_of_nothing_is_empty_and_one_with_nan_counts_it() -> None:
    assert Moments.of_stack(np.zeros((0, 4))) == Moments() == Moments.of_stack(np.zeros((3, 0)))
    values = np.array([[1.0, 2.0], [math.nan, 4.0], [5.0, math.inf]])
    assert Moments.of_stack(values) == Moments.of_stack(values[:1]).merge(of_floats(list(values[1:])))


def test_figures_beyond_the_range_of_a_double_are_infinite_and_their_roots_are_not() -> None:
    state = Moments.of_sample(np.array([-1e200, 1e200]))
    assert state.variance == math.inf
    assert state.mean == 0.0
    assert state.std == pytest.approx(1e200)
    tiny = Moments.of_sample(np.array([-1e-200, 1e-200]))
    assert tiny.variance == 0.0
    assert tiny.std == pytest.approx(1e-200, rel=1e-12, abs=0)


def test_integer_samples_without_values_do_not_count_as_samples() -> None:
    zero = np.zeros(1, np.int64)
    assert Moments.of_integer_samples(zero, zero, zero, math.inf, -math.inf) == Moments()


def test_large_integer_samples_stay_exact_beyond_64_bits() -> None:
    n = np.full(3, 2**31, np.int64)
    q = np.full(3, 2**31 * 65535**2, np.int64)
    state = Moments.of_integer_samples(n, n * 65535, q, 65535.0, 65535.0)
    assert (state.mean, state.std, state.mean_of_sample_std) == (65535.0, 0.0, 0.0)


def test_sums_of_exactly_64_bits_do_not_wrap() -> None:
    n, s, q = (np.array([1, *[value] * 4], np.int64) for value in (2**31, 2**46, 2**61))
    s[0], q[0] = 2**15, 2**30
    state = Moments.of_integer_samples(n, s, q, 32768.0, 32768.0)
    assert (state.mean, state.std, state.mean_of_sample_std) == (32768.0, 0.0, 0.0)


@pytest.mark.parametrize("first", [0, 1, 2**61])
def test_sums_of_squares_at_and_beyond_64_bits_keep_the_std(first: int) -> None:
    """Four sums of squares of 2^61 are 2^63, one more than a signed integer holds; a fifth of any size comes before them."""
    fifth = [(2**31, 0, 0), (1, 1, 1), (2**31, 2**45, 2**61)][[0, 1, 2**61].index(first)]
    n, s, q = (np.array([value, *[other] * 4], np.int64) for value, other in zip(fifth, (2**31, 2**45, 2**61), strict=True))
    state = Moments.of_integer_samples(n, s, q, 0.0, 65535.0)
    count, total, squares = (sum(map(int, values)) for values in (n, s, q))
    assert squares == first + 2**63
    assert state.mean == float(Fraction(total, count))
    assert state.variance == float(Fraction(squares, count) - Fraction(total, count) ** 2)
    four = Moments.of_integer_samples(n[1:], s[1:], q[1:], 0.0, 65535.0)
    assert four.std == math.sqrt(2**30 - 2**28)


def test_the_mean_of_a_large_sample_is_right_to_the_last_digit() -> None:
    """What is left of its values about their rounded mean adds up over them; its mean is less than half a last digit."""
    steps = np.random.default_rng(0).integers(0, 6, 5000)
    unit = float(np.spacing(1e9))
    state = Moments.of_sample(1e9 + unit * steps)
    exact = 10**9 + Fraction(unit) * Fraction(int(steps.sum()), 5000)
    assert abs(Fraction(state.sample_mean) - exact) <= Fraction(unit) / 2


def test_constant_samples_of_a_stack_beyond_the_range_of_squares_go_one_by_one() -> None:
    values = np.array([[1e150, 1e150], [3e150, 3e150]])
    assert Moments.of_stack(values) == of_floats(list(values))


def test_two_values_are_not_constant() -> None:
    assert not Moments.of_sample(np.array([1.0, 3.0])).constant
    assert not of_floats([np.array([1.0]), np.array([3.0])]).constant


def test_a_variance_whose_numerator_needs_64_bits_does_not_wrap() -> None:
    # Of 2**20 values k are 65,535 and the others 0, beside a sample of one value.
    number, k = 2**20, 2896
    n, s, q = np.array([1, number]), np.array([0, k * 65535]), np.array([0, k * 65535**2])
    assert 2**63 < number * int(q[1]) < 2**64
    state = Moments.of_integer_samples(n, s, q, 0.0, 65535.0)
    share = k / number
    assert state.mean_of_sample_std == pytest.approx(65535 * math.sqrt(share * (1 - share)) / 2, rel=1e-12)


@given(float_sample)
def test_values_beyond_the_range_of_squares_scale_like_any_other(values: Array) -> None:
    plain, huge = Moments.of_sample(values), Moments.of_sample(np.ldexp(values, 600))
    assert huge.mean == math.ldexp(plain.mean, 600)
    assert huge.std == pytest.approx(math.ldexp(plain.std, 600), rel=1e-9, abs=math.ldexp(1e-6, 600))
