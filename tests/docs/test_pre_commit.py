"""The repository is one of pre-commit hooks, and the hook stops a commit with a wrong pipeline."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.pages import ROOT

HOOKS = ROOT / ".pre-commit-hooks.yaml"
PAGE = ROOT / "docs" / "howto" / "ci.md"
BIN = Path(sys.executable).parent
RIGHT = """
from torchvision import transforms as T

val_transform = T.Compose(
    [
        T.Resize(235, T.InterpolationMode.BICUBIC),
        T.CenterCrop(224),
        T.ToTensor(),
        T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ]
)
"""


def run(*words: str, at: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PRE_COMMIT_HOME": str(at.parent / "cache")}
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a"}
    return subprocess.run(  # noqa: S603 - words of our own
        words,
        cwd=at,
        env={**environment, **identity, "GIT_COMMITTER_EMAIL": "a@example.org"},
        capture_output=True,
        text=True,
        check=False,
    )


def committed(folder: Path) -> str:
    """The folder as a repository with one commit, whose name is returned."""
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"]):
        done = run("git", *words, at=folder)
        assert done.returncode == 0, done.stderr
    return run("git", "rev-parse", "HEAD", at=folder).stdout.strip()


def shown_config() -> Any:
    """The configuration that the page shows."""
    (text,) = [
        block for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL) if "tare-check" in block
    ]
    return yaml.safe_load(text)


def test_the_hook_is_tare_check_and_the_page_names_it() -> None:
    (hook,) = (each for each in yaml.safe_load(HOOKS.read_text(encoding="utf-8")) if each["id"] == "tare-check")
    assert hook["entry"] == "tare check"
    (repository,) = shown_config()["repos"]
    assert [named["id"] for named in repository["hooks"]] == [hook["id"]]


def test_the_hook_for_files_reads_the_whole_repository_and_its_page_names_it() -> None:
    (hook,) = (each for each in yaml.safe_load(HOOKS.read_text(encoding="utf-8")) if each["id"] == "tare-check-files")
    assert (hook["entry"], hook["args"], hook["pass_filenames"]) == ("tare check", ["."], False)
    page = (ROOT / "docs" / "howto" / "check-a-repository.md").read_text(encoding="utf-8")
    assert f"- id: {hook['id']}\n" in page


def test_the_blocks_of_the_page_are_yaml() -> None:
    for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        assert yaml.safe_load(block)


@pytest.mark.long
def test_the_hook_stops_a_wrong_pipeline_and_lets_a_right_one_pass(tmp_path: Path) -> None:
    pytest.importorskip("pre_commit", reason="the docs extra is not installed")
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    hooks, project = tmp_path / "hooks", tmp_path / "project"
    hooks.mkdir()
    project.mkdir()
    shutil.copy(HOOKS, hooks)
    config = shown_config()
    config["repos"][0] |= {"repo": str(hooks), "rev": committed(hooks)}
    (project / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    (project / "train.py").write_text(RIGHT)
    committed(project)
    pre_commit = (sys.executable, "-m", "pre_commit")
    assert run(*pre_commit, "validate-manifest", str(HOOKS), at=project).returncode == 0
    assert run(*pre_commit, "validate-config", at=project).returncode == 0
    passed = run(*pre_commit, "run", "--all-files", at=project)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    (project / "train.py").write_text(RIGHT.replace("T.ToTensor(),", "T.PILToTensor(), T.Lambda(lambda x: x.float()),"))
    stopped = run(*pre_commit, "run", "--all-files", at=project)
    assert stopped.returncode == 1, stopped.stdout + stopped.stderr
    assert "TARE001" in stopped.stdout
