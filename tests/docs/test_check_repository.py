"""The page about checking a repository shows what is printed, and what it gives to copy works."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tare.checking.linting.settings import settings_for
from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "howto" / "check-a-repository.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def write_repository(folder: Path) -> None:
    """The two files that the page shows, by the names in their first lines, which are no part of them."""
    for block in (*blocks("python"), *blocks("py")):
        if found := re.match(r"# (\w+\.py)\n", block):
            (folder / found[1]).write_text(block[found.end() :])


def tare(*words: str, at: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(at.parent / "cache"), "COLUMNS": "500", **settings}
    program = [sys.executable, "-m", "tare", *words]
    return subprocess.run(program, cwd=at, env=environment, capture_output=True, text=True, check=False)  # noqa: S603


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    write_repository(folder)
    return folder


def test_the_page_shows_what_is_printed(repository: Path) -> None:
    done = tare("check", ".", at=repository)
    assert done.returncode == 1
    assert done.stdout in blocks("text")


def test_fix_repairs_the_repository_of_the_page(repository: Path) -> None:
    assert tare("check", ".", "--fix", at=repository).returncode == 0


def test_the_settings_of_the_page_are_read(repository: Path) -> None:
    (text,) = blocks("toml")
    assert set(tomllib.loads(text)["tool"]) == {"tare"}
    (repository / "pyproject.toml").write_text(text)
    read = settings_for([str(repository)])
    assert read.network == "timm:resnet50"
    assert read.per_file_ignores == {"tests/*": ("TARE003",)}


def test_the_problem_matcher_of_the_page_reads_what_is_printed(repository: Path) -> None:
    (text,) = blocks("json")
    pattern = json.loads(text)["tasks"][0]["problemMatcher"]["pattern"]
    lines = tare("check", ".", at=repository).stdout.splitlines()
    (found,) = (match for line in lines if (match := re.match(pattern["regexp"], line)))
    parts = {name: found[pattern[name]] for name in ("file", "line", "column", "severity")}
    assert parts == {"file": "constants.py", "line": "2", "column": "22", "severity": "error"}
    assert re.match(pattern["regexp"], "a b.ipynb:code cell 3:2:1: TARE010 warning: x: y")


def action() -> Any:
    return yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


def test_the_page_uses_inputs_that_the_action_has() -> None:
    for block in blocks("yaml"):
        for step in yaml.safe_load(block):
            if isinstance(step, dict) and step.get("uses", "").startswith("example/tare@"):
                assert set(step["with"]) <= set(action()["inputs"])
                return
    pytest.fail("the page shows no use of the action")


def test_no_input_of_the_action_is_pasted_into_a_script() -> None:
    for step in action()["runs"]["steps"]:
        assert "${{" not in step["run"]


@pytest.fixture
def program(tmp_path: Path) -> str:
    """A PATH with a ``tare`` of this checkout."""
    place = tmp_path / "bin" / "tare"
    place.parent.mkdir()
    place.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tare "$@"\n')
    place.chmod(place.stat().st_mode | stat.S_IXUSR)
    return f"{place.parent}{os.pathsep}{os.environ['PATH']}"


def step(name: str, at: Path, program: str, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run a step of the action as GitHub does."""
    (found,) = (each for each in action()["runs"]["steps"] if each["name"] == name)
    defaults = {key: str(each["default"]) for key, each in action()["inputs"].items()} | inputs
    environment = {key: defaults[value[len("${{ inputs.") : -len(" }}")]] for key, value in found["env"].items()}
    words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", found["run"]]
    settings = {**os.environ, "PATH": program, "XDG_CACHE_HOME": str(at.parent / "cache"), **environment}
    return subprocess.run(words, cwd=at, env=settings, capture_output=True, text=True, check=False)  # noqa: S603


def test_the_action_annotates_and_fails(repository: Path, program: str) -> None:
    done = step("Check", repository, program)
    assert done.returncode == 1
    assert done.stdout.startswith("::error title=")
    assert step("Check", repository, program, paths="data.py", args="--ignore TARE0").returncode == 0


def test_the_action_writes_sarif_and_leaves_findings_to_the_next_step(repository: Path, program: str) -> None:
    assert step("Write SARIF", repository, program, sarif="a b.sarif").returncode == 0
    assert json.loads((repository / "a b.sarif").read_text())["version"] == "2.1.0"
    assert step("Write SARIF", repository, program, sarif="x.sarif", paths="nowhere").returncode == 1


def test_what_stands_in_an_input_is_no_command(repository: Path, program: str) -> None:
    done = step("Check", repository, program, paths="$(touch made) `touch made` ; touch made", args="")
    assert done.returncode == 2
    assert not (repository / "made").exists()
