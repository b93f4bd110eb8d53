"""Options of a command line: what ``add_argument`` gives as default."""

from __future__ import annotations

from collections.abc import Mapping

from tare.code.interpreter.values import UNKNOWN, Call, Literal, Table, Value, named, softened

Options = dict[Value, dict[str, Value]]


def add_option(options: Options, parser: Value, args: tuple[Value, ...], keywords: Mapping[str, Value]) -> None:
    """Enter what ``parser.add_argument(...)`` declares."""
    flags = [each.value for each in args if isinstance(each, Literal) and isinstance(each.value, str)]
    if not flags:
        return
    long = next((each for each in flags if each.startswith("--")), flags[0])
    stated = keywords.get("dest")
    name = str(stated.value) if isinstance(stated, Literal) else long.lstrip("-").replace("-", "_")
    options.setdefault(parser, {})[name] = named(_default(keywords), name)


def _default(keywords: Mapping[str, Value]) -> Value:
    action = keywords.get("action")
    if "default" in keywords:
        return softened(keywords["default"])
    if isinstance(action, Literal) and action.value in ("store_true", "store_false"):
        return Literal(action.value == "store_false", action.spot, soft=True)
    return UNKNOWN


def option(options: Options, owner: Value, name: str) -> Value | None:
    """The default of ``args.name``, where ``owner`` is what a parser returned; None if it is no such thing."""
    parser = _parser(owner)
    return options.get(parser, {}).get(name) if parser is not owner else None


def everything(options: Options, owner: Value) -> Table | None:
    """``vars(args)`` as a dictionary; None if ``owner`` is nothing that a parser returned."""
    parser = _parser(owner)
    return Table(dict(options[parser])) if parser is not owner and parser in options else None


def _parser(value: Value) -> Value:
    """The parser from which a value of parsed arguments comes."""
    while isinstance(value, Call) and value.function in ("operator.part", "operator.item", ".parse_args", ".parse_known_args"):
        value = value.receiver if value.function.startswith(".") else value.args[0]
    return value
