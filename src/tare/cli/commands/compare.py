"""``tare compare``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tare.cli.fields import command
from tare.cli.options import Json, print_json
from tare.comparing.inputs import CompareRequest

if TYPE_CHECKING:
    from tare.statistics.dataset_stats import DatasetStats


@command(CompareRequest)
def compare(
    request: CompareRequest,
    html: Annotated[Path | None, typer.Option(help="Also write a self-contained page.", dir_okay=False)] = None,
    as_json: Json = False,
) -> None:
    """Say how B differs from A: shift and ratio with intervals, and whether it looks like content, gain, offset or units.

    Exit code 0 where no difference is shown, 1 where one is or the figures cannot tell, 2 where they cannot be compared.
    """
    from tare.comparing.shift import compare_stats
    from tare.comparing.sides import check_options, stats_from
    from tare.reporting import console
    from tare.reporting.comparison.report import print_comparison, write_comparison

    check_options((request.source, request.target), request.stated())

    def opened(name: str, data: str) -> DatasetStats:
        with console.counting(f"measuring {name}", "samples") as progress:
            return stats_from(data, request, progress)

    found = compare_stats(opened("A", request.source), opened("B", request.target))
    if html is not None:
        words = ["tare", "compare", request.source, request.target, *_said(request), "--html", str(html)]
        write_comparison(found, html, shlex.join(words))
    if as_json:
        print_json(found.to_json())
    else:
        print_comparison(found)
    raise typer.Exit(0 if found.clean else 1)


def _said(request: CompareRequest) -> list[str]:
    """The options that the page's command needs to come to the same figures."""
    return [
        *([] if request.channels == "stored" else ["--channels", request.channels]),
        *([] if request.columns is None else ["--columns", ",".join(request.columns)]),
        *(["--exclude-nan"] if request.exclude_nan else []),
        *([] if request.as_seen is None else ["--as-seen", request.as_seen]),
    ]
