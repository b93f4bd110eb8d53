"""The parts of samples by the folders on the way to them: in a folder, an archive, a list of files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tare.datasets.parts.names import Part, are_parts, part_of_file, parts_beside

#: Folders of a level that are looked into for folders of parts, and levels.
_LOOKED_INTO, _DEEPEST = 100, 8


@dataclass(frozen=True)
class PartFolders:
    """The folder of each path that states its part, empty for a path without one, and the part of each such folder."""

    folders: tuple[str, ...]
    parts: dict[str, Part]
    level: int

    def of(self) -> tuple[Part | None, ...]:
        """The part of each path."""
        return tuple(self.parts.get(folder) for folder in self.folders)

    @property
    def names(self) -> list[str]:
        """The folders that state a part, sorted."""
        return sorted({*self.folders} & self.parts.keys())

    @property
    def trained(self) -> str:
        """The first folder of training."""
        return next(name for name in self.names if self.parts[name] == "train")


def part_folders(paths: Iterable[str]) -> PartFolders | None:
    """The folders of parts in paths: those of the first level that names training and another; None without such a level.

    So ``photos/train/cat/1.png`` and ``photos/val/cat/2.png`` are parts, and so are ``cat/train/1.png`` and ``cat/test/2.png``.
    """
    folders = [_folders(path) for path in paths]
    for level in range(max(map(len, folders), default=0)):
        at = tuple(each[level] if level < len(each) else "" for each in folders)
        known = parts_beside(dict.fromkeys(at))
        if are_parts([*known.values()]):
            return PartFolders(at, known, level)
    return None


def parts_of_files(files: Sequence[str]) -> tuple[Part | None, ...]:
    """The part of each file by its name or that of a folder; else by words in the folders, such as ``photos_train_lmdb``."""
    named = tuple(map(part_of_file, files))
    found = None if are_parts(named) else part_folders(files)
    return named if found is None else found.of()


def without_parts(paths: Sequence[str], found: PartFolders) -> list[list[str]]:
    """The folders on the way to each path, without that of its part."""
    return [[*each[: found.level], *each[found.level + 1 :]] for each in map(_folders, paths)]


def _folders(path: str) -> list[str]:
    return re.split(r"[\\/]", path)[:-1]


def folders_below(root: Path) -> PartFolders | None:
    """The folders of parts in a folder, at the first level that has some; of each level a hundred folders are looked into."""
    level = [""]
    for _ in range(_DEEPEST):
        level = [f"{above}{name}/" for above in level[:_LOOKED_INTO] for name in _in(root / above)]
        if (found := part_folders(level)) is not None:
            return found
    return None


def _in(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir())
    except OSError:  # a folder that cannot be listed is refused where it is walked
        return []
