from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tare.normalisation.names import BASIC
from tare.reporting.demo.report import write_demo
from tare.statistics.intervals import mean_interval, spacing
from tare.studying.demo.conditions import CONDITIONS
from tare.studying.demo.result import DemoResult, ProbeScore
from tare.studying.demo.run import demo_analysis, run_demo, winner
from tare.system.progress import SILENT
from tests.studying.demo.cells import BASE, BETTER, NOISE, SHIFT, contrasts_of, probed


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> DemoResult:
    return run_demo(tmp_path_factory.mktemp("demo"), SILENT, seeds=2, real=False)


def test_every_cell_is_there_once(result: DemoResult) -> None:
    keys = [(cell.strategy, cell.shift, cell.seed) for cell in result.cells]
    assert len(keys) == len(set(keys)) == len(BASIC) * len(CONDITIONS) * 2
    assert {cell.strategy for cell in result.cells} == set(BASIC)


def test_the_strategies_feed_what_they_promise(result: DemoResult) -> None:
    for fed in result.fed:
        if fed.normalisation.strategy in ("target", "sample"):
            assert fed.fed_mean == pytest.approx(0, abs=1e-5)
            assert fed.fed_std == pytest.approx(1, abs=1e-5)
    assert set(result.same_inputs) == set(CONDITIONS)


def test_the_saved_model_gives_the_same_outputs_when_loaded_back(result: DemoResult) -> None:
    assert result.saved.reload_difference == 0.0
    assert result.saved.accuracy > 0.5


@pytest.mark.long
def test_the_numbers_are_the_same_twice(result: DemoResult, tmp_path: Path) -> None:
    assert run_demo(tmp_path, SILENT, seeds=2, real=False).cells == result.cells


def test_the_page_is_self_contained_and_the_json_whole(result: DemoResult, tmp_path: Path) -> None:
    write_demo(result, tmp_path / "report.html", "tare demo")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<link" not in page
    assert 'src="http' not in page
    document = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert document["schema"] == "tare.demo/1"
    assert len(document["cells"]) == len(result.cells)
    assert [item["seeds"] for item in document["summaries"]] == [2] * len(BASIC) * len(CONDITIONS)
    assert [(item["strategy"], item["shift"]) for item in document["differences"]][-1] == (BASIC[-1], CONDITIONS[-1])


def test_means_are_of_the_accuracies_with_students_interval() -> None:
    (mean,) = demo_analysis(probed({})).means
    error = np.hypot(stats.sem(BASE), spacing(BASE) / np.sqrt(12 * len(BASE)))
    low, high = stats.t.interval(0.95, 4, np.mean(BASE), error)
    assert mean.score.estimate == pytest.approx(np.mean(BASE))
    assert mean.score.low == pytest.approx(low)
    assert mean.score.high == pytest.approx(high)
    assert mean.pairs == 5


def test_more_than_ten_seeds_keep_their_order_on_which_the_last_bit_depends() -> None:
    rng = np.random.default_rng(0)
    values = rng.uniform(0.7, 0.9, (2, 23))
    cells = [ProbeScore("source", SHIFT, seed, value) for seed, value in enumerate(values[0])]
    cells += [ProbeScore("target", SHIFT, seed, value) for seed, value in enumerate(values[1])]
    (item,) = demo_analysis(cells).contrasts
    assert item.difference == mean_interval((values[1] - values[0]).tolist(), step=spacing(values.ravel()))


def test_the_winner_is_source_unless_another_is_shown_to_be_better() -> None:
    assert winner(SHIFT, contrasts_of({"none": NOISE})) == "source"
    assert winner(SHIFT, contrasts_of({"target": BETTER, "none": NOISE})) == "target"
    assert winner(SHIFT, contrasts_of({"target": [-gap for gap in BETTER]})) == "source"
    assert winner("elsewhere", contrasts_of({"target": BETTER})) == "source"


def test_identical_scores_have_a_p_value_of_one_in_the_json(result: DemoResult) -> None:
    same = dataclasses.replace(result, analysis=demo_analysis(probed({"target": [0.0] * 5})))
    (item,) = same.to_json()["differences"]
    assert (item["accuracy"]["estimate"], item["p_adjusted"]) == (0.0, 1.0)
