"""Load an object that the user names as ``FILE.py:NAME`` or ``package.module:NAME``, which runs its module."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from tare.errors import TareError, did_you_mean, reason_of
from tare.system.offline import ask_no_network

_REMEDY = "repair it; since the whole file is run, keep what trains or downloads in another"


def is_reference(text: str) -> bool:
    """Whether a text names an object of a Python file or module."""
    place, _, name = text.rpartition(":")
    return bool(place) and name.isidentifier() and (place.endswith(".py") or all(p.isidentifier() for p in place.split(".")))


def load_object(reference: str, error: type[TareError]) -> Any:
    """Import the object that ``reference`` names. Importing runs the user's code.

    Raises ``error`` if the file or module does not exist, cannot be imported, or has no such name (with the closest match).
    """
    ask_no_network()
    place, _, name = reference.rpartition(":")
    module = _file(Path(place), error) if place.endswith(".py") else _module(place, error)
    if not hasattr(module, name):
        found = [key for key, value in vars(module).items() if not key.startswith("_") and not isinstance(value, ModuleType)]
        any_of_them = f"did you mean {', '.join(found[:3])}?" if found else "define it"
        hint = did_you_mean(name, found, any_of_them, cutoff=0.4)
        raise error(f"{name!r} in {place!r}", "none", hint)
    return getattr(module, name)


def one_line(raised: BaseException) -> str:
    """Type and text of an exception, in one line of at most 200 characters of text."""
    return f"{type(raised).__name__}: {reason_of(raised, 200)}".removesuffix(": ")


def required_parameters(function: Any) -> tuple[str, ...]:
    """Names of the parameters without a default; empty if the signature cannot be read."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(p.name for p in parameters if p.default is p.empty and p.kind in kinds)


def _file(path: Path, error: type[TareError]) -> ModuleType:
    if not path.is_file():
        raise error("a Python file", f"{str(path)!r} does not exist", "check the path")
    spec = importlib.util.spec_from_file_location(f"tare_user_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise error("a Python file", f"{str(path)!r}", "name a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look it up there
    sys.path.insert(0, str(path.parent.absolute()))  # the file may import its neighbours, as it does when it is run
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as raised:  # the user's own code
        raise error(f"{str(path)!r} to import", one_line(raised), _REMEDY) from None
    finally:
        sys.path.remove(str(path.parent.absolute()))
    return module


def _module(name: str, error: type[TareError]) -> ModuleType:
    sys.path.insert(0, str(Path.cwd()))  # as `python -m` does
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as raised:  # the user's own code
        raise error(f"the module {name!r} to import", one_line(raised), "check it") from None
    finally:
        sys.path.remove(str(Path.cwd()))
