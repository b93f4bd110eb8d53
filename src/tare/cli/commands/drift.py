"""``tare drift``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from tare.cli.fields import command
from tare.cli.options import Json, print_json, typed
from tare.monitoring.inputs import DriftRequest


@command(DriftRequest)
def drift(
    request: DriftRequest,
    out: Annotated[Path | None, typer.Option(help="Also keep the reference in this file.", dir_okay=False)] = None,
    html: Annotated[Path | None, typer.Option(help="Also write a self-contained page.", dir_okay=False)] = None,
    output: Annotated[Literal["text", "json", "github"], typer.Option("--format", help="How the verdict is printed.")] = "text",
    as_json: Json = False,
) -> None:
    """Test data that arrived later against a reference: whether anything changed, what, since when, and what to do.

    Exit code 0 if no change is shown, 1 if one is, 2 if the data cannot be read or are of another kind than the reference.
    """
    from tare.monitoring.api import drifted, reference_of
    from tare.reporting import console, drift

    with console.counting("measuring the reference", "samples") as progress:
        reference = reference_of(replace(request, progress=progress))
    if out is not None:
        reference.save(out)
    with console.counting("looking at", "samples") as progress:
        verdict = drifted(replace(request, reference=reference, progress=progress))
    if request.recover:
        from tare.identifying.served import with_recovered

        verdict = with_recovered(verdict, reference, request.data, request.factory)
    if html is not None:
        drift.write_drift(verdict, html, typed(), ", ".join(map(str, request.data)))
    if as_json or output == "json":
        print_json(verdict.to_json())
    elif output == "github":
        console.write(drift.github(verdict))
    else:
        drift.print_drift(verdict)
    raise typer.Exit(0 if verdict.clean else 1)
