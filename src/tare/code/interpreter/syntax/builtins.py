"""Functions of Python, NumPy and argparse whose result follows from constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tare.code.interpreter.frame import Frame
from tare.code.interpreter.operators import LONGEST, NOT_PLAIN, is_soft, plain
from tare.code.interpreter.source import Spot
from tare.code.interpreter.syntax.arguments import add_option
from tare.code.interpreter.syntax.changes.attributes import object_of, set_by_name, updated
from tare.code.interpreter.syntax.changes.methods import merged, of_container
from tare.code.interpreter.syntax.making import note_constants
from tare.code.interpreter.values import (
    UNKNOWN,
    Call,
    Class,
    Instance,
    Items,
    Library,
    Literal,
    ModuleOf,
    Table,
    Value,
    named,
    softened,
)

Args = tuple[Value, ...]
Keywords = Mapping[str, Value]

_ARRAYS = frozenset(("array", "asarray", "float32", "float64", "tensor", "as_tensor", "FloatTensor", "Tensor", "constant"))
_ARRAY_LIBRARIES = ("numpy.", "torch.", "tensorflow.", "jax.numpy.", "cupy.", "np.")
_SHAPES = frozenset(
    [
        "view",
        "reshape",
        "astype",
        "to",
        "cuda",
        "float",
        "double",
        "type",
        "cpu",
        "numpy",
        "tolist",
        "unsqueeze",
        "flatten",
        "copy",
        "clone",
        "half",
        "detach",
        "repeat",
        "expand",
        "expand_as",
        "permute",
        "transpose",
    ]
)


def of_builtin(frame: Frame, name: str, args: Args, keywords: Keywords, spot: Spot, *, spread: bool = False) -> Value | None:
    """The result of a library's function on constants; None if it is not one of these."""
    last = name.rpartition(".")[2]
    if name == "builtins.dict":
        for key, value in keywords.items():
            note_constants(frame, spot.node, key, value)
        return _dict(args, keywords, spot, spread=spread)
    if name == "builtins.getattr":
        return _attribute(frame, args, spot)
    if name in ("builtins.setattr", "builtins.object.__setattr__") and len(args) == 3:
        set_by_name(frame, args[0], args[1], args[2], spot.node)
        return Literal(None)
    if name.startswith("builtins."):
        act = _BUILTINS.get(last)
        return act(args, spot) if act is not None else None
    if last in _ARRAYS and name.startswith(_ARRAY_LIBRARIES) and args:
        is_same = last in ("asarray", "as_tensor") and isinstance(args[0], Items) and args[0].kind == "array"
        return args[0] if is_same else as_array(args[0], spot)
    return _declared(frame, name, args, keywords, spot) or _imported(frame, name, args)


def _declared(frame: Frame, name: str, args: Args, keywords: Keywords, spot: Spot) -> Value | None:
    """The default of a field of a class, or of an option of a command line."""
    if name in ("dataclasses.field", "pydantic.Field", "attr.ib", "attrs.field"):
        if "default_factory" in keywords:
            return frame.run.engine.call(frame, keywords["default_factory"], (), {}, spot)
        return keywords.get("default")
    if name in ("typer.Option", "typer.Argument", "fastapi.Query"):
        default = args[0] if args else keywords.get("default")
        return UNKNOWN if default is None or _is_ellipsis(default) else softened(default)
    return None


def _is_ellipsis(value: Value) -> bool:
    return isinstance(value, Literal) and value.value is ...


def _imported(frame: Frame, name: str, args: Args) -> Value | None:
    """The module of the repository that ``importlib.import_module`` is asked for."""
    if name != "importlib.import_module" or not args or not isinstance(args[0], Literal) or not isinstance(args[0].value, str):
        return None
    found = frame.run.engine.imported(frame.source, args[0].value, 0)
    return found if isinstance(found, ModuleOf) else None


def as_array(value: Value, spot: Spot) -> Value | None:
    """Constants as an array, on which arithmetic goes element by element; None for anything else."""
    if isinstance(value, Items):
        return replace(value, kind="array")
    if isinstance(value, Literal) and isinstance(value.value, int | float):
        return replace(value, spot=value.spot or spot)
    return None


def of_method(
    frame: Frame, owner: Value, name: str, args: Args, keywords: Keywords, spot: Spot, *, spread: bool = False
) -> Value | None:
    """The result of a method on constants, dictionaries and argument parsers; None if it is not followed."""
    owner = frame.run.now(owner, frame.decisions) if isinstance(owner, Table | Items) else owner
    if isinstance(owner, Table | Items):
        changed = of_container(frame, owner, name, args, keywords, spread=spread)
        return changed or (_of_table(owner, name, args) if isinstance(owner, Table) else _of_list(owner, name))
    if name == "update" and (whose := object_of(owner)) is not None:
        updated(frame, whose, (*args, UNKNOWN) if spread else args, keywords, spot.node)
        return Literal(None)
    return _of_another(frame, owner, name, args, keywords, spot)


def _of_list(owner: Items, name: str) -> Value | None:
    return replace(owner) if name in _SHAPES else None


def _of_another(frame: Frame, owner: Value, name: str, args: Args, keywords: Keywords, spot: Spot) -> Value | None:
    if isinstance(owner, Literal) and isinstance(owner.value, str):
        return _of_text(owner, name, args, spot)
    if name == "register_buffer" and isinstance(owner, Instance) and len(args) > 1 and isinstance(args[0], Literal):
        frame.run.write(owner, str(args[0].value), named(args[1], str(args[0].value)))
    if name == "set_defaults":
        for key, value in keywords.items():
            frame.run.options.setdefault(owner, {})[key] = named(softened(value), key)
    if name == "add_argument":
        add_option(frame.run.options, owner, args, keywords)
    if name in ("add_argument_group", "add_mutually_exclusive_group"):
        return owner
    return None


def _of_table(owner: Table, name: str, args: Args) -> Value | None:
    if name == "get" and args and isinstance(args[0], Literal) and not args[0].soft:
        default = args[1] if len(args) > 1 else Literal(None)
        return owner.entries.get(args[0].value, UNKNOWN if owner.spread else default)
    if name == "copy":
        return replace(owner)
    return UNKNOWN if owner.spread else _listed(owner, name)


def _listed(owner: Table, name: str) -> Value | None:
    if name == "items":
        return Items(tuple(Items((Literal(key), value), kind="tuple") for key, value in owner.entries.items()))
    if name == "keys":
        return Items(tuple(Literal(key) for key in owner.entries))
    if name == "values":
        return Items(tuple(owner.entries.values()))
    return None


def _of_text(owner: Literal, name: str, args: Args, spot: Spot) -> Value | None:
    if name not in ("lower", "upper", "strip", "startswith", "endswith", "split", "replace"):
        return None
    found = [plain(each) for each in args]
    if NOT_PLAIN in found:
        return UNKNOWN
    text = str(owner.value)
    if len(text) >= LONGEST or (name == "replace" and _is_longer(text, found)):
        return UNKNOWN
    try:
        result = getattr(text, name)(*found)
    except (TypeError, ValueError):
        return UNKNOWN
    if isinstance(result, list):
        return Items(tuple(Literal(each, spot, owner.soft) for each in result[:64]), spot)
    return Literal(result, spot, owner.soft)


def _is_longer(text: str, found: Sequence[object]) -> bool:
    """Whether a text would have too many characters after ``replace``."""
    old, new = found[:2] if len(found) > 1 else ("", "")
    if not isinstance(old, str) or not isinstance(new, str):
        return True
    return len(text) + text.count(old) * (len(new) - len(old)) >= LONGEST


def _attribute(frame: Frame, args: Args, spot: Spot) -> Value | None:
    """``getattr(models, "resnet18")``: a library's name by its text, or what an object or a class has under a text."""
    if len(args) < 2 or not isinstance(args[1], Literal) or not isinstance(args[1].value, str):
        return None
    if isinstance(args[0], Instance | Class | ModuleOf):
        found = frame.run.engine.attribute(frame, args[0], args[1].value, spot)
        return found if not isinstance(found, Call) else None
    return Library(f"{args[0].name}.{args[1].value}") if isinstance(args[0], Library) else None


def _dict(args: Args, keywords: Keywords, spot: Spot, *, spread: bool) -> Value | None:
    if args and not isinstance(args[0], Table | Items):
        return UNKNOWN
    entries, is_open = merged({}, False, args[0]) if args else ({}, False)
    if spread:  # keywords that are not known stand beside those that are, and before what was given first
        entries, is_open = {}, True
    return Table({**entries, **keywords}, spot, is_open)


def _sequence(kind: str) -> Callable[[Args, Spot], Value | None]:
    def act(args: Args, spot: Spot) -> Value | None:
        if not args:
            return Items((), spot, kind)
        return replace(args[0], kind=kind) if isinstance(args[0], Items) else None

    return act


def _len(args: Args, spot: Spot) -> Value | None:
    return Literal(len(args[0].items), spot, args[0].soft) if args and isinstance(args[0], Items) else None


def _range(args: Args, spot: Spot) -> Value | None:
    found = [plain(each) for each in args]
    if not found or not all(isinstance(each, int) for each in found):
        return None
    try:
        numbers = range(*[each for each in found if isinstance(each, int)])
    except (TypeError, ValueError):
        return None
    soft = any(is_soft(each) for each in args)
    return Items(tuple(Literal(each, spot, soft) for each in numbers), spot) if len(numbers) <= 16 else None


def _zip(args: Args, spot: Spot) -> Value | None:
    if not args or not all(isinstance(each, Items) for each in args):
        return None
    rows = zip(*(each.items for each in args if isinstance(each, Items)), strict=False)
    return Items(tuple(Items(tuple(row), spot, "tuple") for row in rows), spot)


def _number(kind: type[int] | type[float]) -> Callable[[Args, Spot], Value | None]:
    def act(args: Args, spot: Spot) -> Value | None:
        if not args or not isinstance(args[0], Literal) or not isinstance(args[0].value, int | float | str):
            return None
        try:
            return replace(args[0], value=kind(args[0].value), spot=args[0].spot or spot)
        except (ValueError, OverflowError):
            return UNKNOWN

    return act


_BUILTINS: dict[str, Callable[[Args, Spot], Value | None]] = {
    "list": _sequence("list"),
    "tuple": _sequence("tuple"),
    "set": _sequence("set"),
    "len": _len,
    "range": _range,
    "zip": _zip,
    "int": _number(int),
    "float": _number(float),
}
