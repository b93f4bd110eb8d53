"""``tare measure``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tare.cli.options import ColourName, Json, MaxSkipped, Workers, print_json


def measure(
    data: Annotated[Path, typer.Argument(help="A folder of images, nested or not.", metavar="DIR")],
    as_json: Json = False,
    out: Annotated[Path | None, typer.Option(help="Also write the statistics to this JSON file.")] = None,
    channels: Annotated[ColourName, typer.Option(help="Convert every image, or keep what is stored.")] = ColourName.stored,
    workers: Workers = None,
    max_skipped: MaxSkipped = 0.01,
) -> None:
    """Measure per-channel mean and std of a dataset, exact, with standard errors that count images."""
    from tare.measuring import TooManySkippedError
    from tare.measuring import measure as measure_data
    from tare.reporting import console

    failure: TooManySkippedError | None = None
    with console.counting("measuring", "images") as progress:
        try:
            stats = measure_data(data, workers=workers, channels=channels.value, max_skipped=max_skipped, progress=progress)
        except TooManySkippedError as error:
            failure, stats = error, error.stats
    if as_json:
        print_json(stats.to_json())
    else:
        console.print_stats(stats)
    if failure is not None:  # the readable samples' statistics are shown; the exit code says that they are not to be trusted
        raise failure
    if out is not None:
        stats.save(out)
