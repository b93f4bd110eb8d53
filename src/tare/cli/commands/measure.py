"""``tare measure``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tare.cli.options import (
    AlphaName,
    AsSeen,
    ColourName,
    Columns,
    EngineName,
    ExcludeNan,
    Json,
    MaxSkipped,
    Seed,
    Workers,
    print_json,
)

if TYPE_CHECKING:
    from tare.normalisation.catalog import Match

_DATA = "A folder, file, pattern or URL of images, .wav, .tar, .parquet, .arrow, .csv, .npy, .npz, .idx, or a .txt list."


def measure(
    data: Annotated[str, typer.Argument(help=_DATA, metavar="DATA", show_default=False)],
    as_json: Json = False,
    out: Annotated[Path | None, typer.Option(help="Also write the statistics to this JSON file.")] = None,
    channels: Annotated[ColourName, typer.Option(help="Convert every image, or keep what is stored.")] = ColourName.stored,
    columns: Columns = None,
    layout: Annotated[str | None, typer.Option(help="Meaning of an array's axes, such as NHWC, NCHW, NTC or NC.")] = None,
    array: Annotated[str | None, typer.Option(help="Which array of an .npz archive.")] = None,
    exclude_nan: ExcludeNan = False,
    as_seen: AsSeen = None,
    alpha: Annotated[AlphaName, typer.Option(help="What becomes of alpha in image files.")] = AlphaName.drop,
    background: Annotated[
        str | None, typer.Option(metavar="RRGGBB", help="What --alpha composite lays images over.", show_default="ffffff")
    ] = None,
    workers: Workers = None,
    engine: Annotated[EngineName, typer.Option(help="Read on this machine, or on Ray (RAY_ADDRESS names a cluster).")] = (
        EngineName.local
    ),
    checkpoint: Annotated[
        Path | None, typer.Option(help="Keep a long pass in this file, and take it up from there.", dir_okay=False)
    ] = None,
    sample: Annotated[
        bool, typer.Option("--sample", help="Read samples in random order until mean and std are known within --tol.")
    ] = False,
    tol: Annotated[float | None, typer.Option(help="Tolerance of --sample, in unit values.", show_default="0.01")] = None,
    confidence: Annotated[float, typer.Option(help="Confidence of --sample, for all channels at once.")] = 0.95,
    seed: Seed = 0,
    max_skipped: MaxSkipped = 0.01,
) -> None:
    """Measure per-channel mean and std of a dataset, exact, with standard errors that count samples."""
    from tare.measuring.api import measure as measure_data
    from tare.measuring.one_pass import TooManySkippedError
    from tare.normalisation.catalog import matches
    from tare.reporting import console

    if tol is not None and not sample:
        raise typer.BadParameter("it belongs to --sample", param_hint="--tol")
    failure: TooManySkippedError | None = None
    with console.counting("measuring", "samples") as progress:
        try:
            stats = measure_data(
                data,
                workers=workers,
                channels=channels.value,
                columns=columns.split(",") if columns is not None else None,
                layout=layout,
                array=array,
                exclude_nan=exclude_nan,
                as_seen=as_seen,
                alpha=alpha.value,
                background=background,
                engine=engine.value,
                checkpoint=checkpoint,
                tolerance=(0.01 if tol is None else tol) if sample else None,
                confidence=confidence,
                seed=seed,
                max_skipped=max_skipped,
                progress=progress,
            )
        except TooManySkippedError as error:
            failure, stats = error, error.stats
    found = matches(stats)
    if as_json:
        print_json({**stats.to_json(), "matches": [_match(match) for match in found]})
    else:
        console.print_stats(stats, found)
    if failure is not None:  # the readable samples' statistics are shown; the exit code says that they are not to be trusted
        raise failure
    if out is not None:
        stats.save(out)


def _match(match: Match) -> dict[str, Any]:
    entry = match.entry
    found = {"name": entry.name, "dataset": entry.dataset, "split": entry.split, "mean": entry.mean, "std": entry.std}
    return {**found, "source": entry.source, **{key: value for key, value in asdict(match).items() if key != "entry"}}
