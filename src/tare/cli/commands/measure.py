"""``tare measure``."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tare.cli.fields import command
from tare.cli.options import Json, print_json
from tare.errors import DataError
from tare.measuring.inputs import MeasureRequest

if TYPE_CHECKING:
    from tare.normalisation.catalog import Match


@command(MeasureRequest)
def measure(
    request: MeasureRequest,
    sample: Annotated[
        bool, typer.Option("--sample", help="Read samples in random order until mean and std are known within --tol.")
    ] = False,
    tol: Annotated[float | None, typer.Option(help="Tolerance of --sample, in unit values.", show_default="0.01")] = None,
    out: Annotated[Path | None, typer.Option(help="Also write the statistics to this JSON file.")] = None,
    reference: Annotated[
        Path | None,
        typer.Option(help="Also write what `tare drift` tests later data against, in a second pass.", dir_okay=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure the exact mean and std of each channel of a dataset, with standard errors that count samples."""
    if tol is not None and not sample:
        raise typer.BadParameter("it needs --sample", param_hint="--tol")
    if tol is not None and not tol > 0:
        raise DataError("a positive tolerance in unit values", f"{tol}", "state for example --tol 0.01")
    from tare.measuring.api import measured
    from tare.measuring.one_pass import TooManySkippedError
    from tare.normalisation.catalog import matches
    from tare.reporting import console

    if sample:
        request = replace(request, tolerance=0.01 if tol is None else tol)
    failure: TooManySkippedError | None = None
    with console.counting("measuring", "samples") as progress:
        try:
            stats = measured(replace(request, progress=progress))
        except TooManySkippedError as error:
            failure, stats = error, error.stats
    found = matches(stats)
    if as_json:
        print_json({**stats.to_json(), "matches": [_match(match) for match in found]})
    else:
        console.print_stats(stats, found)
    if failure is not None:  # the statistics of the readable samples are shown; the exit code says not to trust them
        raise failure
    if out is not None:
        stats.save(out)
    if reference is not None:
        from tare.monitoring.measured import reference_of

        with console.counting("taking the reference", "samples") as progress:
            reference_of(replace(request, progress=progress)).save(reference)


def _match(match: Match) -> dict[str, Any]:
    entry = match.entry
    found = {"name": entry.name, "dataset": entry.dataset, "split": entry.split, "mean": entry.mean, "std": entry.std}
    return {**found, "source": entry.source, **{key: value for key, value in asdict(match).items() if key != "entry"}}
