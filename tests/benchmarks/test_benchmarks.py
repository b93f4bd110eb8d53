"""What the benchmarks do with figures and with peers that are not there; no time is judged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import benchmarks.__main__ as command
import pytest
from benchmarks.harness import Absent, Outcome, Result, Setting, compared, guarded, peer
from benchmarks.rows import ROWS
from benchmarks.scale import Figures, page_of
from benchmarks.scale_costs import Kind, merging, sampled
from benchmarks.scale_ray import TwoNodes
from benchmarks.table import write_page

from tare.samples.records import Sample
from tare.statistics.state import DatasetState
from tests.images import random_rgb

DONE = Result("a", "b / c", (2.0, 4.0, 3.0), 0.3, 0.1, "s", ">= 2.5")


def test_a_goal_is_met_or_missed_by_the_median() -> None:
    assert DONE.median == 3.0
    assert DONE.met() is True
    assert Result("a", "b", (2.0, 4.0, 2.2), 1, 1, "s", ">= 2.5").met() is False
    assert Result("a", "b", (1.1,), 1, 1, "MB", "<= 1.2").met() is True
    assert Result("a", "b", (1.1,), 1, 1, "s").met() is None


def turns(setting: Setting, rounds: int | None = None) -> tuple[list[str], Result]:
    calls: list[str] = []
    peer, own = (lambda: calls.append("peer")), (lambda: calls.append("tare"))
    return calls, compared("x", peer, own, setting, ratio_of="peer / tare", rounds=rounds)


def test_both_sides_take_turns_and_the_first_call_is_not_counted(tmp_path: Path) -> None:
    calls, result = turns(Setting(tmp_path, None, quick=False, workers=1), rounds=2)
    assert calls == ["peer", "tare", "peer", "tare", "tare", "peer"]
    assert len(result.ratios) == 2


def test_quickly_each_side_runs_once(tmp_path: Path) -> None:
    assert turns(Setting(tmp_path, None, quick=True, workers=1), rounds=5)[0] == ["peer", "tare"]


def test_a_peer_that_is_not_installed_is_one_line() -> None:
    assert list(peer("x", ["json", "no_such_library"], lambda: iter([DONE]))) == [Absent("x", "not installed")]
    assert list(peer("x", ["json"], lambda: iter([DONE]))) == [DONE]


def test_a_peer_that_fails_is_one_line_after_what_it_gave() -> None:
    def broken() -> Iterator[Outcome]:
        yield DONE
        raise ValueError("first line\nsecond")

    assert list(guarded("x", broken)) == [DONE, Absent("x", "failed: ValueError: first line", failure=True)]


def test_names_of_groups_are_unique() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)


def figure(outcome: Outcome, group: str = "g", machine: str = "m") -> dict[str, Any]:
    shown = {"group": group, "machine": machine, **asdict(outcome)}
    return {**shown, "median": outcome.median, "met": outcome.met()} if isinstance(outcome, Result) else shown


def test_the_page_gets_the_figures_between_its_marks_and_keeps_the_rest(tmp_path: Path) -> None:
    page, marks = tmp_path / "page.md", ("<!-- figures: written by python -m benchmarks --write -->", "<!-- end of figures -->")
    page.write_text(f"before\n{marks[0]}\nold\n{marks[1]}\nafter\n")
    for _ in range(2):  # writing again changes nothing
        write_page(page, tmp_path / "page.svg", [figure(DONE), figure(Absent("peer", "not installed"))])
        text = page.read_text()
        assert text.startswith(f"before\n{marks[0]}\nMeasured on m.")
        assert text.endswith(f"{marks[1]}\nafter\n")
        assert "old" not in text
        assert "| g | a | b / c | 3.00 | 2.00 to 4.00 | >= 2.5, met | 300 ms | 100 ms |" in text
        assert "| g | peer | not installed |" in text
    assert (tmp_path / "page.svg").read_text().startswith("<svg")


def test_a_page_without_marks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("text")
    with pytest.raises(ValueError, match="expected the marks"):
        write_page(tmp_path / "page.md", tmp_path / "page.svg", [])


def figures(kind: Kind, *, merge: float, task: float) -> Figures:
    merges = ((merge, merge * 4, merge * 16, merge * 64, merge * 256, merge * 1024),)
    return Figures((kind,), merges, (), 0.0, task, TwoNodes(2, (1, 1), 1, True, 0.0, 0.0), 1.0, 1, 150)


def test_computed_time_is_that_of_the_slower_of_readers_and_sender() -> None:
    model = figures(Kind("k", 100, None, 0.01, ()), merge=0.01, task=0.04)
    assert model.seconds(model.kinds[0], 1_000, 1) == pytest.approx(10 + 10 * 0.01)
    assert model.seconds(model.kinds[0], 1_000, 2) == pytest.approx(5.0)
    assert model.limit(model.kinds[0]) == pytest.approx(20)
    assert model.seconds(model.kinds[0], 100_000, 20) == pytest.approx(50)
    assert model.seconds(model.kinds[0], 100_000, 1_000) == pytest.approx(50)


def test_a_study_is_as_long_as_the_tasks_of_one_worker() -> None:
    model = figures(Kind("k", 100, None, 0.01, ()), merge=0.01, task=0.04)  # a second a cell, 150 cells a task
    assert model.study(300, 1) == pytest.approx(300)
    assert model.study(1_500, 4) == pytest.approx(3 * 150)
    assert model.study(1_500, 1_000) == pytest.approx(150)
    assert model.study(30, 1_000) == pytest.approx(30)


def test_generated_streams_cost_the_same_at_any_size() -> None:
    small, large = (sampled(total, 3, 0.02)[0] for total in (10**5, 10**9))
    assert max(large) < 5_000
    assert sum(large) == pytest.approx(sum(small), rel=0.2)


def test_merging_takes_states_and_some_time() -> None:
    state = DatasetState.of([Sample("a", random_rgb(0, 4, 4))])
    assert merging([state], 5, 1) > 0


def test_the_page_of_scale_shows_what_was_measured_and_what_follows() -> None:
    state = DatasetState.of([Sample("a", random_rgb(0, 4, 4))])
    kind = Kind("photographs", 100, 0.008, 0.01, (state,))
    nodes = TwoNodes(2, (30, 34), 64, True, 9.0, 0.5)
    page = page_of(Figures((kind,), ((1e-4,) * 6,), ((10_000, [700, 900], 0.05),), 9.5, 0.002, nodes, 0.02, 800, 150))
    assert "| photographs | 8 ms | 10 ms | 0.80 | 100 |" in page
    assert "| 10,000 | 800 (700 to 900) | 8% | 50 ms | 8.05 s |" in page
    words = " ".join(page.split())
    assert "of 64 short tasks they ran 30 and 34; every figure equals the local engine's to the last bit" in words
    assert "| 1,000,000 | 5.56 h |" in page
    assert "{" not in page


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty page that figures are put on."""
    page = tmp_path / "page.md"
    page.write_text("<!-- figures: written by python -m benchmarks --write -->\n<!-- end of figures -->\n")
    monkeypatch.setattr(command, "_PAGE", page)
    monkeypatch.setattr(command, "_KEPT", tmp_path / "figures.json")
    return page


def test_what_was_measured_elsewhere_stays_and_is_said_to_be_from_there(written: Path) -> None:
    command._write([figure(DONE, "accelerator", "a large machine")])
    here = [figure(Absent("on it", "no device here"), "accelerator"), figure(DONE, "watch"), figure(DONE, "study")]
    command._write(here)
    text = written.read_text()
    assert "Measured on m. The group accelerator: on a large machine." in text
    assert "| accelerator | a | b / c | 3.00 |" in text
    assert "no device here" not in text


def test_a_group_that_was_never_measured_says_why_and_one_that_fails_now_says_so(written: Path) -> None:
    command._write([figure(Absent("on it", "no device here"), "accelerator"), figure(DONE, "watch")])
    assert "| accelerator | on it | no device here |" in written.read_text()
    command._write([figure(Absent("watch", "failed: ValueError: x", failure=True), "watch")])
    assert "| watch | watch | failed: ValueError: x |" in written.read_text()


def test_figures_of_another_machine_are_merged_and_quick_ones_refused(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "there.json"
    monkeypatch.setattr("sys.argv", ["benchmarks", "--merge", str(file)])
    file.write_text(json.dumps({"quick": False, "rows": [figure(DONE, "accelerator", "there")]}))
    command.main()
    assert "Measured on there." in written.read_text()
    file.write_text(json.dumps({"quick": True, "rows": []}))
    with pytest.raises(SystemExit, match="2"):
        command.main()
