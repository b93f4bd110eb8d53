"""The command line: parse, call, render. Exit codes: 0 no findings, 1 findings, 2 unusable input or failure."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tare._version import __version__
from tare.cli.lazy import LazyGroup

app = typer.Typer(
    name="tare",
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _version(value: bool) -> None:
    if value:
        sys.stdout.write(f"{__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    del version
