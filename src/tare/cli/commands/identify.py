"""``tare identify``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tare.cli.fields import command
from tare.cli.options import Json, show, typed
from tare.identifying.inputs import IdentifyRequest


@command(IdentifyRequest, loads="tare.identifying.ranking")
def identify(
    request: IdentifyRequest,
    out: Annotated[Path | None, typer.Option(help="Also write the specification to this file.", dir_okay=False)] = None,
    html: Annotated[Path | None, typer.Option(help="Also write a self-contained page.", dir_okay=False)] = None,
    as_json: Json = False,
) -> None:
    """Find out which normalisation a checkpoint was trained with, from the running moments of its batch norm.

    Exit code 0 if one kind of normalisation is left, 1 if several kinds are left, 2 if the input is unusable.
    """
    from tare.identifying.ranking import identified, write_spec
    from tare.reporting import console
    from tare.reporting.identification import print_identification, write_identification

    with console.working("identifying"):
        found = identified(replace(request, reporter=console))
    if out is not None:
        write_spec(found, out)
    if html is not None:
        write_identification(found, html, typed())
    show(found, as_json, print_identification, None if out is None else str(out))
    raise typer.Exit(0 if found.identifiable else 1)
