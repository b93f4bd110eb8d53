from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

import tare
from tare.errors import DataError, OutputError, SpecError, StrategyError
from tare.studying.evaluation import cells
from tare.studying.execution.running import missing_cells, read_study
from tare.studying.plan import plan_of
from tare.studying.result import StudyRun

HERE = Path(__file__).with_name("own.py")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.npy"
    np.save(path, np.random.default_rng(0).normal(3, 2, (60, 2)))
    return path


def study(rows: Path, name: str, **keys: Any) -> StudyRun:
    keys = {"mean": [0.0], "std": [1.0], "seeds": 3, "workers": 1, "out": rows.parent / "out", **keys}
    return tare.study(evaluate=f"{HERE}:{name}", data=rows, **keys)


def test_scores_are_paired_and_analysed_each_in_its_direction(rows: Path) -> None:
    run = study(rows, "distance", sizes=[10, 30], seeds=5, lower=["far"])
    assert list(run.analyses) == ["near", "far", "fed"]
    assert [len(run.rows), run.failed, run.measured] == [20, 0, 20]
    near, far = run.analyses["near"], run.analyses["far"]
    assert {item.statement for item in near.contrasts} == {item.statement for item in far.contrasts} == {"better"}
    assert far.contrasts[0].difference.estimate < 0 < near.contrasts[0].difference.estimate
    # The noise of a seed is in both of a pair, so that a difference has none of it.
    source = [row["far"] for row in run.rows if row["strategy"] == "source"]
    assert np.allclose(source, [3 + np.random.default_rng(s).normal(0, 0.01) for s in range(5) for _ in range(2)])


def test_the_constants_are_those_of_the_training_samples_and_the_layer_applies_them(rows: Path) -> None:
    run = study(rows, "plain", sizes=[20])
    values = np.load(rows)
    for row in run.rows:
        order = np.random.default_rng((row["seed"], 3)).permutation(60)
        expected = 0.0 if row["strategy"] == "source" else values[order[:20], 0].mean()
        assert row["score"] - row["seed"] == pytest.approx(expected, abs=1e-9)
        assert row["tested"] == 30


def test_a_trial_that_fails_is_marked_and_the_others_go_on(rows: Path) -> None:
    run = study(rows, "sometimes", seeds=6)
    errors = {(row["strategy"], row["seed"]): row["error"] for row in run.rows}
    assert errors["source", 0] == errors["target", 4] == ""
    assert errors["source", 1] == "RuntimeError: out of luck"
    assert errors["target", 2] == "returned the scores a, where other trials returned a, b"
    assert errors["target", 3] == "DataError: expected finite scores, found nan as 'b'; look at this trial's training"
    assert run.failed == 6
    assert run.analyses["a"].missing == 6
    assert missing_cells(run.plan, run.folder) == 6
    assert study(rows, "sometimes", seeds=6).measured == 6


def test_nothing_that_can_be_compared_is_an_error_with_the_reason(rows: Path) -> None:
    with pytest.raises(DataError, match="a score from at least one trial, found SystemExit: 3; repair the function"):
        study(rows, "never")


def test_a_function_that_writes_to_the_same_place_twice_is_told_of_its_own_folder(rows: Path) -> None:
    with pytest.raises(DataError, match=r"found FileExistsError: .*; let the function write into its parameter `folder`"):
        study(rows, "beside")


def test_every_trial_has_a_folder_of_its_own(rows: Path) -> None:
    run = study(rows, "writing", sizes=[10, 20])
    written = sorted((run.folder / "trials").glob("*/weights.txt"))
    assert len(written) == len(run.rows) == 12
    assert study(rows, "plain", out=rows.parent / "none").failed == 0
    assert not list((rows.parent / "none" / "trials").iterdir())  # what is left empty is removed


@pytest.mark.parametrize("workers", [1, 2])
def test_a_function_that_changes_the_directory_moves_no_output(rows: Path, monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    monkeypatch.chdir(rows.parent)
    Path("else/st").mkdir(parents=True)
    Path("else/st/results.parquet").write_text("somebody else's")
    run = study(rows, "moving", out="st", workers=workers)
    assert Path.cwd() == rows.parent
    assert run.failed == 0
    assert str(run.folder) == "st"
    assert {"results.parquet", "summary.json"} <= {path.name for path in Path("st").iterdir()}
    assert len(list(Path("st/trials").glob("*/weights.txt"))) == len(run.rows)
    assert [path.name for path in Path("else/st").iterdir()] == ["results.parquet"]
    assert Path("else/st/results.parquet").read_text() == "somebody else's"


def test_all_strategies_of_a_seed_draw_the_same_chance(rows: Path) -> None:
    run = study(rows, "chance")
    drawn = {name: {(row["seed"], row[name]) for row in run.rows} for name in ("python", "numpy", "torch")}
    assert all(len(pairs) == 3 and len({value for _, value in pairs}) == 3 for pairs in drawn.values())


def test_names_and_several_numbers(rows: Path) -> None:
    assert study(rows, "named").failed == 0
    run = study(rows, "several", out=rows.parent / "several")
    assert list(run.analyses) == ["score 1", "score 2"]


def test_workers_change_no_byte_and_running_again_measures_nothing(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = study(rows, "distance")
    two = study(rows, "distance", workers=2, out=rows.parent / "two")
    assert (one.folder / "results.parquet").read_bytes() == (two.folder / "results.parquet").read_bytes()
    monkeypatch.setattr(cells, "_Prepared", None)
    monkeypatch.setattr(cells, "_units", None)
    again = read_study(one.folder)
    assert again.rows == one.rows
    assert again.analyses == one.analyses


def test_more_seeds_measure_only_the_new_cells_and_another_function_all(rows: Path, tmp_path: Path) -> None:
    own = tmp_path / "mine.py"
    own.write_text("def score(mean, seed):\n    return mean[0] + seed\n")
    keys: dict[str, Any] = {"data": str(rows), "mean": [0.0], "std": [1.0], "workers": 1, "out": tmp_path / "mine"}
    assert tare.study(evaluate=f"{own}:score", seeds=2, **keys).measured == 4
    assert tare.study(evaluate=f"{own}:score", seeds=3, **keys).measured == 2
    own.write_text("def score(mean, seed):\n    # the same\n    return mean[0]+seed\n")
    assert tare.study(evaluate=f"{own}:score", seeds=3, **keys).measured == 0
    own.write_text("def score(mean, seed):\n    return mean[0] - seed\n")
    changed = tare.study(evaluate=f"{own}:score", seeds=3, **keys)
    assert changed.measured == 6
    assert changed.rows[-1]["score"] < 1.5  # the new text ran, not the one of before
    with pytest.raises(OutputError, match=r"extends the one of .*evaluate"):
        study(rows, "plain", out=tmp_path / "mine")


def test_data_that_changed_are_read_again_in_one_session_and_all_cells_measured(tmp_path: Path) -> None:
    photos, keys = tmp_path / "photos", {"seeds": 2, "out": tmp_path / "out", "sizes": [4]}
    photos.mkdir()
    for index in range(8):
        Image.fromarray(np.full((4, 4), 9 * index + 1, np.uint8)).save(photos / f"{index}_{'cat' if index % 2 else 'dog'}.png")
    plan = study(photos, "dogs", **keys).plan
    assert study(photos, "dogs", **keys).measured == 0
    for path in photos.glob("*_cat.png"):
        path.rename(photos / path.name.replace("cat", "dog"))
    renamed = tare.study(plan, out=tmp_path / "out", workers=1)
    assert (renamed.measured, {row["dogs"] for row in renamed.rows}) == (4, {8})
    Image.fromarray(np.full((4, 4), 255, np.uint8)).save(photos / "0_dog.png")
    changed, fresh = study(photos, "dogs", **keys), study(photos, "dogs", **{**keys, "workers": 2, "out": tmp_path / "fresh"})
    assert changed.measured == 4
    assert [row["mean"] for row in changed.rows] == [row["mean"] for row in fresh.rows] != [row["mean"] for row in renamed.rows]


def test_a_specification_that_changed_is_read_again_in_one_session(rows: Path, tmp_path: Path) -> None:
    def fed(mean: float) -> float:
        spec = tare.Standardiser().fit(np.array([[mean - 1] * 2, [mean + 1] * 2])).to_spec()
        (tmp_path / "spec.json").write_text(json.dumps(spec.to_json()))
        run = study(rows, "plain", mean=None, std=None, spec=str(tmp_path / "spec.json"), seeds=2)
        return next(float(row["score"] - row["seed"]) for row in run.rows if row["strategy"] == "source")

    assert [fed(0.0), fed(7.0)] == [0.0, 7.0]


def test_a_margin_is_in_points_of_shares_and_in_percent_of_other_scores(rows: Path) -> None:
    run = study(rows, "distance", lower=["far"], margin=2.0)
    assert run.analyses["near"].margin == 0.02
    far = run.analyses["far"]
    assert far.margin == pytest.approx(0.02 * np.mean([r["far"] for r in run.rows if r["strategy"] == "source"]))
    assert (far.unit, run.analyses["near"].unit) == ("", "points")


def test_constants_come_from_a_name_or_a_file_too(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).integers(0, 256, (12, 6, 6, 3), dtype=np.uint8))
    keys: dict[str, Any] = {"data": str(tmp_path / "x.npy"), "seeds": 2, "workers": 1}
    run = tare.study(evaluate=f"{HERE}:plain", networks=["timm:resnet18"], out=tmp_path / "one", **keys)
    assert run.rows[0]["score"] == 0.485
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps(tare.read_spec("timm:resnet18").to_json()))
    other = tare.study(evaluate=f"{HERE}:plain", spec=str(spec), out=tmp_path / "two", **keys)
    assert [row["score"] for row in other.rows] == [row["score"] for row in run.rows]


def test_the_table_has_a_column_a_score(rows: Path) -> None:
    table = pl.read_parquet(study(rows, "distance").folder / "results.parquet")
    assert table.columns == [
        *("network", "strategy", "size", "seed", "tested", "fed_mean", "fed_std", "error"), "near", "far", "fed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shifts": ["invert"]}, "shifts only for studies in which tare reads the samples"),
        ({"protocols": ["finetune"]}, "protocols only for studies in which tare trains"),
        ({"weights": "none"}, "weights only for studies in which tare trains"),
        ({"study": "digits"}, "evaluate without another study"),
        ({"data": ""}, "data, whose mean and std the strategies need"),
        ({"mean": [], "std": []}, "the source's mean and std, which the strategy 'source' normalises with, found none"),
        ({"sizes": [59]}, r"sizes from 2 to 48 \(60 less a fifth to score on\), found 59"),
        ({"strategies": ["source"]}, "a strategy beside source"),
        ({"evaluate": "nothing"}, "a function as FILE.py:NAME"),
        ({"evaluate": f"{HERE}:plian"}, "did you mean plain"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_before_the_first_trial(rows: Path, changes: dict[str, Any], message: str) -> None:
    document = {"evaluate": f"{HERE}:plain", "data": str(rows), "mean": [0.0], "std": [1.0], **changes}
    with pytest.raises(SpecError, match=message):
        plan_of(document)


def test_what_the_data_contradict_is_refused_before_the_first_trial(rows: Path) -> None:
    with pytest.raises(SpecError, match="a mean and a std for each of 2 channels of the data, found 3 means"):
        study(rows, "plain", mean=[0.0] * 3, std=[1.0] * 3)
    with pytest.raises(StrategyError, match="strategies that normalise differently"):
        study(rows, "plain", strategies=["source", "none"])
    with pytest.raises(DataError, match="scores among score for lower, found 'loss'"):
        study(rows, "plain", lower=["loss"])
