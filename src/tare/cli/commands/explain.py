"""``tare explain``."""

from __future__ import annotations

from dataclasses import replace

from tare.advising.explaining.inputs import ExplainRequest
from tare.cli.fields import command
from tare.cli.options import Json, show


@command(ExplainRequest)
def explain(request: ExplainRequest, as_json: Json = False) -> None:
    """Show how much of a change of mean and std the network's first layers let through, and so whether the choice matters."""
    from tare.advising.explaining.api import explained
    from tare.reporting import console
    from tare.reporting.explanation import print_explanation

    with console.working("loading the network and following its first layers"):
        found = explained(replace(request, reporter=console))
    show(found, as_json, print_explanation)
