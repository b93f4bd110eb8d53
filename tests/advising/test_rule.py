from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.advising.evidence.accuracy import Folds
from tare.advising.rule import RULE, Facts, decide
from tare.normalisation.names import Strategy

GAPS: Mapping[Strategy, float] = {"source": 0.0, "blend": 0.4, "target": 0.5, "match": 0.5, "sample": 0.7}
CALM: Mapping[str, float] = {str(name): 0.1 for name in GAPS}
FOREIGN = {"source": 1.2, "blend": 0.1, "target": 0.1, "match": 0.05, "sample": 0.1}


def folds(gains: Mapping[str, float], noise: float, count: int = 200) -> Folds:
    """Samples whose own class is given around 70% under source, with these gains and noise of their own."""
    rng = np.random.default_rng(0)
    base = 0.7 + rng.normal(0, 0.02, count)
    scores = {"source": base}
    for name, gain in gains.items():
        own = rng.normal(0, 1, count)
        scores[name] = base + gain + noise * (own - own.mean())
    return Folds(scores, scores, 0.25)


def test_what_old_classes_tell_counts_as_an_expectation_that_labels_overrule() -> None:
    gains = {"target": 0.0, "blend": 0.0, "sample": 0.0}
    old = {name: np.full(40, 0.6 if name == "target" else 0.5) for name in ("source", *gains)}
    few, many = (folds(gains, 0.2, count) for count in (12, 4000))
    for one, wanted in ((few, "target"), (many, "source")):
        assert decide(Facts(GAPS, CALM, one)).strategy == "source"
        told = decide(Facts(GAPS, CALM, replace(one, by_classes=old)))
        assert told.strategy == wanted
        gain = told.gains["target"]
        assert gain.by_classes == pytest.approx(0.1)
        assert gain.measured is not None
        assert gain.error is not None
        before = gain.expected + 0.1
        weights = (RULE.familiar_spread**-2, gain.error**-2)
        assert gain.combined == pytest.approx((weights[0] * before + weights[1] * gain.measured.estimate) / sum(weights))


def test_strategies_that_feed_the_same_do_not_matter() -> None:
    decision = decide(Facts({"source": 0.0, "target": 0.001}, CALM, None))
    assert (decision.strategy, decision.matters, decision.basis, decision.confidence) == ("source", False, "same input", "high")


def test_where_nothing_else_can_be_computed_that_is_said_and_not_that_all_are_alike() -> None:
    decision = decide(Facts({"source": 0.0}, CALM, None, alone=True))
    assert (decision.strategy, decision.matters, decision.basis) == ("source", True, "nothing else")


def test_data_that_are_familiar_keep_the_constants_of_the_training() -> None:
    decision = decide(Facts(GAPS, CALM, None))
    assert (decision.strategy, decision.basis, decision.confidence) == ("source", "default", "moderate")
    assert all(gain.expected < 0 for gain in decision.gains.values())


def test_moments_alone_move_the_choice_where_data_are_foreign_under_source() -> None:
    few: Mapping[Strategy, float] = {"source": 0.0, "blend": 0.4, "target": 0.5}
    decision = decide(Facts(few, FOREIGN, None))
    assert (decision.strategy, decision.basis) == ("blend", "foreign to the network")
    assert decision.gain is not None
    assert decision.gain.expected == pytest.approx(RULE.gain * np.log(1.2 / RULE.foreign))


def test_a_strategy_that_stays_as_foreign_is_expected_to_gain_nothing() -> None:
    decision = decide(Facts(GAPS, {**FOREIGN, "target": 0.9}, None))
    assert decision.gains["target"].expected == 0.0 < decision.gains["blend"].expected


def test_noise_is_never_called_a_finding() -> None:
    for gain in (0.0, 0.02, -0.02):
        decision = decide(Facts(GAPS, CALM, folds(dict.fromkeys(("blend", "target", "match", "sample"), gain), 0.5)))
        assert decision.confidence != "high"
        assert not any(one.shown for one in decision.gains.values()), gain


def test_a_gain_that_is_known_well_is_taken_and_sure() -> None:
    decision = decide(Facts(GAPS, CALM, folds({"target": 0.06, "blend": 0.0}, 0.1)))
    assert (decision.strategy, decision.basis, decision.confidence) == ("target", "accuracy", "high")
    assert decision.chance == decision.gains["target"].chance_above(0.0)
    assert decision.gain is not None
    assert 0 < decision.gain.combined < 0.06  # shrunk toward what was expected


def test_labels_that_say_otherwise_overrule_the_moments() -> None:
    names = ("blend", "target", "match", "sample")
    decision = decide(Facts(GAPS, FOREIGN, folds(dict.fromkeys(names, -0.08), 0.1)))
    assert (decision.strategy, decision.basis, decision.confidence) == ("source", "default", "high")
    assert decision.chance == 1 - max(one.chance_above(RULE.margin) for one in decision.gains.values())


def test_differences_shown_to_be_small_do_not_matter() -> None:
    alike = {"blend": 0.0, "target": 0.001, "match": -0.001}
    decision = decide(Facts(GAPS, CALM, folds(alike, 0.001, 400)))
    assert (decision.strategy, decision.matters, decision.basis) == ("source", False, "equivalent")
    few = decide(Facts(GAPS, CALM, folds(alike, 0.0, 16)))  # sixteen samples that agree show nothing within a point
    assert few.basis == "default"


@given(st.floats(-0.2, 0.2), st.floats(0.001, 0.2))
def test_the_combined_gain_lies_between_what_is_expected_and_what_is_measured(gain: float, noise: float) -> None:
    decision = decide(Facts(GAPS, FOREIGN, folds({"target": gain}, noise)))
    found = decision.gains["target"]
    assert found.measured is not None
    low, high = sorted((found.expected, found.measured.estimate))
    assert low - 1e-12 <= found.combined <= high + 1e-12
    assert found.error is not None
    assert found.spread < RULE.widening * min(found.error, RULE.spread)  # both together know more than each alone


@given(st.floats(-0.1, 0.1))
def test_the_chance_of_a_gain_is_that_of_a_normal_distribution(gain: float) -> None:
    found = decide(Facts(GAPS, FOREIGN, folds({"target": 0.03}, 0.2))).gains["target"]
    from scipy import stats

    assert found.chance_above(gain) == pytest.approx(stats.norm.sf(gain, found.combined, found.spread))


def test_of_equal_gains_the_simplest_is_taken() -> None:
    same = folds({"target": 0.06}, 0.02)
    scores = dict.fromkeys(("blend", "target", "match"), same.credit["target"]) | {"source": same.credit["source"]}
    assert decide(Facts(GAPS, CALM, Folds(scores, scores, 0.25))).strategy == "blend"


def test_a_strategy_that_is_shown_to_be_better_goes_before_one_that_is_only_expected_to_be() -> None:
    steady, wild = folds({"target": 0.03}, 0.01), folds({"sample": 0.2}, 1.5)
    both = Folds(*(({**steady.credit, "sample": wild.credit["sample"]},) * 2), 0.25)
    decision = decide(Facts({"source": 0.0, "target": 0.5, "sample": 0.7}, {**FOREIGN, "target": 1.2}, both))
    assert decision.gains["sample"].combined > decision.gains["target"].combined
    assert not decision.gains["sample"].shown
    assert (decision.strategy, decision.outcome) == ("target", "shown better")


def test_the_outcome_says_what_the_labels_show_and_no_more() -> None:
    names = ("blend", "target", "match", "sample")
    better, worse, alike = (folds(dict.fromkeys(names, gain), 0.01, 4000) for gain in (0.1, -0.1, 0.0))
    assert decide(Facts(GAPS, CALM, better)).outcome == "shown better"
    kept = decide(Facts(GAPS, CALM, worse))
    assert (kept.strategy, kept.outcome) == ("source", "shown better")
    assert decide(Facts(GAPS, CALM, alike)).outcome == "does not matter"
    assert decide(Facts(GAPS, CALM, None)).outcome == "leaning, unproven"
    assert decide(Facts(GAPS, FOREIGN, None)).outcome == "leaning, unproven"
    assert decide(Facts({"source": 0.0}, CALM, None, alone=True)).outcome == "leaning, unproven"


def test_batch_norm_that_is_trained_absorbs_the_choice() -> None:
    much = folds(dict.fromkeys(("blend", "target", "match", "sample"), 0.1), 0.01)
    tuned = decide(Facts(GAPS, FOREIGN, much, protocol="finetune", batch_norm=True))
    assert (tuned.strategy, tuned.matters, tuned.basis, tuned.outcome) == ("source", False, "absorbed", "does not matter")
    assert decide(Facts(GAPS, FOREIGN, much, batch_norm=True)).strategy != "source"


def test_without_batch_norm_a_part_of_the_gain_is_expected_to_remain_and_none_of_it_is_shown() -> None:
    much = folds(dict.fromkeys(("blend", "target", "match", "sample"), 0.1), 0.01)
    frozen, tuned = (decide(Facts(GAPS, FOREIGN, much, protocol=protocol)) for protocol in ("probe", "finetune"))
    assert frozen.outcome == "shown better"
    assert tuned.strategy == frozen.strategy
    assert tuned.outcome == "leaning, unproven"
    assert tuned.gain is not None
    assert frozen.gain is not None
    assert tuned.gain.combined == pytest.approx(RULE.tuned_share * frozen.gain.combined)
    assert tuned.gain.spread > frozen.gain.spread


@given(st.floats(-0.2, 0.2), st.floats(0.001, 0.5), st.integers(12, 400))
def test_the_range_of_a_gain_holds_its_middle_and_grows_with_less_certainty(gain: float, noise: float, count: int) -> None:
    made = folds(dict.fromkeys(("blend", "target", "match", "sample"), gain), noise, count)
    for one in decide(Facts(GAPS, FOREIGN, made)).gains.values():
        assert one.range.low < one.combined < one.range.high
        assert one.chance_above(one.range.low) == pytest.approx(0.975)
        assert one.chance_above(one.range.high) == pytest.approx(0.025)
