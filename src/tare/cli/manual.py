"""The page of ``tare --help``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tare.cli.entries import Entry

_WHAT = (
    "Input normalisation done right in transfer learning: measure it, choose it with evidence, train with it, ship it inside "
    "the model."
)
_EXAMPLES = (
    ("What are my data's mean and std, and how well are they known?", "tare measure photos/"),
    ("Does my pipeline feed this network what it was trained on?", "tare check train.py:transform --model timm:resnet18"),
    ("The network's statistics, or my data's?", "tare advise --model timm:resnet18 photos/"),
    ("Fine-tune, and save the normalisation with the weights.", "tare transfer --model timm:resnet18 photos/ --out run/"),
    ("Export a graph that takes raw bytes and normalises them itself.", "tare export run/ --format onnx --out model.onnx"),
)
_CODES = (
    ("0", "Success, without findings."),
    ("1", "Findings, or a part of the work failed: see each command's help."),
    ("2", "Unusable input or a failure; one line on standard error gives the reason."),
)
# The parser's own options. They are repeated here so that the page prints without the parser; a test compares them.
OPTIONS = (
    ("--version", "Print the version."),
    ("--install-completion", "Install completion for the current shell."),
    ("--show-completion", "Show completion for the current shell, to copy it or customize the installation."),
    ("--help", "Show this message and exit."),
)
_ALWAYS = "Every command has --help with examples. Most print one JSON object with --json, and no result depends on --workers."


def print_manual(entries: Sequence[Entry], options: Sequence[tuple[str, str]]) -> None:
    """Print what tare is, its commands by group, its options, examples and exit codes, in 80 columns."""
    console = Console(highlight=False, emoji=False)
    console.print(Padding("[yellow]Usage:[/] [bold]tare COMMAND [ARGS]...[/]".replace("[ARGS]", r"\[ARGS]"), (1, 1, 0, 1)))
    console.print(Padding(_WHAT, 1))
    width = max(len(entry.name) for entry in entries)
    for panel, members in groupby(entries, key=lambda entry: entry.panel):
        _panel(console, panel, [(entry.name, entry.summary) for entry in members], width)
    _panel(console, "Options", options, None)
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    for question, command in _EXAMPLES:
        table.add_row(Text(question, style="dim"))
        table.add_row(Text(f"  {command}", style="bold cyan"))
    console.print(Panel(table, title="Examples", title_align="left", border_style="dim"))
    _panel(console, "Exit codes", _CODES, None)
    console.print(Padding(_ALWAYS, (0, 1, 1, 1)))


def _panel(console: Console, title: str, rows: Sequence[tuple[str, str]], width: int | None) -> None:
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False, expand=True)
    table.add_column(style="bold cyan", no_wrap=True, width=width)
    table.add_column(ratio=1)
    for name, text in rows:
        table.add_row(Text(name), Text(text))
    console.print(Panel(table, title=title, title_align="left", border_style="dim"))
