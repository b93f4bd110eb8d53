"""``tare identify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tare.cli.options import Json, Seed, print_json


def identify(
    data: Annotated[
        str,
        typer.Argument(
            help="Images of the kind the network is for, best those it was trained on: a folder, or what `tare measure` takes.",
            metavar="DATA",
        ),
    ],
    model: Annotated[
        str,
        typer.Option(help="The architecture: timm:NAME, torchvision:NAME, or FILE.py:FACTORY (runs that file).", metavar="ARCH"),
    ],
    checkpoint: Annotated[str, typer.Option(help="Its weights: a .safetensors or .pth file.", metavar="FILE")],
    labels: Annotated[
        str | None,
        typer.Option(
            help="Rank by known classes: `folders`, or a CSV file of file name and class index. Needed without batch norm."
        ),
    ] = None,
    in_domain: Annotated[
        bool, typer.Option("--in-domain", help="The images are from the data that the network was trained on: less is left open.")
    ] = False,
    size: Annotated[int | None, typer.Option(help="Input size in pixels, if the network does not state its own.", min=1)] = None,
    samples: Annotated[int, typer.Option(help="How many images to read.", min=8)] = 128,
    confidence: Annotated[float, typer.Option(help="Of the ambiguity set.", min=0.5, max=0.999)] = 0.95,
    out: Annotated[Path | None, typer.Option(help="Write what was found as a spec file.", dir_okay=False)] = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Find out which normalisation a checkpoint was trained with, from what its batch norm remembers.

    Exit code 0 if the kind of normalisation is known, 1 if more than one kind is left, 2 if nothing can be said.
    """
    from tare.identifying.api import identify as identify_checkpoint
    from tare.identifying.api import write_spec
    from tare.reporting import console
    from tare.reporting.identification import print_identification

    found = identify_checkpoint(
        model=model,
        checkpoint=checkpoint,
        data=data,
        labels=labels,
        size=size,
        samples=samples,
        in_domain=in_domain,
        confidence=confidence,
        seed=seed,
        reporter=console,
    )
    if out is not None:
        write_spec(found, out)
    if as_json:
        print_json(found.to_json())
    else:
        print_identification(found, None if out is None else str(out))
    raise typer.Exit(0 if found.identifiable else 1)
