"""Modules beside a file of the user's: its own, as they are written now, whatever the session imported by their names before.

Python keeps what was imported by name alone. So the modules of each home are known here, and bear their names while its code
runs; what the session itself imported by these names is set aside meanwhile, and comes back. Nothing is set aside without need: a
module of the session stays if it is the very file that the home would import and that was not written since the process began, so
that no code runs twice and what the session set in it counts. Libraries, and what has no file, always stay.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec, PathFinder
from itertools import takewhile
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from tare.system.local.opened import whole

#: How the names of modules of ``FILE.py:NAME`` begin.
PREFIX = "tare_user_"
_KEPT = sys.stdlib_module_names | {"tare", "__main__", "__mp_main__"}
_LIBRARIES = frozenset(("site-packages", "dist-packages"))

Modules = dict[str, ModuleType]


class Home(NamedTuple):
    """Where code of the user's finds modules."""

    folder: str  #: is looked in first
    root: str  #: holds all of its own modules: the folder, or the one in which the package lies that the code is part of


@dataclass(slots=True)
class _Own:
    """The modules that were imported from a home, by name, and digests of their files; None where what was read is not known."""

    modules: Modules = field(default_factory=dict)
    texts: dict[str, bytes | None] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Running:
    """Code of a home that runs, and what the session imported by the names of its modules."""

    home: Home
    aside: Modules


@dataclass(slots=True)
class _Now:
    """The code that runs, the outermost first, and for which home and modules nothing is left to arrange."""

    running: list[_Running] = field(default_factory=list)
    arranged: tuple[Home, int, str] | None = None


def _process_began() -> float:
    """When this process began; 0 where that is not known, so that any file may have been written since."""
    try:
        ticks = int(Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
        ago = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return 0.0
    return time.time() - ago


_BEGAN = _process_began()
_owned: dict[Home, _Own] = {}
_now = _Now()


def home_of(file: Path) -> Home:
    """The home of a Python file: its folder, and that in which its package lies."""
    folder = root = file.absolute().parent
    while (root / "__init__.py").is_file() and root != root.parent:
        root = root.parent
    return Home(str(folder), str(folder if _LIBRARIES.intersection(root.parts) else root))


def home_of_module(name: str) -> Home:
    """The home of a module that is named in the current folder, in which it is looked for first."""
    folder, top = str(Path.cwd()), name.partition(".")[0]
    spec = PathFinder.find_spec(top, [folder, *sys.path])
    place = _place_in(spec)
    if spec is None or not _is_users(top, place):
        return Home(folder, folder)
    package = spec.submodule_search_locations is not None
    return Home(folder, str(Path(place).parent.parent if package and spec.has_location else Path(place).parent))


@contextlib.contextmanager
def found_in(home: Home, *, anew: bool = False) -> Iterator[None]:
    """Look for modules in a home first; ``anew`` forgets its own if one was edited, for others may hold what it was."""
    if anew:
        _forget_edited(home)
    began, here = time.time(), _Running(home, _arrange(home) if anew or _now.arranged != _state(home) else {})
    _now.running.append(here)
    last = next(reversed(sys.modules))
    sys.path.insert(0, home.folder)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # the code itself may have removed it
            sys.path.remove(home.folder)
        if next(reversed(sys.modules)) != last:
            new = [*takewhile(lambda name: name != last, reversed([*sys.modules]))]
            _note(home, reversed(new), began)
        _remove(_below({_top(name) for name in here.aside}))
        sys.modules.update(here.aside)
        _now.running.remove(here)
        outer = next(reversed(_now.running), None)
        if outer is not None and outer.home != home:
            outer.aside.update(_arrange(outer.home))
        _now.arranged = None if here.aside or outer is not None else _state(home)


def _state(home: Home) -> tuple[Home, int, str]:
    """A home, and the number and the last name of all imported modules."""
    return home, len(sys.modules), next(reversed(sys.modules))


def _arrange(home: Home) -> Modules:
    """Let the modules of a home bear their names, and those of no other; what is returned is what else had been imported."""
    own = _owned.get(home, _Own()).modules
    others = [their.modules for other, their in [*_owned.items()] if other != home]
    hidden = {name: sys.modules.get(name) for name in _below(_not_meant(home, own))}
    hidden |= {name: module for their in others for name, module in their.items() if sys.modules.get(name) is module}
    aside = {name: module for name, module in hidden.items() if module is not None and own.get(name) is not module}
    _remove(aside)
    sys.modules.update(own)
    return aside


def _not_meant(home: Home, own: Modules) -> set[str]:
    """The first words of modules of the session that are not what the home would import by these names now."""
    found, same = set[str](), set[str]()
    inside = _inside(home)
    for name in [each for each in [*sys.modules] if "." not in each and each not in _KEPT]:
        module = sys.modules.get(name)
        if own.get(name) is module:
            continue
        if name in own:
            found.add(name)
        elif _is_users(name, place := _place(module)):
            meant = _place_in(_spec_in([home.folder, *sys.path], name, module))
            if meant.startswith(inside) and not _is_library(meant):
                (same if os.path.realpath(meant) == os.path.realpath(place) else found).add(name)
    files = (_file_of(sys.modules.get(name)) for name in _below(same))
    return found | same if any(_written_since(file, _BEGAN) for file in files if file) else found


def _below(tops: set[str]) -> list[str]:
    """The names of these modules and of all that are parts of them."""
    parts = tuple(f"{top}." for top in tops)
    return [name for name in [*sys.modules] if name in tops or name.startswith(parts)] if tops else []


def _spec_in(folders: list[str], name: str, module: ModuleType | None) -> ModuleSpec | None:
    """What is found in folders by a name; no package without ``__init__.py`` where a file was imported, since files go first."""
    spec = PathFinder.find_spec(name, folders)
    return spec if spec is not None and (spec.has_location or not _file_of(module)) else None


def _note(home: Home, names: Iterable[str], began: float) -> None:
    """Know the modules of these names, in the order in which they were imported, for the home's if they lie in it."""
    own = _owned.setdefault(home, _Own())
    inside = _inside(home)
    for name in names:
        module, top = sys.modules.get(name), _top(name)
        if not isinstance(module, ModuleType) or any(their.modules.get(name) is module for their in _owned.values()):
            continue
        place = _place(module) if name == top else ""
        if top in own.modules or (_is_users(name, place) and place.startswith(inside)):
            own.modules[name] = module
            file = _file_of(module)
            if file.endswith(".py"):
                own.texts[file] = None if _written_since(file, began) else _text(file)


def _forget_edited(home: Home) -> None:
    """Let the modules of a home be imported again if one was edited; compiled ones stay, since they can be loaded only once."""
    importlib.invalidate_caches()
    own = _owned.get(home, _Own())
    edited = {file for file, text in own.texts.items() if text is None or text != _text(file)}
    if not edited:
        return
    for name, module in [*own.modules.items()]:
        file = _file_of(module)
        if file and not file.endswith(".py"):
            continue
        del own.modules[name]
        if sys.modules.get(name) is module:
            del sys.modules[name]
        if file in edited:
            with contextlib.suppress(OSError, NotImplementedError):  # Python takes it for that of a text of one size and second
                Path(importlib.util.cache_from_source(file)).unlink(missing_ok=True)
    own.texts.clear()


def _remove(names: Iterable[str]) -> None:
    for name in [*names]:
        sys.modules.pop(name, None)


def _top(name: str) -> str:
    return name.partition(".")[0]


def _is_users(name: str, place: str) -> bool:
    """Whether a module may be one that the user wrote, from where it lies."""
    return bool(place) and not _is_library(place) and name not in _KEPT and not name.startswith(PREFIX)


def _is_library(place: str) -> bool:
    return any(each in place for each in _LIBRARIES) and not _LIBRARIES.isdisjoint(Path(place).parts)


def _inside(home: Home) -> tuple[str, ...]:
    """How the files of a home's own modules begin."""
    return tuple(each.rstrip(os.sep) + os.sep for each in (home.root, os.path.realpath(home.root)))


def _place(module: ModuleType | None) -> str:
    """The file of a module, or the folder of a package without one; empty for what was imported from neither."""
    return _place_in(vars(module).get("__spec__")) if isinstance(module, ModuleType) else ""


def _place_in(spec: object) -> str:
    if not isinstance(spec, ModuleSpec):
        return ""
    return (spec.origin or "") if spec.has_location else next(iter(spec.submodule_search_locations or ()), "")


def _file_of(module: ModuleType | None) -> str:
    """The file of a module; empty for one without."""
    spec = vars(module).get("__spec__") if isinstance(module, ModuleType) else None
    return (spec.origin or "") if isinstance(spec, ModuleSpec) and spec.has_location else ""


def _written_since(file: str, moment: float) -> bool:
    try:
        status = os.stat(file)
    except OSError:
        return True
    return max(status.st_mtime, status.st_ctime) >= moment


def _text(file: str) -> bytes | None:
    try:
        return hashlib.sha256(whole(file)).digest()
    except OSError:
        return None
