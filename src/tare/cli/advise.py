"""``tare advise``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from tare.cli.explain import MODEL
from tare.cli.options import (
    Crop,
    Interpolation,
    Json,
    MaxSkipped,
    Seed,
    Size,
    SourceMean,
    SourceStd,
    Spec,
    Workers,
    numbers_of,
    print_json,
)

_DATA = "Images: train/ and val/ with a folder per class, one folder per class, or whatever `tare measure` takes."
_STATS = "Dataset0's statistics: a file of `tare measure --out`, a catalog name such as imagenet-pooled, or data."


def advise(
    data: Annotated[str, typer.Argument(help=_DATA, metavar="DATA")],
    model: Annotated[str, typer.Option(help=MODEL)],
    weights: Annotated[str, typer.Option(help="pretrained, none, or a .safetensors or .pth file.")] = "pretrained",
    mean: SourceMean = None,
    std: SourceStd = None,
    spec: Spec = None,
    source_stats: Annotated[str | None, typer.Option(help=_STATS)] = None,
    labels: Annotated[
        bool | None, typer.Option("--labels/--no-labels", help="Require labels, or ignore them; else used where there are any.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="The column or array of labels, if not called so.")] = None,
    label_pattern: Annotated[str | None, typer.Option(help="Regular expression: its first group in a path is the label.")] = None,
    array: Annotated[str | None, typer.Option(help="The array of images in an .npz.")] = None,
    size: Size = None,
    interpolation: Interpolation = None,
    crop: Crop = None,
    html: Annotated[Path | None, typer.Option(help="Also write a self-contained page.", dir_okay=False)] = None,
    seed: Seed = 0,
    workers: Workers = None,
    max_skipped: MaxSkipped = 0.01,
    as_json: Json = False,
) -> None:
    """Recommend a normalisation strategy for a network and your data, with the evidence, the rule and what would change it.

    With labels the training split alone is used, the one that `tare transfer` makes with the same seed.
    """
    from tare.advising import advise as run_advise
    from tare.reporting import console
    from tare.reporting.advice_report import print_advice, write_advice

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
