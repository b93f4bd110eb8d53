"""``tare explain``."""

from __future__ import annotations

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


def explain(
    model: Model,
    data: Annotated[
        str | None, typer.Argument(help="Images, signals or rows of numbers; without, an example shift.", metavar="[DATA]")
    ] = None,
    weights: Weights = "pretrained",
    mean: SourceMean = None,
    std: SourceStd = None,
    spec: Spec = None,
    size: Size = None,
    interpolation: Interpolation = None,
    crop: Crop = None,
    length: Length = None,
    label: Label = None,
    label_pattern: LabelPattern = None,
    array: Array = None,
    seed: Seed = 0,
    workers: Workers = None,
    max_skipped: MaxSkipped = 0.01,
    as_json: Json = False,
) -> None:
    """Say why the choice of mean and std matters, or not, for this network: what its first layers leave of the difference."""
    from tare.advising.explaining.api import explain as run_explain
    from tare.reporting import console
    from tare.reporting.explanation import print_explanation

    found = run_explain(
        model,
        data,
        weights=weights,
        mean=numbers_of(mean, "--mean"),
        std=numbers_of(std, "--std"),
        spec=spec,
        size=size,
        interpolation=interpolation,
        crop=crop,
        length=length,
        label=label,
        label_pattern=label_pattern,
        array=array,
        seed=seed,
        workers=workers,
        max_skipped=max_skipped,
        reporter=console,
    )
    if as_json:
        print_json(found.to_json())
    else:
        print_explanation(found)
