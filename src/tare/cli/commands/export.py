"""``tare export``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tare.cli.options import Json, print_json


class FormatName(StrEnum):
    """The formats by name; the library checks them against its own."""

    onnx = "onnx"
    torchscript = "torchscript"
    pt2 = "pt2"
    safetensors = "safetensors"
    hf = "hf"
    timm = "timm"


class LayoutName(StrEnum):
    """Order of the axes of the images that a graph takes; signals are ``(N, T, C)``, rows ``(N, C)``."""

    nhwc = "NHWC"
    nchw = "NCHW"


class OutputName(StrEnum):
    """What a graph gives."""

    both = "both"
    probabilities = "probabilities"
    logits = "logits"


def export(
    run: Annotated[Path, typer.Argument(help="A run directory of `tare transfer`, or its model/.", metavar="RUN")],
    form: Annotated[FormatName, typer.Option("--format", help="onnx, torchscript and pt2 hold the whole graph.")],
    out: Annotated[Path, typer.Option(help="The file or folder to make.")],
    layout: Annotated[
        LayoutName | None,
        typer.Option(help="Axes of the raw uint8 images that a graph takes.", show_default="NHWC; signals are NTC, rows NC"),
    ] = None,
    output: Annotated[OutputName, typer.Option(help="What a graph gives; both: probabilities, then logits.")] = OutputName.both,
    with_resize: Annotated[
        bool, typer.Option("--with-resize", help="Put resize and crop into the graph: images of any size, signals of any length.")
    ] = False,
    images: Annotated[
        list[str] | None, typer.Option(help="Compare on these samples, not on the run's own.", metavar="PATH")
    ] = None,
    factory: Annotated[
        str | None, typer.Option("--model", help="FILE.py:FACTORY of a network that timm does not know; runs that file.")
    ] = None,
    opset: Annotated[int | None, typer.Option(help="ONNX opset, if not the exporter's own choice.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier export.")] = False,
    as_json: Json = False,
) -> None:
    """Write a trained model with its normalisation inside, compared with PyTorch on real samples before it is kept.

    A graph that differs by more than 1e-4 on logits is refused, and nothing is left. Exit code 0 written, 2 refused.
    """
    from tare.exporting.api import export as export_model
    from tare.reporting import console
    from tare.reporting.exports import print_export

    made = export_model(
        run,
        form.value,
        out,
        layout=layout.value if layout is not None else None,
        output=output.value,
        with_resize=with_resize,
        images=images or (),
        factory=factory,
        opset=opset,
        overwrite=overwrite,
        reporter=console,
    )
    if as_json:
        print_json(made.to_json())
    else:
        print_export(made)
