"""What the commands share: options, and how JSON leaves the program."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer


class ColourName(StrEnum):
    """How images are read."""

    stored = "stored"
    grey = "grey"
    rgb = "rgb"


class AlphaName(StrEnum):
    """What becomes of transparency."""

    drop = "drop"
    composite = "composite"


class EngineName(StrEnum):
    """Where chunks are read."""

    local = "local"
    ray = "ray"


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Workers = Annotated[int | None, typer.Option(help="Parallel readers; the result does not depend on it.", min=1)]
MaxSkipped = Annotated[float, typer.Option(help="Largest share of unreadable samples that is no failure.", min=0, max=1)]
Columns = Annotated[str | None, typer.Option(help="Columns of a table, with commas between, or the one of images.")]
ExcludeNan = Annotated[bool, typer.Option("--exclude-nan", help="Leave NaN and infinities out.")]
AsSeen = Annotated[
    str | None,
    typer.Option(metavar="SPEC|HxW", help="Measure after a network's resize and crop: a spec file, model directory, or size."),
]
Size = Annotated[int | None, typer.Option(help="Input size in pixels, if not the network's own.", min=1)]
Interpolation = Annotated[str | None, typer.Option(help="bilinear, bicubic, nearest or lanczos, if not its own.")]
Crop = Annotated[float | None, typer.Option(help="Share of the edge that the centre crop keeps, if not its own.")]
Length = Annotated[int | None, typer.Option(help="Steps of a signal, if not the earlier run's or the median of the data.", min=1)]
Label = Annotated[str | None, typer.Option(help="The column or array of labels, if not called so.")]
LabelPattern = Annotated[
    str | None, typer.Option(help="Regular expression: its first group in a path is the label; paths without it are left out.")
]
Array = Annotated[str | None, typer.Option(help="The array of samples in an .npz.")]
Model = Annotated[
    str,
    typer.Option(
        help="timm:NAME, torchvision:NAME, the directory of an earlier run, or FILE.py:FACTORY (runs that file); tare:cnn1d or "
        "tare:mlp with --weights RUN."
    ),
]
Weights = Annotated[str, typer.Option(help="pretrained, none, a .safetensors or .pth file, or an earlier run.")]
SourceMean = Annotated[
    str | None, typer.Option(help="Source mean in unit values, if the network states none: 0.5,0.5,0.5 or 0.5")
]
SourceStd = Annotated[str | None, typer.Option(help="Source std, likewise.")]
SPEC_HELP = "What the network expects: a file of `tare identify --out` or `tare spec --json`, or a name that `tare spec` reads."
Spec = Annotated[str | None, typer.Option(metavar="SPEC", help=SPEC_HELP)]
Seed = Annotated[int, typer.Option(help="Seed of everything random.", min=0)]


def print_json(document: dict[str, Any]) -> None:
    """Print one JSON object; NaN is not JSON and never passes."""
    from tare.system.files import json_text

    typer.echo(json_text(document))


def numbers_of(text: str | None, option: str) -> list[float] | None:
    """Numbers with commas or blanks between; None where the option was not given. Raises :class:`SpecError` for a word."""
    from tare.errors import SpecError

    if text is None:
        return None
    try:
        return [float(part) for part in text.replace(",", " ").split()]
    except ValueError:
        raise SpecError(f"numbers after {option}", f"{text!r}", "write them as 0.485,0.456,0.406") from None
