"""``tare advise``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tare.advising.inputs import AdviceRequest
from tare.cli.fields import command
from tare.cli.options import Json, show, typed


@command(AdviceRequest, loads="tare.advising.api")
def advise(
    request: AdviceRequest,
    html: Annotated[Path | None, typer.Option(help="Also write a self-contained page.", dir_okay=False)] = None,
    as_json: Json = False,
) -> None:
    """Recommend a normalisation strategy for a network and your data, with the evidence, the rule and what would change it.

    If the data have labels, only the training split is used: that of `tare transfer` with the same seed.
    """
    from tare.advising.api import advised
    from tare.reporting import console
    from tare.reporting.advice import print_advice, write_advice

    with console.working("advising"):
        found = advised(replace(request, reporter=console))
    if html is not None:
        write_advice(found, html, typed())
    show(found, as_json, print_advice)
