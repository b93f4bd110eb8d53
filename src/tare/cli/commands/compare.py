"""``tare compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tare.cli.fields import command
from tare.cli.options import Json, show, typed
from tare.comparing.inputs import CompareRequest

if TYPE_CHECKING:
    from tare.statistics.dataset_stats import DatasetStats


@command(CompareRequest)
def compare(
    request: CompareRequest,
    html: Annotated[Path | None, typer.Option(help="Also write a self-contained page.", dir_okay=False)] = None,
    as_json: Json = False,
) -> None:
    """Compare dataset B with A: shift of mean and ratio of stds with intervals, and the cause: content, gain, gamma, units.

    Exit code 0 if no difference is shown, 1 if one is shown or the figures are too uncertain, 2 if A and B cannot be compared.
    """
    from tare.comparing.shift import compare_stats
    from tare.comparing.sides import check_options, sides_from, stats_from
    from tare.reporting import console
    from tare.reporting.comparison.report import print_comparison, write_comparison

    check_options((request.source, request.target), request.stated())

    def opened(name: str, data: str) -> DatasetStats:
        with console.counting(f"measuring {name}", "samples") as progress:
            return stats_from(data, request, progress)

    found = compare_stats(*sides_from(request, opened))
    if html is not None:
        write_comparison(found, html, typed())
    show(found, as_json, print_comparison)
    raise typer.Exit(0 if found.clean else 1)
