"""``tare predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tare.cli.options import Json, Workers


def predict(
    run: Annotated[Path, typer.Argument(help="A run directory of `tare transfer`, or its model/.", metavar="RUN")],
    images: Annotated[
        list[str],
        typer.Argument(help="Files, folders, patterns; - reads a list from stdin.", metavar="IMAGES...", show_default=False),
    ],
    as_json: Json = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one JSON object a line, as images are answered.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output.", dir_okay=False)] = None,
    top: Annotated[int, typer.Option(help="How many classes each, the most probable first.", min=1)] = 1,
    batch_size: Annotated[int, typer.Option(help="Images at once; the answers do not depend on it.", min=1)] = 32,
    workers: Workers = None,
    factory: Annotated[
        str | None, typer.Option("--model", help="FILE.py:FACTORY of a network that timm does not know; runs that file.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps or auto.")] = "cpu",
) -> None:
    """Classify images, recordings or rows with a trained model, by nothing but what RUN holds; CSV unless asked otherwise.

    A recording (.wav) is one sample; each row of an array (.npy, .npz) or of a table with training's columns is another. A
    sample that cannot be read gets a row that says so. Exit code 0 all answered, 1 some were not, 2 none was.
    """
    from tare.errors import DataError, SpecError
    from tare.input_spec.geometry import NOUNS
    from tare.networks.stored.trained import open_trained
    from tare.predicting.api import predictions
    from tare.predicting.inputs import inputs_of
    from tare.reporting import console
    from tare.reporting.predictions import PredictionFormat, write_predictions

    if as_json and jsonl:
        raise SpecError("one of --json and --jsonl", "both", "leave one out")
    form: PredictionFormat = "json" if as_json else "jsonl" if jsonl else "csv"
    trained = open_trained(run, factory)
    inputs = inputs_of(trained, images)
    noun = NOUNS[trained.model.takes.kind]
    options = {"top": top, "batch_size": batch_size, "workers": workers, "device": device}
    answers = predictions(trained, inputs, **options)  # type: ignore[arg-type]
    with console.counting("predicting", noun, len(inputs.names)) as advance:
        failed = write_predictions(answers, out, form, str(run), min(top, len(trained.model.classes)), advance)
    if failed == len(inputs.names):
        one = "an image" if noun == "images" else f"a {noun.removesuffix('s')}"
        raise DataError(f"{one} that can be read", f"none of {failed}", "each row says why")
    raise typer.Exit(1 if failed else 0)
