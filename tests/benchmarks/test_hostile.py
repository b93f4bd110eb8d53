"""The table of bad files: it covers what it says, and its judge finds what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from benchmarks.hostile.commands import Case, cases, prepare
from benchmarks.hostile.running import Done, judged

ROOT = Path(__file__).parents[2]
FORMATS = {
    "jpg", "png", "tiff", "webp", "gif", "bmp", "wav", "npy", "npz", "parquet", "csv", "idx", "tar", "safetensors", "pth",
    "onnx", "json", "yaml", "toml", "py", "ipynb",
}  # fmt: skip
COMMANDS = {
    "measure", "compare", "check", "transfer", "predict", "export", "spec", "identify", "fold", "respec", "advise", "explain",
    "study", "report",
}  # fmt: skip


def test_every_format_and_every_command_that_reads_files_is_there() -> None:
    every = list(cases())
    assert {case.name.rpartition(".")[2] for case in every} >= FORMATS
    assert {case.argv[0] for case in every} == COMMANDS
    assert len({case.name for case in every}) >= 60
    assert max(Counter((case.group, case.name) for case in every).values()) == 1


def good(**changes: object) -> Done:
    values = {"code": 2, "seconds": 1.0, "megabytes": 300.0, "out": "", "err": "error: expected a, found b; c\n", **changes}
    return Done(**values)  # type: ignore[arg-type]


CASE = Case("measure", "a.png", ("measure", "{bad}"), (2,), lambda path: path.touch())


def test_a_right_answer_is_judged_right(tmp_path: Path) -> None:
    assert judged(CASE, good(), tmp_path, {}, 300.0) == []


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"code": 0}, "exit code 0"),
        ({"code": -11}, "exit code -11"),
        ({"code": -9}, "hung"),
        ({"seconds": 50.0}, "50 s"),
        ({"megabytes": 4000.0}, "4000 MB"),
        ({"err": "Traceback (most recent call last)"}, "a traceback"),
        ({"err": "error: expected a, found b\nerror: expected c\n"}, "2 lines of error"),
        ({"err": "error: no\n"}, "1 lines of error"),
        ({"err": "UserWarning: x\nerror: expected a, found b\n"}, "a library's warning"),
    ],
)
def test_a_wrong_answer_is_judged_wrong(tmp_path: Path, changes: dict[str, object], wrong: str) -> None:
    assert wrong in "; ".join(judged(CASE, good(**changes), tmp_path, {}, 300.0))


def test_code_that_ran_and_output_that_stayed_are_seen(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "tare-was-here").touch()
    (tmp_path / "out").mkdir()
    assert judged(CASE, good(), tmp_path, {}, 300.0) == ["code from the file was run", "output was left behind"]


@pytest.mark.long
def test_the_command_runs_and_finds_nothing_wrong() -> None:
    command = [sys.executable, "-m", "benchmarks.hostile", "--only", "spec deep"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    assert "| **all**" in done.stdout


def test_the_good_data_are_made(tmp_path: Path) -> None:
    prepare(tmp_path)
    assert len(list(tmp_path.rglob("*.png"))) == 24
