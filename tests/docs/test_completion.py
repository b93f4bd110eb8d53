"""The shell's completion that docs/quickstart.md describes: a script for each shell, and answers to what is typed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

TARE = Path(sys.executable).parent / "tare"


def completed(shell: str, instruction: str, **typed: str) -> str:
    """What ``tare`` answers to a shell that asks it to complete."""
    environment = {**os.environ, "_TARE_COMPLETE": f"{instruction}_{shell}", **typed}
    return subprocess.run([TARE], env=environment, capture_output=True, text=True, check=False, timeout=120).stdout  # noqa: S603


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "pwsh"])
def test_each_shell_that_the_page_names_gets_a_script(shell: str) -> None:
    page = (ROOT / "docs" / "quickstart.md").read_text(encoding="utf-8")
    assert {"bash": "bash", "zsh": "zsh", "fish": "fish", "pwsh": "PowerShell"}[shell] in page
    script = completed(shell, "source")
    assert "_TARE_COMPLETE" in script
    assert re.search(r"\btare\b", script)


def test_the_beginning_of_a_command_is_completed() -> None:
    assert completed("bash", "complete", COMP_WORDS="tare tra", COMP_CWORD="1").split() == ["transfer"]


def test_the_choices_of_an_option_are_completed() -> None:
    answers = completed("bash", "complete", COMP_WORDS="tare check --format ", COMP_CWORD="3").split()
    assert answers == ["text", "json", "github", "sarif", "gitlab", "junit", "html"]


def test_the_script_is_shown_in_the_shell_that_asks() -> None:
    environment = {**os.environ, "PATH": f"{TARE.parent}{os.pathsep}{os.environ['PATH']}"}
    command = ["/bin/bash", "-c", "tare --show-completion; exit $?"]
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603
    assert shown.returncode == 0, shown.stderr
    assert "complete -o default -F _tare_completion tare" in shown.stdout
