"""Configurations that code loads, and what turns them into objects."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from tare.code.interpreter.frame import Frame
from tare.code.interpreter.source import Source, Spot
from tare.code.interpreter.syntax.arguments import declared
from tare.code.interpreter.values import UNKNOWN, Call, Class, Function, Items, Library, Literal, Table, Value

Args = tuple[Value, ...]
Keywords = Mapping[str, Value]

_LOADERS = frozenset(
    [
        "yaml.safe_load",
        "yaml.full_load",
        "yaml.load",
        "yaml.unsafe_load",
        "json.load",
        "json.loads",
        "tomllib.load",
        "tomllib.loads",
        "tomli.load",
        "toml.load",
        "toml.loads",
        "omegaconf.OmegaConf.load",
    ]
)
#: Calls that give a dictionary another dress.
_DRESSES = frozenset(
    [
        "omegaconf.OmegaConf.create",
        "omegaconf.OmegaConf.to_container",
        "omegaconf.OmegaConf.structured",
        "easydict.EasyDict",
        "addict.Dict",
        "box.Box",
        "munch.Munch",
        "munch.munchify",
        "munch.Munch.fromDict",
        "dotmap.DotMap",
        "ml_collections.ConfigDict",
        "argparse.Namespace",
        "types.SimpleNamespace",
    ]
)
_WRAPPERS = frozenset(("builtins.str", "pathlib.Path", "pathlib.PurePath", "os.path.abspath", "os.path.expanduser", "os.fspath"))
_DEEPEST = 8


def of_loading(frame: Frame, name: str, args: Args, keywords: Keywords, spot: Spot) -> Value | None:
    """The contents of a configuration of the repository, or an object made of one; None for any other function."""
    if name in _LOADERS:
        path = path_of(args[0]) if args else ""
        return frame.run.engine.configuration(frame.source, path) if path else None
    if name in _DRESSES:
        if keywords and not args:
            return Table(dict(keywords), spot)
        return args[0] if args and isinstance(args[0], Table) else None
    if name == "hydra.compose":
        stated = args[0] if args else keywords.get("config_name")
        return _composed(frame.run.engine.composed, frame.source, "", stated)
    if name in ("hydra.utils.instantiate", "hydra.utils.call") and args:
        return _instantiated(frame, args[0], keywords, spot)
    return None


def path_of(value: Value, depth: int = 0) -> str:
    """The path that a value is, or its end where folders before it are not known; empty if nothing is known."""
    if isinstance(value, Literal):
        return value.value if isinstance(value.value, str) else ""
    if not isinstance(value, Call) or depth > _DEEPEST:
        return ""
    if value.function in ("builtins.open", "io.open", "codecs.open") or value.function in _WRAPPERS:
        return path_of(value.args[0], depth + 1) if value.args else ""
    if value.function in (".open", ".read", ".read_text", ".resolve", ".absolute", ".as_posix", ".expanduser", ".read_bytes"):
        return path_of(value.receiver, depth + 1)
    if value.function in ("os.path.join", "operator./", ".joinpath"):
        return _joined(value, depth)
    return ""


def _joined(value: Call, depth: int) -> str:
    last = path_of(value.args[-1], depth + 1) if value.args else ""
    if not last:
        return ""
    parts = [*value.args[:-1]] if value.function != ".joinpath" else [value.receiver, *value.args[:-1]]
    before = [path_of(each, depth + 1) for each in parts]
    known: list[str] = []
    for each in reversed(before):
        if not each:
            break
        known.insert(0, each)
    return posixpath.join(*known, last)


def of_decorator(frame: Frame, callee: Value, args: Args, keywords: Keywords) -> tuple[str, Value] | None:
    """The parameter that a decorator gives a value to, and the value: ``@hydra.main`` gives it to the first one ("")."""
    name = callee.name if isinstance(callee, Library) else ""
    if name in ("click.option", "click.argument", "rich_click.option", "rich_click.argument"):
        return declared(args, keywords)
    if name != "hydra.main":
        return None
    folder, stated = (keywords.get(each) for each in ("config_path", "config_name"))
    folder, stated = folder or (args[0] if args else None), stated or (args[1] if len(args) > 1 else None)
    where = folder.value if isinstance(folder, Literal) and isinstance(folder.value, str) else ""
    found = _composed(frame.run.engine.composed, frame.source, where, stated)
    return None if found is None else ("", found)


def _composed(compose: object, source: Source, folder: str, stated: Value | None) -> Value | None:
    name = stated.value if isinstance(stated, Literal) else None
    return compose(source, folder, name) if isinstance(name, str) and callable(compose) else None


def _instantiated(frame: Frame, value: Value, keywords: Keywords, spot: Spot) -> Value | None:
    """What Hydra makes of a dictionary with ``_target_``, and of those inside it."""
    if isinstance(value, Items):
        return Items(tuple(_instantiated(frame, each, {}, spot) or each for each in value.items), spot, value.kind)
    target = value.entries.get("_target_") if isinstance(value, Table) else None
    if not isinstance(value, Table) or not isinstance(target, Literal) or not isinstance(target.value, str):
        return None
    module, _, name = target.value.rpartition(".")
    owner = frame.run.engine.imported(frame.source, module, 0)
    callee = frame.run.engine.attribute(frame, owner, name, spot)
    if callee is UNKNOWN or not isinstance(callee, Library | Class | Function):
        return None
    given = {
        str(key): _instantiated(frame, each, {}, spot) or each
        for key, each in value.entries.items()
        if not str(key).startswith("_")
    }
    return frame.run.engine.call(frame, callee, (), {**given, **keywords}, spot)
