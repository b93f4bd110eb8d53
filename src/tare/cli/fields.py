"""A command's options from the fields of a request: each is declared once, beside the field."""

from __future__ import annotations

import functools
import gc
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast, get_args, get_origin

import typer

from tare.cli.preflight.outputs import check_outputs
from tare.cli.preflight.requests import check_docstrings, preflight
from tare.system.option_files.config_file import config_values
from tare.system.options import CONFIG, Option, choices_of, flag, option_of
from tare.system.terminal.streams import others_aside

Q = TypeVar("Q")


def command(
    request: Callable[..., Q], panels: Sequence[str] = (), loads: str = ""
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a command of a function whose first parameter is a ``request``: the fields become options, before its own.

    ``panels`` is the order of the help's panels; what must be given comes first in each. ``loads`` names the module of the
    command's task, which is loaded once the request was looked at (:func:`load`).
    """
    declared = [(entry, known) for entry in fields(cast("Any", request)) if (known := option_of(entry)) and known.on_command_line]
    places = {panel: place for place, panel in enumerate(panels)}
    declared.sort(key=lambda both: (places.get(both[1].panel, len(panels)), both[0].default is not MISSING))

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        signature = inspect.Signature([*_parameters(declared, request), *(each.replace(kind=each.KEYWORD_ONLY) for each in own)])

        @functools.wraps(function)
        def run(**given: Any) -> None:
            asked = request(**{entry.name: _value(entry, known, given.pop(entry.name)) for entry, known in declared})
            check_docstrings(asked, given)
            check_outputs(asked, given)
            if "torch" not in sys.modules:  # where it is loaded nothing is saved, and the command itself tells the same
                preflight(asked)
                load(loads)
            with others_aside():  # networks and pipelines of the user's may print
                function(asked, **given)

        run.__signature__ = signature  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in signature.parameters.values()}
        return run

    return decorate


def load(module: str) -> None:
    """Load a module and what it imports, without the collector of cyclic garbage, and keep what was loaded out of its sight.

    Modules stay. To search them for garbage takes a fifth of the time in which PyTorch loads.
    """
    if not module:
        return
    was = gc.isenabled()
    gc.disable()
    try:
        importlib.import_module(module)
    finally:
        gc.freeze()
        if was:
            gc.enable()


def _parameters(declared: list[tuple[Field[Any], Option]], request: Any) -> Iterator[inspect.Parameter]:
    """The fields as keyword parameters, positional arguments first."""
    for entry, known in sorted(declared, key=lambda both: not both[1].is_argument):
        default = inspect.Parameter.empty if entry.default is MISSING else entry.default
        kind: Any = _type_of(entry, known)
        more: dict[str, Any] = {"is_eager": True, "callback": _configured(declared, request)} if entry.name == CONFIG else {}
        annotation: Any = Annotated[kind, _typer_option(entry, known, **more)]
        yield inspect.Parameter(entry.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _configured(declared: list[tuple[Field[Any], Option]], request: Any) -> Callable[..., Any]:
    """What reads a file of options before all others are parsed: its values are then their defaults."""
    lists = {entry.name for entry, known in declared if known.repeats or list in _origins(known.kind)}

    def read(context: typer.Context, value: Path | None) -> None:
        if value is not None:
            context.default_map = {
                name: _as_given(given, several=name in lists) for name, given in config_values(value, request).items()
            }

    return read


def _origins(kind: Any) -> set[Any]:
    return {get_origin(each) for each in (kind, *get_args(kind))}


def _as_given(value: Any, several: bool) -> Any:
    """A value of a file as the parser has it from the command line: a list for an option that may be given several times."""
    if isinstance(value, bool):
        return value
    values = value if isinstance(value, list) else [value]
    return values if several else ",".join(values)


def _typer_option(entry: Field[Any], known: Option, **more: Any) -> Any:
    shown: dict[str, Any] = {
        "help": known.help,
        "metavar": known.metavar,
        "dir_okay": not known.of_file,
        "file_okay": not known.of_folder,
    }
    if known.shown is not None:
        shown["show_default"] = known.shown
    if known.is_argument:
        return typer.Argument(**{**shown, "metavar": known.metavar or entry.name.upper()})
    names = known.names or ((flag(entry.name),) if entry.type is bool else ())
    shown |= {**more, "rich_help_panel": known.panel or None, "min": _least(entry, known), "max": known.most}
    return typer.Option(*names, **shown)


def _least(entry: Field[Any], known: Option) -> float | None:
    """The least value that the parser accepts; a number above zero that is not whole is left to the request's own check."""
    if known.least is not None or known.above is None:
        return known.least
    return known.above + 1 if int in (entry.type, *get_args(entry.type)) else None


def _type_of(entry: Field[Any], known: Option) -> Any:
    """The type of the option on the command line: text where the request reads it itself."""
    if known.reads is not None:
        kind: Any = list[str] if known.repeats else str
        return kind | None if entry.default is None else kind
    if known.kind is not None:
        return known.kind
    words = choices_of(entry.type)
    return Literal[words] if words else entry.type


def _value(entry: Field[Any], known: Option, given: Any) -> Any:
    """The field's value from what the parser gives."""
    if known.repeats and isinstance(given, list):
        given = ",".join(given) if given else entry.default
    return known.reads(given, flag(entry.name)) if known.reads is not None and isinstance(given, str) else given
