"""The command line: parse, call, render. Exit codes: 0 clean, 1 findings, 2 unusable input or failure."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
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
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    del version


def main(run: Callable[[], None] = app) -> None:
    """Run the command line; every expected failure is one line on standard error and exit code 2."""
    from tare.errors import TareError

    # What is wrong with a file is said by the row or the error that names it.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    try:
        run()
    except TareError as error:
        from tare.reporting import console

        console.error(str(error))
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        sys.exit(141)
