"""``tare spec``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tare.cli.options import Json, print_json

if TYPE_CHECKING:
    from tare.input_spec.spec import InputSpec

_MODEL = (
    "timm:NAME, torchvision:NAME, hf:DIR_OR_ID, keras:NAME, catalog:NAME, a spec, config or model file, or a model directory."
)
Format = Literal["tare", "timm", "hf"]


def spec(
    model: Annotated[str, typer.Argument(help=_MODEL, metavar="MODEL", show_default=False)],
    as_json: Json = False,
    out: Annotated[Path | None, typer.Option(help="Also write it to this JSON file.", dir_okay=False)] = None,
    form: Annotated[
        Format, typer.Option("--format", help="tare's own, timm's pretrained_cfg, or a Hugging Face preprocessor_config.")
    ] = "tare",
    against: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Say whether another network expects the same values.")
    ] = None,
    online: Annotated[bool, typer.Option("--online", help="Let hf:ID ask the hub; otherwise only its local cache.")] = False,
) -> None:
    """Say what a network expects at its input: order, scale, mean, std, size, and where each was read.

    Nothing is downloaded without --online, and nothing that is read is executed. With --against: exit code 0 if equal raw
    values reach both networks as equal numbers, 1 if not. Exit code 2 if it cannot be read, or said in that format.
    """
    from tare.readers.table import read_spec
    from tare.system.files import json_text, write_text

    first = read_spec(model, online=online)
    if against is not None:
        raise typer.Exit(_compare(model, first, against, read_spec(against, online=online), as_json))
    document = _document(first, form)
    if out is not None:
        write_text(out, json_text(document) + "\n")
    if as_json or form != "tare":
        print_json(document)
    else:
        typer.echo(first.describe())


def _document(stated: InputSpec, form: Format) -> dict[str, Any]:
    if form == "timm":
        return stated.to_timm()
    return stated.to_hf() if form == "hf" else stated.to_json()


def _compare(name: str, first: InputSpec, other: str, second: InputSpec, as_json: bool) -> int:
    from tare.input_spec.difference import spec_difference

    found = spec_difference(first, second)
    if as_json:
        print_json({"a": name, "b": other, **found.to_json()})
    else:
        typer.echo(found.describe())
    return 0 if found.equivalent else 1
