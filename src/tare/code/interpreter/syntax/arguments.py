"""Options of a command line: what ``add_argument`` gives as default."""

from __future__ import annotations

from collections.abc import Mapping

from tare.code.interpreter.values import UNKNOWN, Call, Choice, Items, Literal, Table, Value, named, softened

Options = dict[Value, dict[str, Value]]


def add_option(options: Options, parser: Value, args: tuple[Value, ...], keywords: Mapping[str, Value]) -> None:
    """Enter what ``parser.add_argument(...)`` declares."""
    found = declared(args, keywords)
    if found is not None:
        options.setdefault(parser, {})[found[0]] = found[1]


def declared(args: tuple[Value, ...], keywords: Mapping[str, Value]) -> tuple[str, Value] | None:
    """The name under which an option is read, and its default; None if it has no name."""
    flags = [each.value for each in args if isinstance(each, Literal) and isinstance(each.value, str)]
    if not flags:
        return None
    long = next((each for each in flags if each.startswith("--")), flags[0])
    bare = next((each for each in flags if not each.startswith("-")), long)  # click takes a name without dashes
    stated = keywords.get("dest")
    name = str(stated.value) if isinstance(stated, Literal) else bare.lstrip("-").partition("/")[0].replace("-", "_")
    return name, named(_default(keywords), name)


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
    known = options.get(parser, {}) if parser is not owner else {}
    return _given(owner, name, known) or known.get(name)


def everything(options: Options, owner: Value) -> Table | None:
    """``vars(args)`` as a dictionary; None if ``owner`` is nothing that a parser returned."""
    parser = _parser(owner)
    if parser is owner or parser not in options:
        return None
    known = options[parser]
    return Table({name: _given(owner, name, known) or default for name, default in known.items()})


def _given(owner: Value, name: str, known: Mapping[str, Value]) -> Value | None:
    """The value that a list of arguments in the code gives an option; None where none does, and the default stays."""
    if name not in known:
        return None
    while isinstance(owner, Call) and owner.function in ("operator.part", "operator.item"):
        owner = owner.args[0]
    given = owner.argument(0, "args") if isinstance(owner, Call) else None
    if isinstance(given, Choice):
        return UNKNOWN
    if not isinstance(given, Items):
        return None
    texts = [each.value if isinstance(each, Literal) else None for each in given.items]
    for index, each in enumerate(texts):
        flag, _, value = each.partition("=") if isinstance(each, str) else ("", "", "")
        called = flag.removeprefix("--").replace("-", "_")
        if each is None or (isinstance(each, str) and each.startswith("-") and called not in known):
            return UNKNOWN  # it may be a short name of any option
        if called == name and flag.startswith("--"):
            default = known[name]
            following = value or next(iter(texts[index + 1 :]), None)
            is_text = isinstance(default, Literal) and isinstance(default.value, str) and isinstance(following, str)
            return Literal(following, given.spot) if is_text else UNKNOWN
    return None


def _parser(value: Value) -> Value:
    """The parser from which a value of parsed arguments comes."""
    while isinstance(value, Call) and value.function in ("operator.part", "operator.item", ".parse_args", ".parse_known_args"):
        value = value.receiver if value.function.startswith(".") else value.args[0]
    return value
