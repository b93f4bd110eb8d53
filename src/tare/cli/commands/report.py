"""``tare report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    study: Annotated[Path, typer.Argument(help="The directory of a study.", metavar="DIR")],
    html: Annotated[Path | None, typer.Option(help="The page to write; DIR/report.html by default.")] = None,
    png: Annotated[Path | None, typer.Option(help="Also write the learning curves as a PNG, for slides.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Also write the learning curves as an SVG, for papers.")] = None,
) -> None:
    """Write a study's page and pictures again from the results in its directory; nothing is measured."""
    from tare.reporting.study.report import print_study, write_curves, write_study
    from tare.studying.execution.running import read_study

    run = read_study(study)
    page = html or study / "report.html"
    write_study(run, page)
    for path in (png, svg):
        if path is not None:
            write_curves(run, path)
    print_study(run, page)
