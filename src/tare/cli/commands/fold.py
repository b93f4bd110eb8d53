"""``tare fold`` and ``tare respec``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tare.cli.options import Json, print_json

if TYPE_CHECKING:
    from tare.networks.stored.folded import FoldedDirectory

_SOURCE = "A run or model directory of `tare transfer`, timm:NAME, or FILE.py:FACTORY (runs that file)."
_SPEC = "a spec, config or model file, timm:NAME, catalog:NAME, or whatever `tare spec` reads"

Source = Annotated[str, typer.Argument(help=_SOURCE, metavar="RUN|MODEL", show_default=False)]
Out = Annotated[Path, typer.Option(help="The model directory to make.", file_okay=False)]
Weights = Annotated[str, typer.Option(help="Weights of MODEL: pretrained, none, or a .safetensors or .pth file.")]
Factory = Annotated[
    str | None,
    typer.Option("--model", metavar="FILE.py:FACTORY", help="Function that built the network of RUN, if timm did not."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing model directory.")]


def fold(
    source: Source,
    out: Out,
    spec: Annotated[
        str | None,
        typer.Option(metavar="SPEC", help=f"What the network expects: {_SPEC}.", show_default="what the network states"),
    ] = None,
    takes: Annotated[
        Literal["unit", "uint8"], typer.Option("--input", help="The folded network takes unit values, or raw bytes.")
    ] = "unit",
    weights: Weights = "pretrained",
    model: Factory = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Fold the normalisation into a network's first layer, exactly, borders included.

    The result is verified on random inputs: at most 1e-5 relative difference in float32. Exit code 2 with the reason if
    it cannot be folded exactly.
    """
    from tare.networks.stored.folded import fold_to

    made = fold_to(source, out, spec=spec, takes=takes, weights=weights, factory=model, overwrite=overwrite)
    _show(made, as_json)


def respec(
    source: Source,
    to_spec: Annotated[str, typer.Option("--to", metavar="SPEC", help=f"How its input will be normalised: {_SPEC}.")],
    out: Out,
    from_spec: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="SPEC", help=f"How its input is normalised now: {_SPEC}.", show_default="what the network states"
        ),
    ] = None,
    weights: Weights = "pretrained",
    model: Factory = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Rewrite a network's first layer so that it accepts input normalised in another way, exactly.

    A network pretrained with 0.5/0.5 then runs in a pipeline with ImageNet's constants. The result is verified as that of
    `tare fold`.
    """
    from tare.networks.stored.folded import respec_to

    made = respec_to(source, out, from_spec=from_spec, to_spec=to_spec, weights=weights, factory=model, overwrite=overwrite)
    _show(made, as_json)


def _show(made: FoldedDirectory, as_json: bool) -> None:
    from tare.reporting import console
    from tare.reporting.transfer.report import loading_call

    for said in made.notes:
        console.note(said)
    if as_json:
        print_json(made.to_json())
        return
    checked = made.folded.verification
    typer.echo(made.folded.plan.describe())
    sizes = ", ".join("x".join(map(str, shape)) for shape in checked.shapes)
    typer.echo(f"verified on random inputs of {sizes}: {checked.layer_error:.1g} after the first layers,")
    typer.echo(f"{checked.network_error:.1g} at the end, relative to the largest output (at most {checked.tolerance:g})")
    if checked.own_rounding is not None:
        typer.echo(
            f"the network amplifies rounding: normalising in its own precision already moves it by {checked.own_rounding:.1g}"
        )
    typer.echo(f"{made.out}: load it with {loading_call(made.out, made.reference, in_timm=made.loads_in_timm)}")
