"""The reference of the command line, from the commands themselves."""

from __future__ import annotations

import re
from typing import Any

import typer

from tare.cli.main import app

_HEAD = """# Command line

Every command, with all of its arguments and options, as `tare COMMAND --help` lists them. Exit codes: 0 clean, 1 findings, 2
unusable input or failure. `--json` prints one JSON object on standard output ([formats](formats.md)); everything else that is
said goes to standard error.

[Shell completion](../quickstart.md#shell-completion) completes commands, options and their choices.
"""


def cli_page() -> str:
    """A table of the commands, one section a command, one table a panel of its options."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    return "\n".join([_HEAD, _overview(commands), *(_section(name, command) for name, command in commands.items())])


def _overview(commands: dict[str, Any]) -> str:
    """The commands under the headings that `tare --help` gives them, if it does."""
    panels: dict[str, list[str]] = {}
    for name, command in commands.items():
        summary = _prose(command.help or "").partition("\n\n")[0].replace("\n", " ")
        panels.setdefault(_panel(command, "command"), []).append(f"| [`tare {name}`](#tare-{name}) | {_cell(summary)} |")
    return "\n".join(_table(heading, rows) for heading, rows in panels.items())


def _section(name: str, command: Any) -> str:
    context = command.make_context(name, [], resilient_parsing=True)
    panels: dict[str, list[str]] = {}
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is not None:
            usual = "argument" if parameter.param_type_name == "argument" else "option"
            panels.setdefault(_panel(parameter, usual), []).append(_row(*record))
    parts = [f"## tare {name}\n", _prose(command.help or ""), ""]
    parts += [_table(heading, rows) for heading, rows in panels.items()]
    return "\n".join([*parts, _examples(command.epilog or "")])


def _panel(described: Any, usual: str) -> str:
    panel = getattr(described, "rich_help_panel", None)
    return panel if isinstance(panel, str) else usual


def _table(heading: str, rows: list[str]) -> str:
    return "\n".join([f"| {_cell(heading)} | what it does |", "|---|---|", *rows, ""])


def _row(name: str, said: str) -> str:
    """A parameter as `--help` shows it: its name, its kind of value, what it means, what it is by default."""
    option, _, value = name.partition(" ")
    kind = f" `{_cell(value)}`" if value else ""
    meaning = re.sub(r"\s+\[(.*)\]$", r" *(\1)*", _prose(said).replace("\n", " "))
    return f"| `{_cell(option)}`{kind} | {_cell(meaning)} |"


def _examples(epilog: str) -> str:
    """The examples of a command, a line each."""
    label, _, examples = _prose(epilog).partition(":")
    lines = [line.strip() for line in re.split(r"·|\n", examples) if line.strip()]
    return "\n".join([f"{label}:\n", "```sh", *lines, "```", ""]) if lines else ""


def _prose(text: str) -> str:
    """Help as Markdown: rich's marks go, paragraphs stay."""
    unmarked = re.sub(r"(?<!\\)\[/?(?:bold|dim|italic|cyan|green|yellow|red)[a-z ]*\]", "", text)
    return unmarked.replace("\\[", "[").replace("\f", "").strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
