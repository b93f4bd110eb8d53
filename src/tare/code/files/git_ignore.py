"""What git ignores in a folder: the ``.gitignore`` of every level, and ``.git/info/exclude``."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tare.code.files.content import content

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_MOST_BYTES = 1 << 20
# Each "*" in a part of a pattern multiplies the time that a name of 255 letters can take, each "**" that of a deep folder:
# a pattern with more than three is not heeded.
_MANY_STARS = re.compile(r"(?:\*[^/*]*){4}|(?:\*\*.*){4}")
_HERE = re.compile(r"^(!?)\./(?=.)")


@dataclass(frozen=True, slots=True)
class Patterns:
    """Patterns in the way of git that hold below ``folder``, an absolute path without ``..``, as are those that are judged."""

    folder: str
    spec: GitIgnoreSpec

    def verdict(self, path: str, *, is_folder: bool) -> bool | None:
        """Whether the patterns leave a path out; None if none of them speaks of it."""
        above = self.folder if self.folder.endswith(os.sep) else f"{self.folder}{os.sep}"
        if not path.startswith(above):
            return None
        name = path[len(above) :].replace(os.sep, "/")
        return self.spec.check_file(f"{name}/" if is_folder else name).include


def is_left_out(path: str, every: tuple[Patterns, ...], *, is_folder: bool) -> bool:
    """Whether patterns leave a path out; of several, the last one decides, so those of inner folders stand last."""
    verdicts = (each.verdict(path, is_folder=is_folder) for each in reversed(every))
    return next((verdict for verdict in verdicts if verdict is not None), False)


def patterns_of(folder: str, lines: list[str]) -> Patterns | None:
    """The patterns of lines as they stand in a ``.gitignore``, if there are any."""
    from pathspec import GitIgnoreSpec

    kept = [_line(line) for line in lines if line.strip() and not line.startswith("#") and not _MANY_STARS.search(line)]
    if not kept:
        return None
    try:
        return Patterns(folder, GitIgnoreSpec.from_lines(kept))
    except ValueError:  # one of the patterns is none
        return Patterns(folder, GitIgnoreSpec.from_lines([line for line in kept if _is_pattern(line)]))


def patterns_stated(folder: str, patterns: Sequence[str]) -> Patterns | None:
    """Patterns that a user states for a folder, if there are any; as in a shell, ``./`` before one is that folder."""
    return patterns_of(folder, [_HERE.sub(r"\1/", each) for each in patterns])


def no_pattern(pattern: str) -> str | None:
    """Why what a user states as a pattern leaves nothing out; None if it is one."""
    if not pattern.strip() or pattern.startswith("#"):
        return "it is a comment or nothing"
    if _MANY_STARS.search(pattern):
        return "it has more than three * in one part"
    return None if pattern.strip("!./") and _is_pattern(pattern) else "it is no pattern"


def patterns_in(folder: str) -> tuple[Patterns, ...]:
    """The patterns of the ``.gitignore`` in a folder."""
    return _read(folder, os.path.join(folder, ".gitignore"))


def patterns_above(folder: str) -> tuple[Patterns, ...]:
    """What a repository says from its top down to the parent of ``folder``; nothing if the folder is in no repository."""
    parents = [folder, *map(str, Path(folder).parents)]
    top = next((index for index, each in enumerate(parents) if os.path.lexists(os.path.join(each, ".git"))), None)
    if top is None:
        return ()
    excluded = _read(parents[top], os.path.join(_git_folder(parents[top]), "info", "exclude"))
    inner = (patterns for each in reversed(parents[1 : top + 1]) for patterns in patterns_in(each))
    return (*excluded, *inner)


def _read(folder: str, path: str) -> tuple[Patterns, ...]:
    data = content(path, _MOST_BYTES)
    if not isinstance(data, bytes):
        return ()
    found = patterns_of(folder, data.decode("utf-8", "surrogateescape").removeprefix("\ufeff").splitlines())
    return (found,) if found else ()


def _git_folder(top: str) -> str:
    """The ``.git`` of a repository; in a further work tree it is a file that names a folder, which names the common one."""
    git = os.path.join(top, ".git")
    if Path(git).is_dir():
        return git
    named = _first_line(git).removeprefix("gitdir:").strip()
    private = os.path.join(top, named)
    common = _first_line(os.path.join(private, "commondir"))
    return os.path.join(private, common) if common else private


def _first_line(path: str) -> str:
    data = content(path, 4096)
    return data.decode("utf-8", "surrogateescape").partition("\n")[0].strip() if isinstance(data, bytes) else ""


def _line(line: str) -> str:
    # `foo/**` is everything inside foo but not foo itself, which pathspec takes to match as a folder.
    return f"{line[:-3]}/*" if line.endswith("/**") and len(line) > 3 else line


def _is_pattern(line: str) -> bool:
    from pathspec import GitIgnoreSpec

    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True
