"""The files of given paths that are read, in the order of their names."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tare.code.files.document import Kind, Skipped
from tare.code.files.git_ignore import Patterns, is_left_out, patterns_above, patterns_in, patterns_of
from tare.errors import DataError

#: What a file is, by the end of its name.
KINDS: dict[str, Kind] = {
    ".py": "python",
    ".pyw": "python",
    ".ipynb": "notebook",
    ".yaml": "configuration",
    ".yml": "configuration",
    ".json": "configuration",
    ".toml": "configuration",
}
#: Folders that hold other people's code or what was built; hidden ones and virtual environments are left out as well.
LEFT_OUT = frozenset({"__pycache__", "__pypackages__", "_build", "build", "dist", "node_modules", "site-packages", "venv"})

#: How many folders deep files are looked for.
DEEPEST = 100

_IN_ENVIRONMENTS = ("pyvenv.cfg", "conda-meta")


@dataclass(frozen=True, slots=True)
class Listing:
    """Names of files, relative to the working directory with ``/``; ``named`` are those that were given by their own name."""

    names: tuple[str, ...]
    named: frozenset[str] = frozenset()
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class _Link:
    """A link that was met in a folder, what it leads to, and the top of the walk, both without links."""

    path: str
    target: str
    top: str
    is_folder: bool


@dataclass(slots=True)
class _Walk:
    """Walks through folders: patterns to leave out, what was listed, by its path without links, and what could not be read."""

    exclude: Patterns | None
    read: set[str] = field(default_factory=set)
    links: list[_Link] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def listed(paths: Sequence[Path], *, exclude: Sequence[str] = ()) -> Listing:
    """The files of ``paths``: those named, and those below folders that neither git nor ``exclude`` nor habit leaves out.

    Habit leaves out hidden files and folders, virtual environments, ``node_modules``, ``site-packages`` and folders of builds.
    ``exclude`` has patterns as in a ``.gitignore`` of the working directory. What a link below a folder leads to is listed under
    its own name. A file of the folder that is left out under its own name is listed under that of the link; folders that are
    left out and what lies outside the folder are skipped. Raises :class:`DataError` for a path that is not there.
    """
    walk = _Walk(patterns_of(str(Path.cwd()), list(exclude)))
    names: set[str] = set()
    named: set[str] = set()
    for path in paths:
        text = os.path.normpath(Path(path).absolute())
        if _is_folder(text):
            names.update(shown(each) for each in _files(text, _above(text), walk))
        elif os.path.lexists(text):
            named.add(shown(text))
            walk.read.add(os.path.realpath(text))
        else:
            raise DataError(
                "a file or folder to check", f"{str(path)!r}, which is not there or not yours to read", "check the path"
            )
    names.update(map(shown, _linked(walk)))
    skipped = {each.path: each for each in walk.skipped}
    return Listing(tuple(sorted(names | named, key=_order)), frozenset(named), tuple(sorted(skipped.values(), key=_place)))


def shown(path: str) -> str:
    """A path as results show it: relative to the working directory, with ``/``."""
    try:
        return os.path.relpath(path).replace(os.sep, "/")
    except ValueError:  # another drive
        return path.replace(os.sep, "/")


def _order(name: str) -> tuple[str, ...]:
    return tuple(name.split("/"))


def _place(skipped: Skipped) -> tuple[str, ...]:
    return _order(skipped.path)


def _files(top: str, above: tuple[Patterns, ...], walk: _Walk) -> Iterator[str]:
    real = os.path.realpath(top)
    waiting = [(top, above, 0)]
    while waiting:
        folder, patterns, depth = waiting.pop()
        if depth > DEEPEST:
            walk.skipped.append(Skipped(shown(folder), f"it is more than {DEEPEST} folders deep"))
            continue
        own = real + folder[len(top) :]
        walk.read.add(own)
        entries = _entries(folder, walk)
        if any(entry.name == ".gitignore" for entry in entries):
            patterns = (*patterns, *patterns_in(folder))
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_symlink():
                _note_link(entry, patterns, walk, real)
            elif entry.is_dir(follow_symlinks=False):
                if _is_entered(entry, patterns, walk):
                    waiting.append((entry.path, patterns, depth + 1))
            elif kind_of(entry.name) and not _is_out(entry.path, patterns, walk, is_folder=False):
                walk.read.add(os.path.join(own, entry.name))
                yield entry.path


def kind_of(name: str) -> Kind | None:
    """What a file is by its name, if it is of a kind that is read."""
    return KINDS.get(os.path.splitext(name)[1].lower())


def _above(folder: str) -> tuple[Patterns, ...]:
    """What holds from above in a folder that was named; nothing if it is left out itself, since whoever names it wants it."""
    patterns = patterns_above(folder)
    folders = (str(each) for each in (Path(folder), *Path(folder).parents))
    return () if any(is_left_out(each, patterns, is_folder=True) for each in folders) else patterns


def _is_folder(path: str) -> bool:
    """Whether a path leads to a folder; not one that leads to itself, or that the user may not look at."""
    try:
        return Path(path).is_dir()
    except OSError:
        return False


def _is_there(path: str) -> bool:
    try:
        return Path(path).exists()
    except OSError:
        return False


def _entries(folder: str, walk: _Walk) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        walk.skipped.append(Skipped(shown(folder), f"it cannot be listed: {error.strerror or type(error).__name__}"))
        return []


def _is_entered(entry: os.DirEntry[str], patterns: tuple[Patterns, ...], walk: _Walk) -> bool:
    if entry.name in LEFT_OUT or entry.name.endswith(".egg-info"):
        return False
    return not (_is_environment(entry.path) or _is_out(entry.path, patterns, walk, is_folder=True))


def _is_environment(folder: str) -> bool:
    return any(os.path.lexists(os.path.join(folder, each)) for each in _IN_ENVIRONMENTS)


def _is_out(path: str, patterns: tuple[Patterns, ...], walk: _Walk, *, is_folder: bool) -> bool:
    if walk.exclude and walk.exclude.verdict(path, is_folder=is_folder):
        return True
    return bool(patterns) and is_left_out(path, patterns, is_folder=is_folder)


def _note_link(entry: os.DirEntry[str], patterns: tuple[Patterns, ...], walk: _Walk, top: str) -> None:
    """Keep a link until all is listed, and skip one that leads nowhere."""
    is_folder = _is_folder(entry.path)
    if not (is_folder or kind_of(entry.name)) or entry.name in LEFT_OUT or _is_out(entry.path, patterns, walk, is_folder=False):
        return
    if not (is_folder or _is_there(entry.path)):
        walk.skipped.append(Skipped(shown(entry.path), "it is a link that leads nowhere"))
    elif not (is_folder and _is_environment(entry.path)):
        walk.links.append(_Link(entry.path, os.path.realpath(entry.path), top, is_folder))


def _linked(walk: _Walk) -> Iterator[str]:
    """The links to files that have no name of their own in the list, each file once; other links are skipped."""
    for link in sorted(walk.links, key=lambda each: each.path):
        if link.target in walk.read:
            continue
        if os.path.commonpath([link.top, link.target]) != link.top:
            walk.skipped.append(Skipped(shown(link.path), "it is a link out of the folder: name its target to read it"))
        elif link.is_folder:
            walk.skipped.append(Skipped(shown(link.path), "it is a link to a folder that is left out: name it to read it"))
        else:
            walk.read.add(link.target)
            yield link.path
