"""``tare check PATH...`` with a judge in the place of the rules: exit codes, formats, repairs, baselines, watching."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tare.checking.repository import api as repository
from tests.cli.test_main import run
from tests.code_findings import altered, typos

CODE = "std = (0.255, 0.224, 0.229)\n"


@pytest.fixture(autouse=True)
def _repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.setattr(repository, "judged", typos)
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    Path("train.py").write_text(CODE)
    Path("clean.py").write_text("x = 1\n")


def test_clean_is_0_findings_are_1_unusable_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "check", "clean.py")[:2] == (0, "no findings in 1 file read\n")
    code, out, _ = run(capsys, "check", ".")
    assert code == 1
    assert out.startswith("train.py:1:8: TARE010 error: ")
    assert run(capsys, "check", ".", "--select", "TARE020")[0] == 0
    for words, message in {
        ("nowhere",): "'nowhere'",
        (".", "--select", "E501"): "codes or names of rules for --select",
        (".", "--model", "timm:resnet5O"): "timm",
        (".", "--baseline", "none.json"): "an existing baseline",
        (".", "--format", "sarif", "--diff"): "--format text",
    }.items():
        code, out, err = run(capsys, "check", *words)
        assert (code, out) == (2, "")
        assert message in err
        assert len(err.splitlines()) == 1


def test_settings_that_are_wrong_are_2(capsys: pytest.CaptureFixture[str]) -> None:
    Path("pyproject.toml").write_text("[tool.tare]\nselct = []\n")
    code, _, err = run(capsys, "check", ".")
    assert code == 2
    assert "did you mean select?" in err


def test_each_format_is_printed_whole(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("json", "sarif", "gitlab"):
        code, out, _ = run(capsys, "check", ".", "--format", name)
        assert code == 1
        assert json.loads(out)
    assert "<testsuites " in run(capsys, "check", ".", "--format", "junit")[1]
    assert run(capsys, "check", ".", "--format", "github")[1].startswith("::error title=TARE010,file=train.py,line=1,")
    assert json.loads(run(capsys, "check", ".", "--json")[1])["schema"] == "tare.code-check/1"


def test_formats_of_files_are_refused_for_a_pipeline(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("train.py:std", "--mean", "0.5", "--std", "0.5", "--format", "junit")
    assert "--format text, json, github, sarif or html" in run(capsys, "check", *words)[2]


def test_fail_on_error_lets_warnings_pass(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    warnings = lambda documents, **_: altered(documents, severity="warning")  # noqa: E731
    monkeypatch.setattr(repository, "judged", warnings)
    assert run(capsys, "check", ".")[0] == 1
    assert run(capsys, "check", ".", "--fail-on", "error", "--no-cache")[0] == 0


def test_diff_writes_nothing_and_fix_repairs(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "check", ".", "--diff")
    assert code == 1
    assert out.splitlines()[-2:] == ["-std = (0.255, 0.224, 0.229)", "+std = (0.225, 0.224, 0.229)"]
    assert "--fix would repair 1 of 1 finding" in err
    assert Path("train.py").read_text() == CODE
    code, out, err = run(capsys, "check", ".", "--fix")
    assert (code, out) == (0, "no findings in 2 files read\n")
    assert "note: train.py:1:8: 0.255 is now 0.225 (TARE010)\n" in err
    assert "repaired 1 finding in 1 file" in err
    assert Path("train.py").read_text() == CODE.replace("0.255", "0.225")
    assert run(capsys, "check", ".", "--diff")[:2] == (0, "")


def test_a_baseline_is_written_and_used(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "check", ".", "--baseline", "known.json", "--write-baseline")
    assert (code, out) == (0, "")
    assert "1 known finding written to known.json" in err
    code, out, _ = run(capsys, "check", ".", "--baseline", "known.json")
    assert (code, out) == (0, "no findings in 2 files read; 1 in the baseline\n")


def test_the_command_that_repairs_repairs_what_was_shown_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    Path("third party").mkdir()
    Path("third party/b.py").write_text(CODE)
    options = ["--select", "TARE010", "--ignore", "TARE02", "--exclude", "third party"]
    out = run(capsys, "check", ".", *options)[1]
    assert "; tare check . --select TARE010 --ignore TARE02 --exclude 'third party' --fix repairs 1;" in out
    run(capsys, "check", ".", *options, "--fix")
    assert Path("train.py").read_text() != CODE
    assert Path("third party/b.py").read_text() == CODE


def test_a_baseline_of_a_part_keeps_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    Path("other.py").write_text(CODE)
    known = ("--baseline", "known.json")
    run(capsys, "check", ".", *known, "--write-baseline")
    for part in (("train.py",), (".", "--select", "TARE020")):
        assert "gone" not in "".join(map(str, run(capsys, "check", *part, *known)))
        run(capsys, "check", *part, *known, "--write-baseline")
    assert run(capsys, "check", ".", *known)[:2] == (0, "no findings in 3 files read; 2 in the baseline\n")
    Path("other.py").write_text("x = 1\n")
    assert "1 known finding of 'known.json' is gone" in "".join(map(str, run(capsys, "check", ".", *known)))


def test_statistics_count_codes(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "check", ".", "--statistics")
    assert code == 1
    assert out.split()[:3] == ["1", "TARE010", "error"]


def test_a_rule_is_told_with_the_places_where_the_files_have_it(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "rule", "unexplained-constants", ".")
    assert code == 0
    assert out.startswith("TARE010 unexplained-constants")
    assert "train.py:1:8: TARE010 error: std 0.255 is a typo of 0.225" in out
    assert "no findings in 2 files read" in run(capsys, "rule", "TARE003", ".")[1]
    assert run(capsys, "rule", "TARE003", "nowhere")[0] == 2


def test_watching_checks_after_every_change_and_survives_wrong_settings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def watch(*paths: str) -> Any:
        assert paths == (".",)
        yield {(1, "notes.txt")}
        Path("pyproject.toml").write_text("[tool.tare]\nselct = []\n")
        yield {(1, "pyproject.toml")}
        Path("pyproject.toml").unlink()
        Path("train.py").write_text("x = 2\n")
        yield {(2, "train.py")}

    monkeypatch.setitem(sys.modules, "watchfiles", SimpleNamespace(watch=watch, __spec__=SimpleNamespace()))
    code, out, err = run(capsys, "check", ".", "--watch")
    assert code == 0
    assert out.count("1 error in 2 files") == 1
    assert out.count("no findings in 2 files") == 1
    assert err.count("error: ") == 1


def test_without_watchfiles_one_line_names_the_extra(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    code, out, err = run(capsys, "check", ".", "--watch")
    assert (code, out) == (2, "")
    assert "pip install 'tare[watch]'" in err
