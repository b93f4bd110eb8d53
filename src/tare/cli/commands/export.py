"""``tare export``."""

from __future__ import annotations

from dataclasses import replace

from tare.cli.fields import command
from tare.cli.options import Json, show
from tare.exporting.inputs import ExportRequest


@command(ExportRequest, loads="tare.exporting.writing")
def export(request: ExportRequest, as_json: Json = False) -> None:
    """Write a trained model with its normalisation inside, compared with PyTorch on real samples before it is kept.

    A graph that differs by more than 1e-4 on logits is refused, and nothing is left. Exit code 0 written, 2 refused.
    """
    from tare.exporting.writing import exported
    from tare.reporting import console
    from tare.reporting.exports import print_export

    with console.working("exporting"):
        made = exported(replace(request, reporter=console))
    show(made, as_json, print_export)
