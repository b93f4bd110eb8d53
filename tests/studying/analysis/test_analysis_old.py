from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tare.normalisation.names import Strategy
from tare.studying.analysis.analysis_old import Cell, differences, points, summaries, verdict, winner


def cells(gaps: dict[Strategy, list[float]], shift: str = "as it is") -> list[Cell]:
    base = [0.80, 0.82, 0.78, 0.85, 0.81]
    made = [Cell("source", shift, seed, value) for seed, value in enumerate(base)]
    for strategy, values in gaps.items():
        made += [Cell(strategy, shift, seed, base[seed] + gap) for seed, gap in enumerate(values)]
    return made


BETTER = [0.05, 0.06, 0.055, 0.045, 0.05]
NOISE = [0.01, -0.02, 0.005, -0.01, 0.015]


def test_a_summary_is_the_mean_with_students_interval() -> None:
    (summary,) = summaries(cells({}))
    values = [0.80, 0.82, 0.78, 0.85, 0.81]
    low, high = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    assert summary.accuracy.estimate == pytest.approx(np.mean(values))
    assert summary.accuracy.low == pytest.approx(low)
    assert summary.accuracy.high == pytest.approx(high)
    assert summary.seeds == 5


def test_differences_are_paired_by_seed_and_adjusted_over_everything_compared() -> None:
    found = {item.strategy: item for item in differences(cells({"target": BETTER, "none": NOISE}))}
    p_values = [stats.ttest_1samp(gaps, 0.0).pvalue for gaps in (BETTER, NOISE)]
    assert found["target"].p_adjusted == pytest.approx(2 * min(p_values))
    assert found["target"].accuracy.estimate == pytest.approx(np.mean(BETTER))
    assert found["target"].shown
    assert not found["none"].shown


def test_the_order_of_the_cells_and_missing_seeds_do_not_break_the_pairing() -> None:
    shuffled = cells({"target": BETTER})[::-1]
    assert differences(shuffled)[0].accuracy.estimate == pytest.approx(np.mean(BETTER))
    without = [cell for cell in shuffled if not (cell.strategy == "source" and cell.seed == 0)]
    assert differences(without)[0].accuracy.estimate == pytest.approx(np.mean(BETTER[1:]))


def test_the_verdict_names_what_is_shown_and_no_more() -> None:
    compared = differences(cells({"target": BETTER, "none": NOISE}))
    sentence = verdict("as it is", compared, 5)
    assert sentence.startswith("target is better than source by 5.2 points (")
    assert "no difference shown for none" in sentence
    quiet = verdict("as it is", differences(cells({"none": NOISE})), 5)
    assert quiet.startswith("No difference to source shown: over 5 seeds")
    worse = verdict("as it is", differences(cells({"target": [-gap for gap in BETTER]})), 5)
    assert "target is worse than source by 5.2 points" in worse


def test_the_winner_is_source_unless_another_is_shown_to_be_better() -> None:
    assert winner("as it is", differences(cells({"none": NOISE}))) == "source"
    assert winner("as it is", differences(cells({"target": BETTER, "none": NOISE}))) == "target"
    assert winner("as it is", differences(cells({"target": [-gap for gap in BETTER]}))) == "source"
    assert winner("elsewhere", differences(cells({"target": BETTER}))) == "source"


def test_under_the_null_a_difference_is_shown_in_no_more_than_the_nominal_share_of_studies() -> None:
    generator = np.random.default_rng(0)
    names: tuple[Strategy, ...] = ("target", "match", "blend", "none")
    shown = 0
    for _ in range(400):
        gaps = {name: generator.normal(0, 0.02, 5).tolist() for name in names}
        shown += any(item.shown for item in differences(cells(gaps)))
    assert shown / 400 < 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5


def test_points_carry_their_sign() -> None:
    assert points(0.0123) == "+1.2"
    assert points(-0.1) == "-10.0"
