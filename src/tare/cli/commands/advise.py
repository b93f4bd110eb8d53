"""``tare advise``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from tare.cli.options import (
    Array,
    Crop,
    Interpolation,
    Json,
    Label,
    LabelPattern,
    Length,
    MaxSkipped,
    Model,
    Seed,
    Size,
    SourceMean,
    SourceStd,
    Spec,
    Weights,
    Workers,
    numbers_of,
    print_json,
)

_DATA = "Images, signals or rows of numbers, as `tare transfer` takes them; or, without labels, as `tare measure` does."
_STATS = "Dataset0's statistics: a file of `tare measure --out`, a catalog name such as imagenet-pooled, or data."


def advise(
    data: Annotated[str, typer.Argument(help=_DATA, metavar="DATA")],
    model: Model,
    weights: Weights = "pretrained",
    mean: SourceMean = None,
    std: SourceStd = None,
    spec: Spec = None,
    source_stats: Annotated[str | None, typer.Option(help=_STATS)] = None,
    labels: Annotated[
        bool | None, typer.Option("--labels/--no-labels", help="Require labels, or ignore them; else used where there are any.")
    ] = None,
    label: Label = None,
    label_pattern: LabelPattern = None,
    array: Array = None,
    size: Size = None,
    interpolation: Interpolation = None,
    crop: Crop = None,
    length: Length = None,
    html: Annotated[Path | None, typer.Option(help="Also write a self-contained page.", dir_okay=False)] = None,
    seed: Seed = 0,
    workers: Workers = None,
    max_skipped: MaxSkipped = 0.01,
    as_json: Json = False,
) -> None:
    """Recommend a normalisation strategy for a network and your data, with the evidence, the rule and what would change it.

    With labels the training split alone is used, the one that `tare transfer` makes with the same seed.
    """
    from tare.advising.api import advise as run_advise
    from tare.reporting import console
    from tare.reporting.advice import print_advice, write_advice

    found = run_advise(
        model,
        data,
        weights=weights,
        mean=numbers_of(mean, "--mean"),
        std=numbers_of(std, "--std"),
        spec=spec,
        source_stats=source_stats,
        labels=labels,
        label=label,
        label_pattern=label_pattern,
        array=array,
        size=size,
        interpolation=interpolation,
        crop=crop,
        length=length,
        seed=seed,
        workers=workers,
        max_skipped=max_skipped,
        reporter=console,
    )
    if html is not None:
        write_advice(found, html, shlex.join(["tare", *sys.argv[1:]]))
    if as_json:
        print_json(found.to_json())
    else:
        print_advice(found)
