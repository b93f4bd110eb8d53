from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tare
from tare.errors import OutputError, SpecError
from tare.studying.plan import plan_of, requested_plan

SMALL: dict[str, Any] = {
    "networks": ["mlp-none"],
    "shifts": ["content"],
    "sizes": [20],
    "strategies": ["source", "target"],
    "seeds": 2,
}


def test_a_study_runs_from_python_and_its_directory_holds_it(tmp_path: Path) -> None:
    run = tare.study("signals", out=tmp_path / "s", workers=1, **SMALL)
    assert run.measured == len(run.rows) == 4
    again = tare.study({"study": "signals", **SMALL}, out=tmp_path / "s", workers=1)
    assert again.measured == 0
    assert again.rows == run.rows


def test_names_files_mappings_and_plans_mean_the_same(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text("study: signals\nseeds: 4\n")
    expected = plan_of({"study": "signals", "seeds": 4})
    assert requested_plan("signals", {"seeds": 4}) == expected
    assert requested_plan(tmp_path / "plan.yaml", {}) == expected
    assert requested_plan({"study": "signals"}, {"seeds": 4}) == expected
    assert requested_plan(plan_of({"study": "signals"}), {"seeds": 4}) == expected
    assert requested_plan(expected, {}) == expected


def test_what_cannot_be_is_said(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="did you mean seeds"):
        tare.study("digits", out=tmp_path / "s", seed=4)  # type: ignore[call-arg]
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="a directory for the study, found a file"):
        tare.study("digits", out=tmp_path / "file")
