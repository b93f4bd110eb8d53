"""``tare explain``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tare.advising.explaining.inputs import ExplainRequest
from tare.cli.fields import command
from tare.cli.options import Json, show, typed


@command(ExplainRequest, loads="tare.advising.explaining.api")
def explain(
    request: ExplainRequest,
    html: Annotated[Path | None, typer.Option(help="Also write a self-contained page.", dir_okay=False)] = None,
    as_json: Json = False,
) -> None:
    """Show how much of a change of mean and std the network's first layers let through, and so whether the choice matters."""
    from tare.advising.explaining.api import explained
    from tare.reporting import console
    from tare.reporting.explanation import print_explanation, write_explanation

    with console.working("loading the network and following its first layers"):
        found = explained(replace(request, reporter=console))
    if html is not None:
        write_explanation(found, html, typed(), str(request.data or ""))
    show(found, as_json, print_explanation)
