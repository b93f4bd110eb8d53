from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tare.studying.analysis.contrasts import contrasts, overall
from tare.studying.analysis.scores import Pair, ScoreGroup, Scores

BASE = [0.80, 0.82, 0.78, 0.85, 0.81, 0.79]


def scores(**gaps: list[float]) -> Scores:
    strategies = {"source": dict(zip(map(_pair, range(6)), BASE, strict=True))}
    for name, values in gaps.items():
        strategies[name] = {_pair(i): BASE[i] + gap for i, gap in enumerate(values)}
    return Scores({(): strategies})


def _pair(index: int) -> tuple[str, ...]:
    return (str(index),)


def p_value(gap: list[float], step: float, margin: float = 0.0) -> float:
    """Student's t test with the variance of a step, by SciPy: of no difference, or of one of at least ``margin``."""
    error = np.sqrt((np.var(gap, ddof=1) + step**2 / 12) / len(gap))
    far = (abs(np.mean(gap)) - margin) / error
    return float(stats.t.cdf(far, len(gap) - 1) if margin else 2 * stats.t.sf(far, len(gap) - 1))


def test_the_p_values_are_scipys_adjusted_by_holm() -> None:
    better, noise = [0.05, 0.06, 0.055, 0.045, 0.05, 0.052], [0.01, -0.02, 0.005, -0.01, 0.015, 0.0]
    found = {item.strategy: item for item in contrasts(scores(target=better, none=noise), "source", 0.01)}
    p_values = [p_value(gap, 0.002) for gap in (better, noise)]  # 0.840 and 0.842 are the nearest scores
    assert p_values[0] == pytest.approx(stats.ttest_1samp(better, 0).pvalue, rel=0.2)
    assert found["target"].p_adjusted == pytest.approx(2 * p_values[0], rel=1e-4)
    assert found["none"].p_adjusted == pytest.approx(max(p_values[1], 2 * p_values[0]), rel=1e-4)
    assert found["target"].difference.estimate == pytest.approx(np.mean(better))
    assert (found["target"].statement, found["none"].statement) == ("better", "undecided")
    assert (found["target"].shown, found["none"].shown) == (True, False)


def test_the_order_of_the_pairs_and_missing_ones_do_not_break_the_pairing() -> None:
    gap = [0.05, 0.06, 0.055, 0.045, 0.05, 0.052]
    (strategies,) = scores(target=gap).values.values()
    turned = {name: dict(list(pairs.items())[::-1]) for name, pairs in strategies.items()}
    (item,) = contrasts(Scores({(): turned}), "source", 0.01)
    assert item.difference.estimate == pytest.approx(np.mean(gap))
    del turned["source"][_pair(0)]
    (item,) = contrasts(Scores({(): turned}), "source", 0.01)
    assert item.difference.estimate == pytest.approx(np.mean(gap[1:]))
    assert item.pairs == 5


def test_under_the_null_a_difference_is_shown_in_no_more_than_the_nominal_share_of_studies() -> None:
    generator = np.random.default_rng(0)
    shown = 0
    for _ in range(400):
        gaps = {name: generator.normal(0, 0.02, 5).tolist() for name in ("target", "match", "blend", "none")}
        shown += any(item.shown for item in contrasts(scores(**gaps), "source", 0.01))
    assert shown / 400 < 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5


def test_equivalence_is_two_one_sided_tests() -> None:
    gap = [0.001, -0.002, 0.0005, -0.001, 0.0015, 0.0]
    (item,) = contrasts(scores(target=gap), "source", 0.01)
    assert item.p_equivalent == pytest.approx(p_value(gap, 0.0005, 0.01), rel=1e-3)
    assert item.p_equivalent == pytest.approx(stats.ttest_1samp(gap, 0.01, alternative="less").pvalue, rel=0.1)
    assert (item.statement, item.within) == ("equivalent", True)


def test_a_small_difference_that_is_shown_is_both_better_and_within_the_margin() -> None:
    (item,) = contrasts(scores(target=[0.004, 0.005, 0.0045, 0.0055, 0.005, 0.0048]), "source", 0.01)
    assert (item.statement, item.within) == ("better", True)


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_shares_of_few_samples_that_happen_to_agree_are_no_certainty(seeds: int) -> None:
    generator, wrong = np.random.default_rng(seeds), 0
    for _ in range(60):
        values: dict[ScoreGroup, dict[str, dict[Pair, float]]] = {}
        for group in range(24):  # 1 in 20 of 100 answers differs, in either direction alike
            changed = generator.binomial(100, 0.05, (2, seeds))
            shares = 0.8 + (2 * generator.binomial(changed, 0.5) - changed) / 100
            named = zip(("source", "target", "blend"), (np.full(seeds, 0.8), *shares), strict=True)
            values[("group", str(group)),] = {name: {_pair(k): float(v) for k, v in enumerate(row)} for name, row in named}
        wrong += any(item.shown for item in contrasts(Scores(values), "source", 0.01))
    assert wrong <= 6  # 5% of 60 studies, and two standard deviations more


def test_two_seeds_with_one_difference_of_shares_show_nothing() -> None:
    pairs = {"source": [0.50, 0.62], "target": [0.51, 0.63]}
    (item,) = contrasts(
        Scores({(): {name: {_pair(i): v for i, v in enumerate(row)} for name, row in pairs.items()}}), "source", 0.01
    )
    assert item.statement == "undecided"
    assert item.difference.estimate == pytest.approx(0.01)
    assert item.difference.low < 0 < item.difference.high


def test_bit_identical_scores_are_no_equivalence() -> None:
    (item,) = contrasts(scores(target=[0.0] * 6), "source", 0.01)
    assert item.statement == "identical"
    assert not item.within


def test_one_pair_says_nothing() -> None:
    (item,) = contrasts(scores(target=[0.3]), "source", 0.01)
    assert item.statement == "too few"


@given(st.lists(st.floats(-0.1, 0.1), min_size=6, max_size=6), st.floats(0.001, 0.1))
def test_exchanging_strategy_and_baseline_exchanges_better_and_worse(gap: list[float], margin: float) -> None:
    mirrored = {"better": "worse", "worse": "better"}
    (one,) = contrasts(scores(target=gap), "source", margin)
    (other,) = contrasts(scores(target=gap), "target", margin)
    assert other.statement == mirrored.get(one.statement, one.statement)
    assert other.difference.estimate == pytest.approx(-one.difference.estimate)


def test_over_all_groups_the_interval_covers_how_groups_differ() -> None:
    rng = np.random.default_rng(0)
    values: dict[ScoreGroup, dict[str, dict[Pair, float]]] = {}
    for shift, effect in (("a", 0.05), ("b", -0.05), ("c", 0.0)):
        base = {_pair(i): 0.7 for i in range(8)}
        values[(("shift", shift),)] = {"source": base, "target": {p: v + effect + rng.normal(0, 1e-3) for p, v in base.items()}}
    (item,) = overall(contrasts(Scores(values), "source", 0.01), Scores(values), "source")
    assert item.groups == 3
    assert item.difference.low < -0.05 < 0.05 < item.difference.high
    assert item.between == pytest.approx(0.05, rel=0.1)


@pytest.mark.parametrize(("pairs", "shared"), [(5, 0.06), (10, 0.0), (10, 0.06), (10, 0.5)])
def test_over_groups_that_share_seeds_the_interval_covers_what_moves_a_seed(pairs: int, shared: float) -> None:
    generator, covered = np.random.default_rng(pairs), 0
    for _ in range(120):
        moved, noise = np.sqrt(shared) * generator.standard_normal(pairs), np.tile([0.05, 0.04, 0.025], 4)
        values: dict[ScoreGroup, dict[str, dict[Pair, float]]] = {}
        for place, sd in enumerate(noise):
            gaps = sd * (moved + np.sqrt(1 - shared) * generator.standard_normal(pairs))
            own = {_pair(k): 0.7 + float(gap) for k, gap in enumerate(gaps)}
            values[("group", str(place)),] = {"source": dict.fromkeys(own, 0.7), "target": own}
        (item,) = overall(contrasts(Scores(values), "source", 0.01), Scores(values), "source")
        covered += item.difference.low <= 0 <= item.difference.high
    assert covered >= 105  # 95% of 120, less 4 standard deviations


@pytest.mark.parametrize(("one", "other"), [(1.0, sum([0.1] * 10)), (29.0, 0.29 * 100), (-1e12, -1e12 * (1 + 2e-16))])
def test_scores_that_differ_by_the_order_of_a_sum_alone_are_identical(one: float, other: float) -> None:
    assert one != other
    pairs = [_pair(index) for index in range(3)]
    made = Scores({(): {"source": dict.fromkeys(pairs, one), "other": dict.fromkeys(pairs, other)}})
    (found,) = contrasts(made, "source", 0.01)
    assert (found.statement, found.difference.estimate) == ("identical", 0.0)
