"""Every option of every command with values that cannot be: told in a line or a usage box, before anything heavy is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer

from tare.cli.entries import ENTRIES
from tare.cli.main import app
from tests.cli.test_main import run

HOSTILE = (str(2**70), str(-(2**70)), "1e3", "nan", "inf", "1e999", "9" * 5000, "²", "", "a\x1b[31mb", "x" * 5000, "%n\n")


def options() -> list[tuple[str, str, tuple[str, ...]]]:
    """Command, option, and what stands for the arguments, for each option that takes a value."""
    group: Any = typer.main.get_command(app)
    found = []
    for entry in ENTRIES:
        if entry.name == "demo":  # any name is one for its output, and it takes a minute
            continue
        parameters = group.commands[entry.name].params
        arguments = tuple("absent" for each in parameters if each.param_type_name == "argument" and each.required)
        valued = (each for each in parameters if each.param_type_name == "option" and not each.is_flag)
        found += [(entry.name, each.opts[-1], arguments) for each in valued if each.name not in ("help", "config")]
    return found


@pytest.mark.parametrize("values", [HOSTILE[:1], pytest.param(HOSTILE[1:], marks=pytest.mark.long)], ids=["huge", "others"])
@pytest.mark.parametrize("option", options(), ids=lambda each: " ".join(each[:2]))
def test_a_value_that_cannot_be_is_told(
    option: tuple[str, str, tuple[str, ...]],
    values: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    command, name, arguments = option
    for value in values:
        code, out, said = run(capsys, command, *arguments, name, value)
        assert code == 2, (value[:80], out, said)
        assert "Traceback" not in said, (value[:80], said)
        assert "\x1b" not in said, value
        assert len(said) < 6000, value[:80]
        lines = [line for line in said.splitlines() if line.startswith("error:")]
        assert len(lines) == 1 or "─ Error ─" in said, (value[:80], said)
    assert list(tmp_path.iterdir()) == []
