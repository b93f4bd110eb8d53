"""The files of given paths that are read, in the order of their names."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tare.code.files.document import Kind, Skipped
from tare.code.files.git_ignore import Patterns, is_left_out, patterns_above, patterns_in, patterns_stated
from tare.code.files.links import NO_LINKS, Links
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
    """Names of files, relative to the working directory with ``/``; ``named`` are those that were given by their own name.

    ``links`` has the other names of the files and of their folders.
    """

    names: tuple[str, ...]
    named: frozenset[str] = frozenset()
    skipped: tuple[Skipped, ...] = ()
    links: Links = NO_LINKS


@dataclass(frozen=True, slots=True)
class _Link:
    """A link that was met in a folder, what it leads to, and the top of the walk, both without links."""

    path: str
    target: str
    top: str
    is_folder: bool


@dataclass(slots=True)
class _Walk:
    """Walks through folders: patterns to leave out, what was listed, and what could not be read.

    ``read`` has the paths under which each file or folder was listed, by its path without links; ``others`` has links to them.
    """

    exclude: tuple[Patterns, ...]
    read: dict[str, set[str]] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    links: list[_Link] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def list(self, path: str, real: str) -> None:
        """Note a path that was listed."""
        self.read.setdefault(real, set()).add(path)

    def name(self, real: str) -> str:
        """The one name of what was listed: its own, else the first of the links to it."""
        return min(map(shown, self.read[real]), key=_order) if real not in self.read[real] else shown(real)

    def known_links(self) -> Links:
        """The other names of what was listed."""
        several = {path: real for real, paths in self.read.items() if len(paths) > 1 for path in paths}
        named = {shown(path): self.name(real) for path, real in (several | self.others).items()}
        return Links({link: name if name != "." else "" for link, name in named.items() if link != name})


def listed(paths: Sequence[Path], *, exclude: Sequence[str] = (), left_out: Sequence[Patterns] = ()) -> Listing:
    """The files of ``paths``: those named, and those below folders that neither git nor ``exclude`` nor habit leaves out.

    Habit leaves out hidden files and folders, virtual environments, ``node_modules``, ``site-packages`` and folders of builds.
    ``exclude`` has patterns as in a ``.gitignore`` of the working directory, which come after those of ``left_out``. What a link
    leads to is listed once, under its own name where that is listed. A file of the folder that is left out under its own name is
    listed under that of the link; folders that are left out and what lies outside the folder are skipped. Raises
    :class:`DataError` for a path that is not there.
    """
    here = patterns_stated(str(Path.cwd()), exclude)
    walk = _Walk((*left_out, here) if here else tuple(left_out))
    files: set[str] = set()
    named: set[str] = set()
    for path in paths:
        text = os.path.normpath(Path(path).absolute())
        if _is_folder(text):
            files.update(_files(text, _above(text), walk) if not _is_below_excluded(text, walk) else ())
        elif os.path.lexists(text):
            real = os.path.realpath(text)
            named.add(real)
            walk.list(text, real)
        else:
            raise DataError(
                "a file or folder to check", f"{str(path)!r}, which is not there or not yours to read", "check the path"
            )
    files.update(_linked(walk))
    names = {walk.name(each) for each in files | named}
    skipped = {each.path: each for each in walk.skipped}
    return Listing(
        tuple(sorted(names, key=_order)),
        frozenset(map(walk.name, named)),
        tuple(sorted(skipped.values(), key=_place)),
        walk.known_links(),
    )


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
    """The files below a folder, by their paths without links."""
    real = os.path.realpath(top)
    waiting = [(top, above, 0)]
    while waiting:
        folder, patterns, depth = waiting.pop()
        if depth > DEEPEST:
            walk.skipped.append(Skipped(shown(folder), f"it is more than {DEEPEST} folders deep"))
            continue
        own = real + folder[len(top) :]
        walk.list(folder, own)
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
                walk.list(entry.path, os.path.join(own, entry.name))
                yield os.path.join(own, entry.name)


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


def _is_below_excluded(folder: str, walk: _Walk) -> bool:
    """Whether a folder or one around it is to be left out, below which no pattern takes anything back."""
    return any(is_left_out(str(each), walk.exclude, is_folder=True) for each in (Path(folder), *Path(folder).parents))


def _is_environment(folder: str) -> bool:
    return any(os.path.lexists(os.path.join(folder, each)) for each in _IN_ENVIRONMENTS)


def _is_out(path: str, patterns: tuple[Patterns, ...], walk: _Walk, *, is_folder: bool) -> bool:
    return any(is_left_out(path, each, is_folder=is_folder) for each in (walk.exclude, patterns) if each)


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
    """What links lead to that has no name of its own in the list, each file once; other links are skipped."""
    for link in sorted(walk.links, key=lambda each: each.path):
        if link.target in walk.read:
            walk.others[link.path] = link.target
        elif os.path.commonpath([link.top, link.target]) != link.top:
            walk.skipped.append(Skipped(shown(link.path), "it is a link out of the folder: name its target to read it"))
        elif link.is_folder:
            walk.skipped.append(Skipped(shown(link.path), "it is a link to a folder that is left out: name it to read it"))
        else:
            walk.list(link.path, link.target)
            yield link.target
