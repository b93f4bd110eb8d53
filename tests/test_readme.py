"""Commands that the documents show exist, with the options they show."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from tare.cli.main import app

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def shown_commands(document: Path) -> Iterator[list[str]]:
    """Every ``tare`` command in a fenced block, its continuation lines joined and its comment dropped."""
    for block in re.findall(r"```(?:sh|console)\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True) if re.match(r"(\$ )?tare ", line) else []
            if words:
                yield words[1:]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_shown_exists_with_its_options(document: Path) -> None:
    group = typer.main.get_command(app)
    for name, *words in shown_commands(document):
        commands = group.commands  # type: ignore[attr-defined]
        assert name in commands, f"{document.name} shows `tare {name}`"
        known = {option for parameter in commands[name].params for option in parameter.opts} | {"--help"}
        used = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert used <= known, f"{document.name} shows options that `tare {name}` does not have: {sorted(used - known)}"


def test_the_documents_do_show_commands() -> None:
    names = {command[0] for document in DOCUMENTS for command in shown_commands(document)}
    assert {"measure", "transfer"} <= names


def test_make_targets_that_the_readme_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for name in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"^make ([\w-]+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{name} names `make {target}`"
