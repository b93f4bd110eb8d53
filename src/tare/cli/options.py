"""Options that commands share, and the one way in which they print JSON."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


def show(result: Any, as_json: bool, render: Callable[..., None], *details: Any) -> None:
    """Print a result: its ``to_json`` as one JSON object, or ``render(result, *details)``."""
    if as_json:
        print_json(result.to_json())
    else:
        render(result, *details)


def typed() -> str:
    """The command as it was typed, for the page that it writes."""
    return shlex.join(["tare", *sys.argv[1:]])


def print_json(document: dict[str, Any]) -> None:
    """Print one JSON object. Raises ValueError for NaN, which JSON does not have."""
    from tare.reporting import console
    from tare.system.files import json_text

    console.write(json_text(document))
