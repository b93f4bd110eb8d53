"""``tare explain``."""

from __future__ import annotations

from typing import Annotated

import typer

from tare.cli.options import Json, MaxSkipped, Seed, Workers, numbers_of, print_json

MODEL = "timm:NAME, torchvision:NAME, the directory of an earlier run, or FILE.py:FACTORY (runs that file)."


def explain(
    model: Annotated[str, typer.Option(help=MODEL)],
    data: Annotated[
        str | None, typer.Argument(help="Images as `tare measure` takes them; without, an example shift.", metavar="[DATA]")
    ] = None,
    weights: Annotated[str, typer.Option(help="pretrained, none, or a .safetensors or .pth file.")] = "pretrained",
    mean: Annotated[
        str | None, typer.Option(help="Source mean in unit values, if the network states none: 0.5,0.5,0.5 or 0.5")
    ] = None,
    std: Annotated[str | None, typer.Option(help="Source std, likewise.")] = None,
    size: Annotated[int | None, typer.Option(help="Input size in pixels, if not the network's own.", min=1)] = None,
    interpolation: Annotated[str | None, typer.Option(help="bilinear, bicubic, nearest or lanczos, if not its own.")] = None,
    crop: Annotated[float | None, typer.Option(help="Share of the edge that the centre crop keeps, if not its own.")] = None,
    seed: Seed = 0,
    workers: Workers = None,
    max_skipped: MaxSkipped = 0.01,
    as_json: Json = False,
) -> None:
    """Say why the choice of mean and std matters, or not, for this network: what its first layers leave of the difference."""
    from tare.explaining import explain as run_explain
    from tare.reporting import console
    from tare.reporting.explanation_report import print_explanation

    found = run_explain(
        model,
        data,
        weights=weights,
        mean=numbers_of(mean, "--mean"),
        std=numbers_of(std, "--std"),
        size=size,
        interpolation=interpolation,
        crop=crop,
        seed=seed,
        workers=workers,
        max_skipped=max_skipped,
        reporter=console,
    )
    if as_json:
        print_json(found.to_json())
    else:
        print_explanation(found)
