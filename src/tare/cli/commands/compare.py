"""``tare compare``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tare.cli.fields import command
from tare.cli.options import Json, show
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
        words = ["tare", "compare", request.source, request.target, *_stated(request), "--html", str(html)]
        write_comparison(found, html, shlex.join(words))
    show(found, as_json, print_comparison)
    raise typer.Exit(0 if found.clean else 1)


def _stated(request: CompareRequest) -> list[str]:
    """The options of the command that gives the same figures again, for the page."""
    return [
        *([] if request.channels == "stored" else ["--channels", request.channels]),
        *([] if request.columns is None else ["--columns", ",".join(request.columns)]),
        *(["--exclude-nan"] if request.exclude_nan else []),
        *([] if request.as_seen is None else ["--as-seen", request.as_seen]),
    ]
