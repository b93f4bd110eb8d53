"""Load an object that the user names as ``FILE.py:NAME`` or ``package.module:NAME``, which runs its module."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from tare.errors import TareError, did_you_mean, reason_of
from tare.system.importing.neighbours import PREFIX, Home, found_in, home_of, home_of_module
from tare.system.local.opened import whole
from tare.system.offline import ask_no_network
from tare.system.terminal.streams import ReaderGone

_REMEDY = "repair it; since the whole file is run, keep what trains or downloads in another"
#: The directories that modules changed to when they were imported, by the names of the modules.
_left: dict[str, str] = {}
#: Where modules were imported from, and their functions may import more.
_homes: dict[str, Home] = {}
#: The files that modules were made of, by the names of the modules.
_files: dict[str, str] = {}


class ProgramEndedError(Exception):
    """Code of the user's that asked the program to end, as ``sys.exit`` does, or raised what is no Exception."""


@contextlib.contextmanager
def users_own(thing: Any = None) -> Iterator[None]:
    """The one place in which code of the user's is run: a function, a class or an object ``thing``, or a whole module.

    It begins in the directory that its module changed to when it was imported, and finds the modules that its own found.
    Whatever it changes to is undone at the end: else relative paths of data and outputs would lead elsewhere from there on.
    So are the device and the dtype that PyTorch makes new tensors of. What it raises is passed on.
    Raises :class:`ProgramEndedError` if it ends the program, which would otherwise be over without a word and with exit code 0,
    or raises an exception that nothing expects, as it is derived from BaseException alone.
    """
    here, module, defaults = _directory(), str(getattr(thing, "__module__", "")), _tensor_defaults()
    try:
        if module in _left:
            os.chdir(_left[module])
        with found_in(_homes[module]) if module in _homes else contextlib.nullcontext():
            yield
    except SystemExit as end:
        raise ProgramEndedError("SystemExit" if end.code is None else f"SystemExit: {reason_of(end, 200)}") from None
    except (Exception, KeyboardInterrupt, GeneratorExit, ReaderGone):
        raise
    except BaseException as raised:
        raise ProgramEndedError(one_line(raised)) from None
    finally:
        _restore(defaults)
        if here and _directory() != here:
            os.chdir(here)


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


def one_line(raised: BaseException, most: int = 200) -> str:
    """Type and text of an exception, in one line of at most ``most`` characters of text."""
    if isinstance(raised, ProgramEndedError):
        return str(raised)
    return f"{type(raised).__name__}: {reason_of(raised, most)}".removesuffix(": ")


def required_parameters(function: Any) -> tuple[str, ...]:
    """Names of the parameters without a default; empty if the signature cannot be read."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(p.name for p in parameters if p.default is p.empty and p.kind in kinds)


def code_digest(place: Path, name: str = "") -> str:
    """A hash of a ``name``, of a Python file and of the files beside it that it imports; comments do not count."""
    hashed = hashlib.sha256(name.encode())
    trees = _trees(place.absolute())
    for path in sorted(trees):
        tree = trees[path]
        hashed.update(ast.dump(tree).encode() if tree is not None else whole(path))
    return hashed.hexdigest()


def code_files(reference: str) -> list[Path]:
    """The Python file that ``FILE.py:NAME`` names, and those beside it that it imports; none for any other text."""
    place = reference.rpartition(":")[0]
    return sorted(_trees(Path(place).absolute())) if place.endswith(".py") else []


def _file(path: Path, error: type[TareError]) -> ModuleType:
    if not path.is_file():
        raise error("a Python file", f"{str(path)!r} does not exist", "check the path")
    name = _name_of(path)
    spec = importlib.util.spec_from_file_location(name, path.absolute(), loader=_AsWritten(name, str(path.absolute())))
    if spec is None or spec.loader is None:
        raise error("a Python file", f"{str(path)!r}", "name a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look it up there
    _left.pop(spec.name, None)
    try:
        with _importing(spec.name, home_of(path)):  # the file may import its neighbours, as it does when it is run
            spec.loader.exec_module(module)
    except Exception as raised:  # the user's own code
        raise error(f"{str(path)!r} to import", one_line(raised), _REMEDY) from None
    return module


def _module(name: str, error: type[TareError]) -> ModuleType:
    try:
        with _importing(name, home_of_module(name)):  # as `python -m` does
            return importlib.import_module(name)
    except Exception as raised:  # the user's own code
        raise error(f"the module {name!r} to import", one_line(raised), "check it") from None


@contextlib.contextmanager
def _importing(name: str, home: Home) -> Iterator[None]:
    """Find what the module ``name`` imports in ``home``, as it is written there now, and know the directory that it leaves."""
    before = _directory()
    _homes[name] = home
    with found_in(home, anew=True), users_own():
        try:
            yield
        finally:
            after = _directory()
            if after and after != before:
                _left[name] = after


def _name_of(path: Path) -> str:
    """The name of the module of a file; files of one name in two folders are two modules."""
    place, count = str(path.absolute()), 1
    name = first = f"{PREFIX}{path.stem}"
    while _files.setdefault(name, place) != place:
        count += 1
        name = f"{first}_{count}"
    return name


class _AsWritten(SourceFileLoader):
    """A file as it is written now; what Python compiled before may be of another text of the same size and second."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _directory() -> str:
    """The working directory; empty if it was removed."""
    try:
        return os.getcwd()  # noqa: PTH109
    except OSError:
        return ""


def _tensor_defaults() -> tuple[Any, Any] | None:
    """The dtype and the device of new tensors; None where PyTorch is not loaded, so that they are its own."""
    torch: Any = sys.modules.get("torch")
    if not hasattr(torch, "set_default_device"):
        return None
    return torch.get_default_dtype(), torch.get_default_device()


def _restore(defaults: tuple[Any, Any] | None) -> None:
    now = _tensor_defaults()
    if now is None or now == defaults:
        return
    torch: Any = sys.modules["torch"]
    dtype, device = defaults or (torch.float32, torch.device("cpu"))
    if now[0] != dtype:
        torch.set_default_dtype(dtype)
    if now[1] != device:
        torch.set_default_device(None if device.type == "cpu" else device)


def _trees(first: Path) -> dict[Path, ast.Module | None]:
    """The syntax trees of a file and of the modules and packages beside it that it imports, directly or not, by path.

    Beside a file of a package lies what lies beside the package, too. The tree of a file that cannot be parsed is None.
    """
    waiting, found, root = [first], dict[Path, ast.Module | None](), Path(home_of(first).root)
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        tree = found[path] = _tree(path)
        if tree is not None:
            folders = dict.fromkeys((path.parent, first.parent, root))
            waiting += [file for folder in folders for name in _imported(tree) for file in _files_of(folder, name)]
    return found


def _files_of(folder: Path, name: str) -> Iterator[Path]:
    """The files of a module or package of a folder; of a package all, since any may be imported at any time."""
    yield folder / f"{name}.py"
    for place, folders, names in os.walk(folder / name):
        folders[:] = [each for each in folders if not each.startswith(".") and each != "__pycache__"]
        yield from (Path(place) / each for each in names if each.endswith(".py"))


def _tree(path: Path) -> ast.Module | None:
    try:
        return ast.parse(whole(path))  # by the encoding that the file declares
    except (OSError, ValueError, SyntaxError, RecursionError):
        return None


def _imported(tree: ast.Module) -> set[str]:
    """The first words of all imported modules, also of those that ``import_module`` is given by name."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module.partition(".")[0]} if node.module else {alias.name for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            texts = (each.value for each in node.args[:1] if isinstance(each, ast.Constant) and isinstance(each.value, str))
            names |= {text.lstrip(".").partition(".")[0] for text in texts}
    return names
