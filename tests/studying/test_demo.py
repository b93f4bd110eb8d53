from __future__ import annotations

import json
from pathlib import Path

import pytest

from tare.normalisation.names import STRATEGIES
from tare.reporting.demo import write_page
from tare.studying.demo import DemoResult, run_demo
from tare.system.progress import SILENT


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> DemoResult:
    return run_demo(tmp_path_factory.mktemp("demo"), SILENT, seeds=2)


def test_every_cell_is_there_once(result: DemoResult) -> None:
    keys = [(cell.strategy, cell.shift, cell.seed) for cell in result.cells]
    assert len(keys) == len(set(keys)) == len(STRATEGIES) * 2 * 2
    assert {cell.strategy for cell in result.cells} == set(STRATEGIES)


def test_the_strategies_feed_what_they_promise(result: DemoResult) -> None:
    for view in result.views:
        if view.normalisation.strategy in ("target", "sample"):
            assert view.fed_mean == pytest.approx(0, abs=1e-5)
            assert view.fed_std == pytest.approx(1, abs=1e-5)
    assert result.same_inputs == {shift: {} for shift in result.verdicts}


def test_the_saved_model_gives_the_same_outputs_when_loaded_back(result: DemoResult) -> None:
    assert result.saved.reload_difference == 0.0
    assert result.saved.accuracy > 0.5


@pytest.mark.long
def test_the_numbers_are_the_same_twice(result: DemoResult, tmp_path: Path) -> None:
    assert run_demo(tmp_path, SILENT, seeds=2).cells == result.cells


def test_the_page_is_self_contained_and_the_json_whole(result: DemoResult, tmp_path: Path) -> None:
    write_page(result, tmp_path / "report.html", "tare demo")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<link" not in page
    assert 'src="http' not in page
    document = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert document["schema"] == "tare.demo/1"
    assert len(document["cells"]) == len(result.cells)
