"""``tare.report``: the page of a study, written again."""

from __future__ import annotations

from pathlib import Path

from tare.reporting.inputs import ReportRequest
from tare.reporting.study.report import write_curves, write_study
from tare.studying.execution.running import open_study
from tare.studying.result import StudyRun
from tare.system.handed.arguments import place_of
from tare.system.options import verb


@verb(ReportRequest)
def report(request: ReportRequest) -> Path:
    """Write a study's page and pictures again from the results in its directory; nothing is measured.

    The page of a study that is not finished shows what is measured by now, and says so. Returns the path of the page. Raises
    :class:`tare.TareError` without a study, or for a file that cannot be written.
    """
    return reported(request)[1]


def reported(request: ReportRequest) -> tuple[StudyRun, Path]:
    """Write the page and the pictures; returns the study and the path of the page."""
    run = open_study(place_of(request.study, "a study"))
    page = Path(request.html) if request.html is not None else Path(request.study) / "report.html"
    write_study(run, page)
    for path in (request.png, request.svg):
        if path is not None:
            write_curves(run, Path(path))
    return run, page
