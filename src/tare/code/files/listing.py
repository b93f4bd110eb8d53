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


@dataclass(slots=True)
class _Walk:
    """One walk through a folder: its top, without links, the patterns to leave out, and what could not be read."""

    top: str
    exclude: Patterns | None
    skipped: list[Skipped] = field(default_factory=list)


def listed(paths: Sequence[Path], *, exclude: Sequence[str] = ()) -> Listing:
    """The files of ``paths``: those named, and those below folders that neither git nor ``exclude`` nor habit leaves out.

    Habit leaves out hidden files and folders, virtual environments, ``node_modules``, ``site-packages`` and folders of builds.
    ``exclude`` has patterns as in a ``.gitignore`` of the working directory. Links are not followed below a folder: what they
    lead to is listed under its own name, or skipped if it is outside the folder. Raises :class:`DataError` for a path that is
    not there.
    """
    patterns = patterns_of(str(Path.cwd()), list(exclude))
    names: set[str] = set()
    named: set[str] = set()
    skipped: dict[str, Skipped] = {}
    for path in paths:
        text = os.path.normpath(Path(path).absolute())
        if _is_folder(text):
            walk = _Walk(os.path.realpath(text), patterns)
            names.update(shown(each) for each in _files(text, _above(text), walk))
            skipped.update((each.path, each) for each in walk.skipped)
        elif os.path.lexists(text):
            named.add(shown(text))
        else:
            raise DataError(
                "a file or folder to check", f"{str(path)!r}, which is not there or not yours to read", "check the path"
            )
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
    waiting = [(top, above, 0)]
    while waiting:
        folder, patterns, depth = waiting.pop()
        if depth > DEEPEST:
            walk.skipped.append(Skipped(shown(folder), f"it is more than {DEEPEST} folders deep"))
            continue
        entries = _entries(folder, walk)
        if any(entry.name == ".gitignore" for entry in entries):
            patterns = (*patterns, *patterns_in(folder))
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_symlink():
                _note_link(entry, patterns, walk)
            elif entry.is_dir(follow_symlinks=False):
                if _is_entered(entry, patterns, walk):
                    waiting.append((entry.path, patterns, depth + 1))
            elif kind_of(entry.name) and not _is_out(entry.path, patterns, walk, is_folder=False):
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
    if any(os.path.lexists(os.path.join(entry.path, each)) for each in _IN_ENVIRONMENTS):
        return False
    return not _is_out(entry.path, patterns, walk, is_folder=True)


def _is_out(path: str, patterns: tuple[Patterns, ...], walk: _Walk, *, is_folder: bool) -> bool:
    if walk.exclude and walk.exclude.verdict(path, is_folder=is_folder):
        return True
    return bool(patterns) and is_left_out(path, patterns, is_folder=is_folder)


def _note_link(entry: os.DirEntry[str], patterns: tuple[Patterns, ...], walk: _Walk) -> None:
    """Skip a link that leads out of the folder, or nowhere; what one inside leads to has its own name."""
    is_folder = _is_folder(entry.path)
    if not (is_folder or kind_of(entry.name)) or entry.name in LEFT_OUT or _is_out(entry.path, patterns, walk, is_folder=False):
        return
    target = os.path.realpath(entry.path)
    if not (is_folder or _is_there(entry.path)):
        walk.skipped.append(Skipped(shown(entry.path), "it is a link that leads nowhere"))
    elif os.path.commonpath([walk.top, target]) != walk.top:
        walk.skipped.append(Skipped(shown(entry.path), "it is a link out of the folder: name its target to read it"))
