from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner, Result

from tare.cli.main import app
from tare.errors import TareError

SMALL = ("signals", "--networks", "mlp-none", "--sizes", "10,20", "--strategies", "source,target", "--seeds", "2")


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    from tare.reporting import console

    monkeypatch.setattr(console.out, "_width", 80)
    monkeypatch.setattr(console.err, "_width", 80)


def run(*arguments: str | Path, command: str = "study") -> Result:
    return CliRunner().invoke(app, [command, *map(str, arguments)])


def squeezed(result: Result) -> str:
    return " ".join(result.output.split())


def test_a_dry_run_says_what_would_be_measured_and_writes_nothing(tmp_path: Path) -> None:
    result = run(*SMALL, "--dry-run", "--out", tmp_path / "new")
    assert result.exit_code == 0
    assert "24 cells, each tested on 142 samples; about" in squeezed(result)
    assert not (tmp_path / "new").exists()
    document = json.loads(run(*SMALL, "--dry-run", "--json").stdout)
    assert (document["schema"], document["cells"], document["missing"]) == ("tare.plan/1", 24, 24)
    assert document["estimated_seconds"] > 0


def test_a_study_prints_its_answer_and_writes_table_summary_and_page(tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run(*SMALL, "--out", out, "--workers", "1")
    assert result.exit_code == 0
    assert "Where raw values mean the same in both datasets" in squeezed(result)
    assert all(len(line) <= 80 for line in result.output.splitlines() if "│" in line or "─" in line)
    table = pl.read_parquet(out / "results.parquet")
    assert table.height == 24
    assert table.columns[:7] == ["network", "protocol", "batchnorm", "shift", "size", "strategy", "seed"]
    assert json.loads((out / "summary.json").read_text())["schema"] == "tare.study/1"
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<h1>Where raw values mean the same in both datasets" in page
    assert "Unfinished" not in page
    again = run(*SMALL, "--out", out, "--workers", "1", "--json")
    assert json.loads(again.stdout)["cells"] == 24

    (out / "report.html").unlink()
    pictures = tmp_path / "a.png", tmp_path / "a.svg"
    shown = run(out, "--png", pictures[0], "--svg", pictures[1], command="report")
    assert shown.exit_code == 0
    assert (out / "report.html").read_text(encoding="utf-8") == page
    assert pictures[0].read_bytes().startswith(b"\x89PNG")
    drawing = pictures[1].read_text(encoding="utf-8")
    assert drawing.startswith("<svg")
    assert drawing.count('aria-roledescription="point"') == 3 * 2 * 2 + 2  # shifts, strategies, sizes; and the legend

    other = run("digits", "--out", out)
    assert isinstance(other.exception, TareError)
    assert "found networks: ['mlp-none'] there" in str(other.exception)


def test_a_plan_file_is_read_and_options_replace_its_keys(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("study: signals\nnetworks: mlp\nsizes: [20]\nseeds: 4\n")
    document = json.loads(run(plan, "--seeds", "3", "--shifts", "content", "--dry-run", "--json").stdout)
    assert (document["seeds"], document["shifts"], document["sizes"], document["cells"]) == (3, ["content"], [20], 12)


def test_failed_cells_are_exit_code_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tare.studying.cells import cell

    def broken(strategy: str, *rest: object) -> object:
        if strategy == "target":
            raise RuntimeError("<b>odd</b>")
        return chosen(strategy, *rest)  # type: ignore[arg-type]

    chosen = cell.cell_normalisation
    monkeypatch.setattr(cell, "cell_normalisation", broken)
    result = run(*SMALL, "--strategies", "source,target,none", "--out", tmp_path, "--workers", "1")
    assert result.exit_code == 1
    assert "12 of 36 cells failed and are missing from every figure here: RuntimeError: <b>odd</b>." in squeezed(result)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;odd&lt;/b&gt;" in page
    assert "<b>odd" not in page


def test_an_interrupt_is_exit_code_130_and_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tare.studying.execution import running

    def stopped(*_: object, **__: object) -> None:
        raise running.Stopped(tmp_path, 8, 24)

    monkeypatch.setattr(running, "run_study", stopped)
    result = run(*SMALL, "--out", tmp_path)
    assert result.exit_code == 130
    assert "the same command goes on from there" in squeezed(result)


def test_a_table_from_elsewhere_is_analysed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(0.8, 0.03, 12)
    rows = [
        {"method": name, "top1": base[pair] + effect + rng.normal(0, 0.004), "fold": pair % 4, "run": pair // 4}
        for name, effect in (("frozen", 0.0), ("adapted", 0.05))
        for pair in range(12)
    ]
    pl.DataFrame(rows).write_csv(tmp_path / "r.csv")
    options = ("--analyse", tmp_path / "r.csv", "--strategy-column", "method", "--score-column", "top1")
    result = run(*options, "--pair-columns", "fold,run", "--baseline", "frozen")
    assert result.exit_code == 0
    assert "adapted: better than frozen (by 5." in squeezed(result)
    document = json.loads(run(*options, "--pair-columns", "fold,run", "--baseline", "frozen", "--json").stdout)
    assert document["schema"] == "tare.analysis/1"
    assert document["contrasts"][0]["statement"] == "better"

    twice = run(*options, "--pair-columns", "fold", "--baseline", "frozen")
    assert "one row per strategy and pair, found two rows for frozen at fold" in str(twice.exception)
    wrong = run(*options, "--pair-columns", "flod", "--baseline", "frozen")
    assert "a column 'flod'" in str(wrong.exception)
    assert "did you mean fold" in str(wrong.exception)
    base_missing = run(*options, "--pair-columns", "fold,run")
    assert "scores of the baseline 'source'" in str(base_missing.exception)


def losses(path: Path) -> Path:
    rng = np.random.default_rng(1)
    means = {"source": 0.5, "target": 0.8, "match": 0.502}
    cells = [(name, mean, seed) for name, mean in means.items() for seed in range(8)]
    rows = [{"strategy": name, "loss": mean + rng.normal(0, 0.005), "seed": seed} for name, mean, seed in cells]
    pl.DataFrame(rows).write_csv(path)
    return path


def test_a_table_of_losses_is_analysed_in_their_direction(tmp_path: Path) -> None:
    options = ("--analyse", losses(tmp_path / "r.csv"), "--score-column", "loss")
    lower = json.loads(run(*options, "--lower", "loss", "--json").stdout)
    assert (lower["lower"], lower["unit"], lower["score"]) == (True, "", "loss")
    assert {item["strategy"]: item["statement"] for item in lower["contrasts"]}["target"] == "worse"
    assert lower["margin"] == pytest.approx(0.005, rel=0.02)  # one percent of the baseline's mean
    text = squeezed(run(*options, "--lower", "loss"))
    assert "target: worse than source (by 0.299," in text
    assert "points" not in text
    table = pl.read_csv(tmp_path / "r.csv").with_columns(pl.col("loss") + 3)
    table.write_csv(tmp_path / "snr.csv")
    found = json.loads(run("--analyse", tmp_path / "snr.csv", "--score-column", "loss", "--margin", "2", "--json").stdout)
    assert found["margin"] == pytest.approx(0.07, rel=0.02)  # as of scores of one's own function
    wrong = run(*options, "--lower", "lss")
    assert "expected 'loss' alone for --lower, which is the score, found 'lss'" in str(wrong.exception)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--seeds", "4"), "--seeds"),
        (("--evaluate", "score.py:score", "--strategies", "target"), "--strategies, --evaluate"),
        (("digits",), "plan"),
        (("--out", "there", "--dry-run"), "--out, --dry-run"),
        (("--model", "timm:resnet18"), "--model"),
        (("--workers", "2"), "--workers"),
    ],
)
def test_what_an_analysis_of_a_table_does_not_use_is_refused(tmp_path: Path, arguments: tuple[str, ...], found: str) -> None:
    result = run("--analyse", losses(tmp_path / "r.csv"), "--score-column", "loss", *arguments)
    assert isinstance(result.exception, TareError)
    assert result.exception.found == found


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), r"a study to run, or --analyse TABLE, found neither"),
        (("signals",), r"a directory for the study, found no --out"),
        (("signals", "--sizes", "20,x", "--out", "o"), r"whole numbers with commas for --sizes, found 'x'"),
        (
            ("--data", "photos/", "--model", "timm:resnet18", "--mean", "a", "--out", "o"),
            r"numbers or the name of a catalog entry after --mean, found 'a",
        ),
        (("nothing.yaml", "--out", "o"), r"a readable YAML plan, found 'nothing\.yaml'"),
        (("--analyse", "nothing.csv"), r"a readable table of results, found 'nothing\.csv'"),
        (("digts", "--out", "o"), r"a study: digits, signals, found 'digts'; did you mean digits"),
    ],
)
def test_unusable_input_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, TareError)
    with pytest.raises(TareError, match=message):
        raise result.exception


def test_a_picture_of_no_known_kind_is_refused(tmp_path: Path) -> None:
    run(*SMALL, "--shifts", "content", "--out", tmp_path / "s", "--workers", "1")
    result = run(tmp_path / "s", "--png", tmp_path / "a.gif", command="report")
    assert "a picture that ends in .png or .svg" in str(result.exception)


def own_study(folder: Path, body: str) -> tuple[str, ...]:
    np.save(folder / "x.npy", np.random.default_rng(0).normal(3, 2, (40, 2)))
    (folder / "own.py").write_text(f"def score(mean, std, train, seed):\n    {body}\n")
    given = ("--data", f"{folder / 'x.npy'}", "--mean", "0", "--std", "1", "--seeds", "3", "--workers", "1")
    return ("--evaluate", f"{folder / 'own.py'}:score", *given, "--out", f"{folder / 'out'}")


def test_a_function_of_the_users_is_studied_and_its_page_is_drawn_again(tmp_path: Path) -> None:
    asked = own_study(tmp_path, "print('noise'); return {'<b>quality': mean[0] / 10, 'loss': 5 - mean[0] + seed / 1000}")
    result = run(*asked, "--lower", "loss", "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert [document["analysis"]["score"], document["further"][0]["score"]] == ["<b>quality", "loss"]
    assert document["further"][0]["lower"]
    assert {item["statement"] for item in document["further"][0]["contrasts"]} == {"better"}
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "A lower loss is better" in page
    assert page.count('id="search"') == page.count('id="count"') == 1
    assert page.count('<table class="sorted">') == 2
    assert "<b>quality" not in page.replace("&lt;b&gt;quality", "")
    assert "&lt;b&gt;quality" in page
    (tmp_path / "out" / "report.html").unlink()
    again = run(tmp_path / "out", command="report")
    assert again.exit_code == 0
    assert "6 cells" in squeezed(again)
    assert (tmp_path / "out" / "report.html").exists()


def test_trials_that_fail_leave_with_1_and_nothing_to_judge_with_2(tmp_path: Path) -> None:
    some = run(*own_study(tmp_path, "return mean[0] + seed if seed else 1 / 0"))
    assert some.exit_code == 1
    assert "2 of 6 cells failed and are missing from every figure here: ZeroDivisionError" in squeezed(some)
    none = run(*own_study(tmp_path, "return 1 / 0"))
    assert isinstance(none.exception, TareError)
    assert "a score from at least one trial, found ZeroDivisionError: division by zero" in str(none.exception)


def test_a_dry_run_of_a_function_tries_it_once_and_keeps_nothing(tmp_path: Path) -> None:
    result = run(*own_study(tmp_path, "return mean[0]"), "--dry-run")
    assert "6 cells, each tested on 20 samples; about" in squeezed(result)
    assert not (tmp_path / "out").exists()
    failing = run(*own_study(tmp_path, "raise RuntimeError('no data')"), "--dry-run")
    assert "a function that gives a score, found RuntimeError: no data" in str(failing.exception)


def test_a_study_is_asked_by_a_file_and_repeated_from_its_plan(tmp_path: Path) -> None:
    asked = {"plan": "signals", "networks": ["mlp-none"], "shifts": "content", "sizes": [10], "seeds": 2, "workers": 1}
    file = tmp_path / "study.yaml"
    file.write_text(json.dumps({**asked, "strategies": ["source", "target"], "out": str(tmp_path / "one")}))
    assert run("--config", file, "--sizes", "20").exit_code == 0
    assert set(pl.read_parquet(tmp_path / "one" / "results.parquet")["size"]) == {20}
    assert run(tmp_path / "one" / "plan.json", "--out", tmp_path / "two", "--workers", "1").exit_code == 0
    tables = [(tmp_path / name / "results.parquet").read_bytes() for name in ("one", "two")]
    assert tables[0] == tables[1]
    file.write_text("sedes: 3\n")
    assert "did you mean seeds" in str(run("--config", file).exception)
