"""``tare spec``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tare.cli.fields import command
from tare.cli.options import Json, print_json
from tare.readers.inputs import SpecRequest

if TYPE_CHECKING:
    from tare.input_spec.spec import InputSpec

Format = Literal["tare", "timm", "hf"]


@command(SpecRequest)
def spec(
    request: SpecRequest,
    out: Annotated[Path | None, typer.Option(help="Also write it to this JSON file.", dir_okay=False)] = None,
    form: Annotated[
        Format, typer.Option("--format", help="tare's own, timm's pretrained_cfg, or a Hugging Face preprocessor_config.")
    ] = "tare",
    against: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Say whether another network expects the same values.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what a network expects at its input: order, scale, mean, std, size, and where each was read.

    Nothing is downloaded without --online, and nothing that is read is executed. With --against: exit code 0 if equal raw
    values reach both networks as equal numbers, 1 if not. Exit code 2 if it cannot be read, or said in that format.
    """
    from tare.input_spec.foreign import other_middle
    from tare.readers.table import read_spec
    from tare.reporting import console
    from tare.system.files import json_text, write_text

    with console.working("reading what is stated"):
        first = read_spec(request.model, online=request.online)
        second = None if against is None else read_spec(against, online=request.online)
    document = _document(first, form)
    if form != "tare" and (remark := other_middle(first.fields(), form)) is not None:
        console.note(remark)
    if out is not None:
        write_text(out, json_text(document) + "\n")
    if against is not None and second is not None:
        raise typer.Exit(_compare(request.model, first, against, second, as_json))
    if as_json or form != "tare":
        print_json(document)
    else:
        console.tell(first.describe())


def _document(stated: InputSpec, form: Format) -> dict[str, Any]:
    if form == "timm":
        return stated.to_timm()
    return stated.to_hf() if form == "hf" else stated.to_json()


def _compare(name: str, first: InputSpec, other: str, second: InputSpec, as_json: bool) -> int:
    from tare.input_spec.difference import spec_difference
    from tare.reporting import console

    found = spec_difference(first, second)
    if as_json:
        print_json({"a": name, "b": other, **found.to_json()})
    else:
        console.tell(found.describe())
    return 0 if found.equivalent else 1
