from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tare.errors import DataError, OutputError, StrategyError, TareError
from tare.studying.analysis.answer import answer
from tare.studying.cells.pretraining import pretrain_together
from tare.studying.execution import kept as keeping
from tare.studying.execution import processes as executing
from tare.studying.execution import running
from tare.studying.execution.kept import kept_network
from tare.studying.execution.running import Stopped, missing_cells, open_study, read_study, run_study
from tare.studying.execution.store import Store
from tare.studying.plan import StudyPlan, plan_of

SMALL = {"study": "signals", "networks": "mlp-none", "sizes": [10, 20], "strategies": ["source", "target"], "seeds": 2}


def small(**changes: Any) -> StudyPlan:
    return plan_of({**SMALL, **changes})


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study") / "out"
    run_study(small(), folder, workers=1, command="tare study signals")
    return folder


def test_a_study_keeps_every_cell_and_says_what_it_found(done: Path) -> None:
    run = read_study(done)
    assert len(run.rows) == run.plan.number == 24
    assert run.failed == 0
    assert run.command == "tare study signals"
    assert run.versions["tare"]
    assert {(item.shift, item.strategy) for item in run.fed} >= {("content", "source"), ("units:10", "target")}
    assert len(answer(run.analysis)) == 2
    assert missing_cells(small(), done) == 0


def test_running_it_again_measures_nothing_and_changes_no_byte(done: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (done / "results.parquet").read_bytes()
    monkeypatch.setattr(running, "measure_unit", None)
    assert run_study(small(), done, workers=1).measured == 0
    assert (done / "results.parquet").read_bytes() == before


@pytest.mark.long
def test_two_processes_give_the_same_bytes(done: Path, tmp_path: Path) -> None:
    assert run_study(small(), tmp_path, workers=2).measured == 24
    assert (tmp_path / "results.parquet").read_bytes() == (done / "results.parquet").read_bytes()


@pytest.mark.long
def test_ray_gives_the_same_bytes(done: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    run_study(small(), tmp_path, workers=2, engine="ray")
    assert (tmp_path / "results.parquet").read_bytes() == (done / "results.parquet").read_bytes()


@pytest.mark.parametrize(
    ("change", "new"),
    [({"seeds": 3}, 12), ({"sizes": [10, 15, 20]}, 12), ({"strategies": ["source", "target", "none"]}, 12)],
)
def test_an_extended_study_measures_only_what_is_new(tmp_path: Path, change: dict[str, Any], new: int) -> None:
    run_study(small(), tmp_path, workers=1)
    plan = small(**change)
    assert missing_cells(plan, tmp_path) == new
    run = run_study(plan, tmp_path, workers=1)
    assert (run.measured, len(run.rows)) == (new, plan.number)


def test_an_extended_study_has_the_bytes_of_one_run_at_once(done: Path, tmp_path: Path) -> None:
    run_study(small(sizes=20), tmp_path, workers=1)
    run_study(small(), tmp_path, workers=1)
    assert (tmp_path / "results.parquet").read_bytes() == (done / "results.parquet").read_bytes()


def test_cells_are_the_same_of_a_network_just_pretrained_and_of_one_that_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "pretrain_together", partial(pretrain_together, epochs=1))
    plan = plan_of({"study": "digits", "networks": ["cnn-batch", "cnn-layer"], "sizes": 20, "shifts": "gain:0.5", "seeds": 2})
    run_study(plan, tmp_path, workers=1)
    before = (tmp_path / "results.parquet").read_bytes()
    shutil.rmtree(tmp_path / "cells")
    monkeypatch.setattr(keeping, "pretrain_together", None)
    assert run_study(plan, tmp_path, workers=1).measured == plan.number
    assert (tmp_path / "results.parquet").read_bytes() == before


def test_units_come_one_shift_after_the_other_so_that_no_two_workers_pretrain_one_network(tmp_path: Path) -> None:
    plan = small(shifts=["content", "units:10"], seeds=3)
    units = running._units(plan, tmp_path, {"mlp-none": ""}, plan.cells())
    assert [(unit.cells[0].shift, unit.cells[0].seed) for unit in units] == [
        (shift, seed) for shift in ("content", "units:10") for seed in range(3)
    ]
    assert sum(len(unit.cells) for unit in units) == plan.number


def test_what_is_damaged_is_measured_again(done: Path, tmp_path: Path) -> None:
    run_study(small(), tmp_path, workers=1)
    next((tmp_path / "cells").glob("*.json")).write_text("{")
    for path in (tmp_path / "networks").glob("*"):
        path.write_bytes(b"odd")
    assert 0 < run_study(small(), tmp_path, workers=1).measured < 24
    assert (tmp_path / "results.parquet").read_bytes() == (done / "results.parquet").read_bytes()


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("plan.json", {"study": "../../x"}, "a plan of the study"),
        ("plan.json", {"sizes": "many"}, "sizes: a list of"),
        ("plan.json", {"seeds": [1]}, "seeds: a positive whole number"),
        ("plan.json", {"margin": "wide"}, "margin: a positive number"),
        ("plan.json", {"shifts": [["content"]]}, "shifts: a list of"),
        ("summary.json", {"fed": "x"}, "a finished study"),
        ("results.parquet", {}, "a column 'network'"),
    ],
)
def test_what_was_changed_into_no_study_is_not_read(
    done: Path, tmp_path: Path, name: str, change: dict[str, Any], message: str
) -> None:
    shutil.copytree(done, tmp_path / "out")
    if name.endswith("parquet"):
        pl.DataFrame({"a": [1, 2]}).write_parquet(tmp_path / "out" / name)
    else:
        document = json.loads((tmp_path / "out" / name).read_text())
        (tmp_path / "out" / name).write_text(json.dumps({**document, **change}))
    with pytest.raises(TareError, match=message):
        read_study(tmp_path / "out")


def test_a_summary_that_is_nested_without_end_is_not_read(done: Path, tmp_path: Path) -> None:
    shutil.copytree(done, tmp_path / "out")
    (tmp_path / "out" / "summary.json").write_text("[" * 100_000)
    with pytest.raises(OutputError, match="a finished study"):
        read_study(tmp_path / "out")


def test_a_study_that_was_killed_before_it_wrote_its_plan_is_begun_again(done: Path, tmp_path: Path) -> None:
    for name in ("cells", "networks"):
        (tmp_path / name).mkdir()
    (tmp_path / ".plan.json.tare-a1b2c3d4.part").write_text("{")
    assert run_study(small(), tmp_path, workers=1).measured == 24
    assert (tmp_path / "results.parquet").read_bytes() == (done / "results.parquet").read_bytes()
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_strategies_that_feed_the_same_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    message = r"strategies that feed the network different tensors, found 'match' and 'target' feed the same under .*'content'"
    with pytest.raises(StrategyError, match=message):
        run_study(small(strategies=["source", "target", "match"]), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_cells_that_fail_are_recorded_told_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(task: Any, store: Any, inputs: str, network: str, seed: int) -> Any:
        if seed == 1:
            raise RuntimeError("no such luck")
        return kept_network(task, store, inputs, network, seed)

    monkeypatch.setattr(running, "kept_network", broken)
    run = run_study(small(seeds=3), tmp_path, workers=1)
    assert run.failed == 12
    assert {row["error"] for row in run.rows if row["seed"] == 1} == {"RuntimeError: no such luck"}
    assert "12 cells are missing; their results are not known." in run.analysis.sentences
    monkeypatch.undo()
    again = run_study(small(seeds=3), tmp_path, workers=1)
    assert (again.measured, again.failed) == (12, 0)


def test_a_study_of_which_every_cell_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("no such luck")

    monkeypatch.setattr(running, "kept_network", broken)
    with pytest.raises(DataError, match="expected a cell that can be measured, found RuntimeError: no such luck; repair"):
        run_study(small(), tmp_path, workers=1)


def test_a_full_disk_is_one_line_and_what_was_kept_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep, kept = Store.keep, list[str]()

    def full(store: Any, name: str, rows: Any) -> None:
        if len(kept) == 2:
            raise OutputError("a place that can be written", "No space left on device", "free it")
        kept.append(name)
        keep(store, name, rows)

    monkeypatch.setattr(Store, "keep", full)
    with pytest.raises(OutputError, match="No space left on device"):
        run_study(small(), tmp_path, workers=2)
    monkeypatch.undo()
    assert run_study(small(), tmp_path, workers=1).measured == 24 - 8


def test_the_first_interrupt_finishes_what_is_under_way_and_the_same_command_goes_on(done: Path, tmp_path: Path) -> None:
    seen: list[int] = []

    @contextmanager
    def watch(total: int) -> Iterator[Callable[[Sequence[Any], float | None], None]]:
        def tell(rows: Sequence[Any], left: float | None) -> None:
            seen.append(len(rows))
            assert left is not None
            assert left > 0
            if len(seen) == 2:
                os.kill(os.getpid(), signal.SIGINT)

        assert total == 24
        yield tell

    with pytest.raises(Stopped, match=r"8 of 24 cells are kept in .*; the same command goes on from there"):
        run_study(small(), tmp_path, workers=1, watch=watch)
    assert run_study(small(), tmp_path, workers=1).measured == 16
    assert (tmp_path / "results.parquet").read_bytes() == (done / "results.parquet").read_bytes()


def test_the_second_interrupt_is_one() -> None:
    with executing.stoppable() as stopping:
        stopping.ask()
        assert stopping.asked
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.long
@pytest.mark.parametrize("workers", [1, 2])
def test_a_study_that_is_killed_loses_no_cell_and_repeats_none_that_was_kept(done: Path, tmp_path: Path, workers: int) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom tare.studying.plan import plan_of\n"
        "from tare.studying.execution.running import run_study\n"
        f"if __name__ == '__main__': run_study(plan_of({SMALL!r}), Path(sys.argv[1]), workers={workers})"
    )
    script = tmp_path / "study.py"
    script.write_text(program)
    out = tmp_path / "out"
    child = subprocess.Popen([sys.executable, str(script), str(out)], start_new_session=True)  # noqa: S603
    deadline = time.monotonic() + 120
    while not list(out.glob("cells/*.json")) and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    child.kill()
    child.wait()
    _wait_for_group(child.pid)
    kept = len(Store(out).done())
    assert kept > 0
    assert run_study(small(), out, workers=1).measured == 24 - kept
    assert (out / "results.parquet").read_bytes() == (done / "results.parquet").read_bytes()


def _wait_for_group(group: int) -> None:
    """Workers end with their parent, however it ends."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("processes of the killed study are still there")


def test_what_is_no_finished_study_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a study's directory, with a plan\.json, found no readable plan\.json"):
        read_study(tmp_path)
    Store(tmp_path).begin(small().to_json())
    with pytest.raises(OutputError, match=r"a finished study, found no readable summary\.json"):
        read_study(tmp_path)


def without(done: Path, folder: Path, *, cells: int) -> Path:
    """A copy of the study as it was before its end: without a summary, and without ``cells`` files of results."""
    shutil.copytree(done, folder)
    for name in ("summary.json", "results.parquet"):
        (folder / name).unlink()
    for path in sorted((folder / "cells").iterdir())[:cells]:
        path.unlink()
    return folder


def test_of_a_study_that_is_not_finished_what_is_measured_is_read(done: Path, tmp_path: Path) -> None:
    assert open_study(done).missing == 0
    whole = open_study(without(done, tmp_path / "whole", cells=0))
    assert whole.missing == 0
    assert whole.rows == read_study(done).rows
    half = open_study(without(done, tmp_path / "half", cells=1))
    assert 0 < half.missing < half.plan.number
    assert len(half.rows) == half.plan.number - half.missing
    assert set(map(str, half.rows)) < set(map(str, whole.rows))
    assert f"{half.missing} not measured yet" in half.summary()


def test_a_finished_study_whose_plan_was_extended_is_not_finished(done: Path, tmp_path: Path) -> None:
    shutil.copytree(done, tmp_path / "out")
    Store(tmp_path / "out").begin(small(seeds=3).to_json())
    found = open_study(tmp_path / "out")
    assert (found.plan.number, found.missing, len(found.rows)) == (36, 12, 24)


def test_a_study_that_was_begun_again_with_other_inputs_is_not_finished_as_before(
    done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(done, tmp_path / "out")
    monkeypatch.setattr(running, "_EDITION", -1)
    keep, kept = Store.keep, list[str]()

    def full(store: Any, name: str, rows: Any) -> None:
        if kept:
            raise OutputError("a place that can be written", "No space left on device", "free it")
        kept.extend(rows)
        keep(store, name, rows)

    monkeypatch.setattr(Store, "keep", full)
    with pytest.raises(OutputError, match="No space left on device"):
        run_study(small(), tmp_path / "out", workers=1)
    found = open_study(tmp_path / "out")
    assert len(found.rows) == len(kept) == 24 - found.missing


def test_a_study_without_a_first_comparison_has_no_page(done: Path, tmp_path: Path) -> None:
    folder = without(done, tmp_path / "out", cells=99)
    with pytest.raises(OutputError, match="a study with a first comparison, found 0 of 24 cells measured"):
        open_study(folder)
