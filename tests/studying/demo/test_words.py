from __future__ import annotations

from tare.studying.demo.words import signed_points, verdict
from tests.studying.demo.cells import BETTER, NOISE, SHIFT, contrasts_of


def test_the_verdict_names_what_is_shown_and_no_more() -> None:
    sentence = verdict(SHIFT, contrasts_of({"target": BETTER, "none": NOISE}), 5)
    assert sentence.startswith("target is better than source by 5.2 points (")
    assert "no difference shown for none" in sentence
    quiet = verdict(SHIFT, contrasts_of({"none": NOISE}), 5)
    assert quiet.startswith("No difference from source shown: over 5 seeds")
    worse = verdict(SHIFT, contrasts_of({"target": [-gap for gap in BETTER]}), 5)
    assert "target is worse than source by 5.2 points" in worse


def test_points_carry_their_sign() -> None:
    assert signed_points(0.0123) == "+1.2"
    assert signed_points(-0.1) == "-10.0"


def test_what_rounds_to_nothing_has_one_sign() -> None:
    assert signed_points(-0.0004) == signed_points(0.0004) == "+0.0"
    assert signed_points(-0.0006) == "-0.1"
