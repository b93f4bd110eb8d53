"""``tare compare``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tare.cli.options import AsSeen, ColourName, Columns, ExcludeNan, Json, MaxSkipped, Workers, print_json

if TYPE_CHECKING:
    from tare.statistics.dataset_stats import DatasetStats

_SIDE = "A statistics file of `tare measure --out`, a catalog name such as cifar10, or data as `tare measure` takes it."


def compare(
    source: Annotated[str, typer.Argument(help=_SIDE, metavar="A", show_default=False)],
    target: Annotated[str, typer.Argument(help="Likewise.", metavar="B", show_default=False)],
    as_json: Json = False,
    html: Annotated[Path | None, typer.Option(help="Also write a self-contained page.", dir_okay=False)] = None,
    channels: Annotated[ColourName, typer.Option(help="Convert every image, or keep what is stored.")] = ColourName.stored,
    columns: Columns = None,
    exclude_nan: ExcludeNan = False,
    as_seen: AsSeen = None,
    workers: Workers = None,
    max_skipped: MaxSkipped = 0.01,
) -> None:
    """Say how B differs from A: shift and ratio with intervals, and whether it looks like content, gain, offset or units.

    Exit code 0 where no difference is shown, 1 where one is or the figures cannot tell, 2 where they cannot be compared.
    """
    from tare.comparing.inputs import check_asked, stats_from
    from tare.comparing.shift import compare_stats
    from tare.reporting import console
    from tare.reporting.comparison.report import print_comparison, write_comparison

    asked: dict[str, Any] = {"columns": columns.split(",") if columns else None, "exclude_nan": exclude_nan, "as_seen": as_seen}
    check_asked((source, target), asked)

    def opened(name: str, data: str) -> DatasetStats:
        with console.counting(f"measuring {name}", "samples") as progress:
            return stats_from(data, channels=channels.value, workers=workers, max_skipped=max_skipped, progress=progress, **asked)

    found = compare_stats(opened("A", source), opened("B", target))
    if html is not None:
        said = [
            *([] if channels is ColourName.stored else ["--channels", channels.value]),
            *([] if columns is None else ["--columns", columns]),
            *(["--exclude-nan"] if exclude_nan else []),
            *([] if as_seen is None else ["--as-seen", as_seen]),
        ]
        write_comparison(found, html, shlex.join(["tare", "compare", source, target, *said, "--html", str(html)]))
    if as_json:
        print_json(found.to_json())
    else:
        print_comparison(found)
    raise typer.Exit(0 if found.clean else 1)
