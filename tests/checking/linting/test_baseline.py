"""Known findings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.checking.linting.baseline import Looked, unknown, write_baseline
from tare.errors import SpecError
from tests.code_findings import finding


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_what_is_known_stays_known_when_lines_move() -> None:
    write_baseline(Path("known.json"), [finding(line=3)])
    assert unknown(Path("known.json"), [finding(line=40)]) == ((), 1, 0)


def test_a_file_that_is_no_baseline_is_not_overwritten() -> None:
    Path("notes.txt").write_text("mine")
    with pytest.raises(SpecError, match="a baseline with schema"):
        write_baseline(Path("notes.txt"), [finding()])
    assert Path("notes.txt").read_text() == "mine"
    write_baseline(Path("known.json"), [finding()])
    write_baseline(Path("known.json"), [])
    assert unknown(Path("known.json"), [finding()]).known == 0


def test_a_device_is_no_baseline() -> None:
    with pytest.raises(SpecError, match="not a regular file but a device"):
        unknown(Path("/dev/zero"), [finding()])


def test_what_is_new_is_shown_and_what_is_gone_is_counted() -> None:
    write_baseline(Path("known.json"), [finding(), finding("TARE020")])
    second, other = finding(line=9), finding("TARE011")
    assert unknown(Path("known.json"), [finding(), second, other]) == ((second, other), 1, 1)


def test_paths_are_those_from_the_baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "src").mkdir()
    write_baseline(Path("known.json"), [finding(path="src/a.py")])
    assert json.loads(Path("known.json").read_text())["findings"][0]["path"] == "src/a.py"
    monkeypatch.chdir(tmp_path / "src")
    assert unknown(Path("../known.json"), [finding(path="a.py")]).known == 1


def test_what_was_not_looked_at_stays_and_is_not_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "src").mkdir()
    for name in ("src/a.py", "b.py", "c.py"):
        (tmp_path / name).touch()
    known = [finding(path="src/a.py"), finding(path="b.py"), finding("TARE020", path="b.py"), finding(path="c.py")]
    write_baseline(Path("known.json"), known)
    Path("c.py").unlink()
    monkeypatch.chdir(tmp_path / "src")
    here = Looked({"a.py"}, lambda _: True)
    other = Looked({"a.py", "../b.py"}, lambda code: code == "TARE020")
    assert unknown(Path("../known.json"), [], here).gone == 2  # that of a.py, and that of the file that is not there
    assert unknown(Path("../known.json"), [], other).gone == 1
    write_baseline(Path("../known.json"), [finding("TARE011", path="a.py")], here)
    found = [finding("TARE011", path="a.py"), finding(path="../b.py"), finding("TARE020", path="../b.py")]
    assert unknown(Path("../known.json"), found) == ((), 3, 0)


@given(st.lists(st.sampled_from(["TARE003", "TARE010", "TARE020"]), max_size=8))
def test_a_baseline_knows_all_that_it_was_written_with(codes: list[str]) -> None:
    found = [finding(code, line=number + 1) for number, code in enumerate(codes)]
    write_baseline(Path("law.json"), found)
    assert unknown(Path("law.json"), found) == ((), len(found), 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        '{"schema": "tare.baseline/9", "findings": []}',
        '{"schema": "tare.baseline/1", "findings": 3}',
        '{"schema": "tare.baseline/1", "findings": [{"code": 1, "path": "a", "source": "b", "count": 1}]}',
        '{"schema": "tare.baseline/1", "findings": [{"code": "a", "path": "a", "source": "b", "count": -1}]}',
    ],
)
def test_what_is_no_baseline_is_refused_in_one_line(text: str) -> None:
    Path("known.json").write_text(text)
    with pytest.raises(SpecError, match="a baseline with schema") as raised:
        unknown(Path("known.json"), [])
    assert "\n" not in str(raised.value)
