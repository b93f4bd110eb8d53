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
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from tare.errors import TareError, did_you_mean, reason_of
from tare.system.local.opened import Identity, identity_of, regular, whole
from tare.system.offline import ask_no_network
from tare.system.terminal.streams import ReaderGone

_REMEDY = "repair it; since the whole file is run, keep what trains or downloads in another"
#: The directories that modules changed to when they were imported, by the names of the modules.
_left: dict[str, str] = {}
#: The folders that modules were imported from, in which their functions may import more, and the names of what lies beside.
_homes: dict[str, tuple[str, frozenset[str]]] = {}
#: Modules beside files of a folder, by its name, while those of another folder or the program's own bear their names.
_aside: dict[str, dict[str, ModuleType]] = {}
#: What files of modules were when they were imported; one of the program's own was not written since tare was loaded.
_imported_from: dict[str, Identity] = {}
_LOADED = time.time_ns()
#: The names of folders of installed libraries.
_INSTALLED = frozenset(("site-packages", "dist-packages"))


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
        with _found_in(*_homes[module]) if module in _homes else contextlib.nullcontext():
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
    place = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:8]  # another folder may have a file of this name
    spec = importlib.util.spec_from_file_location(f"tare_user_{path.stem}_{place}", path.absolute())
    if spec is None or spec.loader is None:
        raise error("a Python file", f"{str(path)!r}", "name a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look it up there
    _left.pop(spec.name, None)
    try:
        folder = path.parent.absolute()
        with _importing(spec.name, folder, _beside(path, folder)):  # the file may import its neighbours, as when it is run
            spec.loader.exec_module(module)
    except Exception as raised:  # the user's own code
        raise error(f"{str(path)!r} to import", one_line(raised), _REMEDY) from None
    return module


def _module(name: str, error: type[TareError]) -> ModuleType:
    try:
        folder, names = _home(name)
        with _importing(name, folder, names):  # as `python -m` does
            return importlib.import_module(name)
    except Exception as raised:  # the user's own code
        raise error(f"the module {name!r} to import", one_line(raised), "check it") from None


def _home(name: str) -> tuple[Path, frozenset[str]]:
    """Where a module is looked for, and the names there that it imports and has itself, as far as it was imported before."""
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:
        return Path.cwd(), frozenset()
    path = Path(file)
    folder = path.parents[name.count(".") + (path.stem == "__init__")]
    return folder, _beside(path, folder) | {name.partition(".")[0]}


def _beside(path: Path, folder: Path) -> frozenset[str]:
    """The names of the modules and packages of ``folder`` that a file imports, directly or not."""
    files = (file for file in _trees(path.absolute()) if file != path.absolute() and file.is_relative_to(folder))
    return frozenset(file.relative_to(folder).parts[0].removesuffix(".py") for file in files)


@contextlib.contextmanager
def _importing(name: str, folder: Path, beside: frozenset[str]) -> Iterator[None]:
    """Find what the module ``name`` imports in ``folder``, as it is written there now, and know the directory that it leaves."""
    before, home = _directory(), str(folder)
    _homes[name] = home, beside
    with _found_in(home, beside), users_own():
        _forget_changed(home, beside)
        try:
            yield
        finally:
            for file in map(_file_of, _modules(beside, home).values()):
                _imported_from.setdefault(file, _identity(file))
            after = _directory()
            if after and after != before:
                _left[name] = after


@contextlib.contextmanager
def _found_in(folder: str, beside: frozenset[str]) -> Iterator[None]:
    """Look for modules in a folder first; other modules of the names ``beside`` are not meant, and are set aside meanwhile."""
    others = _modules(beside, folder, elsewhere=True)
    for name in others:
        del sys.modules[name]
    sys.modules.update(_aside.pop(folder, {}))
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # the code itself may have removed it
            sys.path.remove(folder)
        if others:
            _aside[folder] = _modules(frozenset(name.partition(".")[0] for name in others), folder)
            for name in _aside[folder]:
                del sys.modules[name]
            sys.modules.update(others)


def _modules(names: frozenset[str], folder: str, *, elsewhere: bool = False) -> dict[str, ModuleType]:
    """The imported modules and packages of these names that lie below a folder, or ``elsewhere``; no library's."""
    below = folder.rstrip(os.sep) + os.sep
    files = {name: _file_of(sys.modules[name]) for name in names if name in sys.modules}
    found = {name for name, file in files.items() if _is_users(name, file) and file.startswith(below) != elsewhere}
    return {name: module for name, module in [*sys.modules.items()] if name.partition(".")[0] in found} if found else {}


def _file_of(module: ModuleType) -> str:
    """The file of a module, or the folder of a package without one; empty for a module of neither."""
    return getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), "")


def _is_users(name: str, file: str) -> bool:
    library = name == "tare" or name in sys.stdlib_module_names or _INSTALLED & {*Path(file).parts}
    return bool(file) and not library


def _forget_changed(folder: str, beside: frozenset[str]) -> None:
    """Let modules be imported again if one of them was written since it was imported, for others may hold what it was."""
    own = _modules(beside, folder)
    if any(_is_changed(_file_of(module)) for module in own.values()):
        for name, module in own.items():
            del sys.modules[name]
            _imported_from.pop(_file_of(module), None)
        importlib.invalidate_caches()


def _is_changed(file: str) -> bool:
    now, before = _identity(file), _imported_from.get(file)
    return now.written > _LOADED if before is None else now != before


def _identity(file: str) -> Identity:
    """What a file is; nothing for one that is gone, and for a folder, in which files come and go."""
    try:
        return identity_of(regular(file))
    except OSError:
        return Identity(0, 0, 0)


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
    waiting, found, beside = [first], dict[Path, ast.Module | None](), _beside_package(first)
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        tree = found[path] = _tree(path)
        if tree is not None:
            folders = dict.fromkeys((path.parent, first.parent, beside))
            waiting += [file for folder in folders for name in _imported(tree) for file in _files_of(folder, name)]
    return found


def _beside_package(path: Path) -> Path:
    """The folder of the package that a file is part of, where the user wrote it; else the file's own."""
    folder = path.parent
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return path.parent if _INSTALLED & {*folder.parts} else folder


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
