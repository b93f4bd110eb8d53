"""What the commands share: options, and how JSON leaves the program."""

from __future__ import annotations

from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.", min=0)]


def print_json(document: dict[str, Any]) -> None:
    """Print one JSON object; NaN is not JSON and never passes."""
    from tare.system.files import json_text

    typer.echo(json_text(document))
