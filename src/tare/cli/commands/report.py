"""``tare report``."""

from __future__ import annotations

from tare.cli.fields import command
from tare.reporting.inputs import ReportRequest


@command(ReportRequest)
def report(request: ReportRequest) -> None:
    """Write a study's page and pictures again from the results in its directory; nothing is measured.

    The page of a study that is not finished shows what is measured by now, and says so.
    """
    from tare.reporting import console
    from tare.reporting.api import reported
    from tare.reporting.study.report import print_study

    with console.working("drawing the page"):
        made = reported(request)
    print_study(*made)
