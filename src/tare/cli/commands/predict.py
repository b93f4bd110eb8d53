"""``tare predict``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tare.cli.fields import command, load
from tare.cli.options import Json
from tare.predicting.inputs import PredictRequest


@command(PredictRequest)
def predict(
    request: PredictRequest,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one JSON object a line, as samples are answered.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output.", dir_okay=False)] = None,
    spreadsheet: Annotated[
        bool,
        typer.Option("--spreadsheet", help="Put an apostrophe before text of the CSV that begins as a formula does."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Answer images, recordings or rows with a trained model, read from its directory alone; CSV unless asked otherwise.

    A recording is one sample; each row of an array (.npy, .npz) or of a table with training's columns is another. A
    sample that cannot be read gets a row that says so. Exit code 0 if all samples were answered, 1 if some
    were not, 2 if none was.
    """
    from tare.errors import DataError, SpecError

    if as_json and jsonl:
        raise SpecError("one of --json and --jsonl", "both", "leave one out")
    if spreadsheet and (as_json or jsonl):
        raise SpecError("--spreadsheet with CSV", "--json or --jsonl", "leave one out")
    load("tare.predicting.answers")
    from tare.input_spec.geometry import NOUNS
    from tare.networks.stored.trained import open_trained
    from tare.predicting.answers import predictions
    from tare.predicting.samples import inputs_of
    from tare.reporting import console
    from tare.reporting.predictions import PredictionFormat, Tabled, write_predictions

    form: PredictionFormat = "json" if as_json else "jsonl" if jsonl else "csv"
    with console.working("loading the model"):
        trained = open_trained(Path(request.run), request.factory, trusted=request.trust_remote_code)
    inputs = inputs_of(trained, request.images, request.allow, request.layout)
    noun = NOUNS[trained.model.takes.kind]
    answers = predictions(trained, inputs, replace(request, reporter=console))
    with console.counting("predicting", noun, len(inputs.names)) as advance:
        table = Tabled(trained.model.task, request.top, spreadsheet)
        failed = write_predictions(answers, out, form, str(request.run), table, advance)
    if failed == len(inputs.names):
        one = "an image" if noun == "images" else f"a {noun.removesuffix('s')}"
        raise DataError(f"{one} that can be read", f"none of {failed}", "each row says why")
    raise typer.Exit(1 if failed else 0)
