"""Places of data: local files, fsspec URLs, and patterns that name many of them. What exists is a name and nothing else."""

from __future__ import annotations

import glob
import gzip
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, cast

from tare.errors import DataError
from tare.system.local.opened import opened, said, whole

#: So many files a pattern may stand for.
_MOST_FILES = 1_000_000
_BRACES = re.compile(r"\{(\d{1,18})\.\.(\d{1,18})\}")


def is_url(place: str) -> bool:
    """Whether ``place`` is an fsspec URL rather than a local path; what exists under that very name is a path."""
    return "://" in place and not os.path.lexists(place)


def file_system(place: str) -> tuple[Any, str]:
    """Return the fsspec file system of a URL and the path in it. Raises :class:`DataError` for an unknown protocol."""
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(place)
    except (ValueError, ImportError, OSError) as error:
        raise DataError("a URL whose protocol is installed", f"{place!r}: {error}", "install it, or name a local path") from None
    return system, str(path)


@contextmanager
def open_binary(place: str, *, decompress: bool = True) -> Iterator[BinaryIO]:
    """Open a local file or fsspec URL for reading; a ``.gz`` file is decompressed.

    Raises :class:`DataError` if it cannot be opened or read, or is not a valid gzip file.
    """
    try:
        with _raw(place) as file:
            if decompress and place.lower().endswith((".gz", ".tgz")):
                with gzip.open(file) as plain:
                    yield cast(BinaryIO, plain)
            else:
                yield file
    except (OSError, EOFError, ValueError) as error:  # ValueError: a null byte in a name
        if isinstance(error, ValueError) and "null" not in str(error):
            raise
        reason = said(error)
        raise DataError("a readable file", f"{place!r}: {reason}", "check the path and the file") from None


@contextmanager
def opened_for(place: str) -> Iterator[BinaryIO]:
    """Open a local file to read large pieces of it, without a buffer. Raises :class:`DataError` as :func:`open_binary` does."""
    try:
        with opened(place, 0) as file:
            yield file
    except OSError as error:
        raise DataError("a readable file", f"{place!r}: {said(error)}", "check the path and the file") from None


def read_bytes(place: str) -> bytes:
    """Read a whole small file; raises OSError, so that one sample can be skipped."""
    if not is_url(place):
        return whole(place)
    with _raw(place) as file:
        return file.read()


def files_at(place: str) -> tuple[str, ...]:
    """Expand ``{000..011}`` and shell patterns to the files they name, sorted; a plain name is returned unchanged.

    Raises :class:`DataError` if a pattern matches nothing.
    """
    if os.path.lexists(place):
        return (place,)
    names = [name for text in _expanded(place) for name in _globbed(text)]
    if not names:
        raise DataError("a pattern that matches files", f"none for {place!r}", "check the pattern")
    return tuple(dict.fromkeys(names))  # part1* names part12, too


def is_folder(place: str) -> bool:
    """Whether ``place`` is an existing folder."""
    if not is_url(place):
        return Path(place).is_dir()
    system, path = file_system(place)
    return bool(system.isdir(path))


@contextmanager
def _raw(place: str) -> Iterator[BinaryIO]:
    if not is_url(place):
        with opened(place) as file:
            yield file
        return
    system, path = file_system(place)
    with system.open(path, "rb") as remote:
        yield cast(BinaryIO, remote)


def _expanded(place: str) -> Iterator[str]:
    parts = _BRACES.split(place)  # text, first, last, text, first, last, ..., text
    count = prod(max(0, int(b) - int(a) + 1) for a, b in zip(parts[1::3], parts[2::3], strict=True))
    if count > _MOST_FILES:
        found = f"{count:,} for {place[:80]!r}"
        raise DataError(f"a pattern of at most {_MOST_FILES:,} names", found, "name a folder, or a pattern with *")
    ranges = [[str(n).zfill(len(a)) for n in range(int(a), int(b) + 1)] for a, b in zip(parts[1::3], parts[2::3], strict=True)]
    for numbers in product(*ranges):
        yield "".join(text + number for text, number in zip(parts[::3], (*numbers, ""), strict=True))


def _globbed(place: str) -> list[str]:
    if not any(sign in place for sign in "*?["):
        return [place]
    if not is_url(place):
        return [place] if os.path.lexists(place) else sorted({*_matched(place)})
    system, path = file_system(place)
    return sorted(system.unstrip_protocol(name) for name in system.glob(path))


def _matched(pattern: str) -> Iterator[str]:
    """What a shell pattern matches; behind ``**`` each folder counts once, so that links in a circle end."""
    parts = pattern.split("/")
    if "**" not in parts:
        yield from glob.iglob(pattern)  # noqa: PTH207 - Path.glob takes no absolute pattern
        return
    at = parts.index("**")
    before, after = "/".join(parts[:at]), "/".join(parts[at + 1 :])
    for base in sorted(_matched(f"{before}/")) if before else ["/" if at else ""]:
        for folder in _folders_below(base):
            found = _matched(f"{glob.escape(folder)}{after or '*'}")
            yield from found if after else (name for name in found if not os.path.isdir(name))  # noqa: PTH112 - of text


def _folders_below(base: str) -> Iterator[str]:
    """A folder and all below it but the hidden ones, links followed, each once; the names end with a slash, or are empty."""
    seen: set[tuple[int, int]] = set()
    waiting = [base]
    while waiting:
        folder = waiting.pop()
        try:
            status = os.stat(folder or ".")
            if (status.st_dev, status.st_ino) in seen:
                continue
            with os.scandir(folder or ".") as entries:
                names = sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
        except OSError:  # as for any pattern, what cannot be listed matches nothing
            continue
        seen.add((status.st_dev, status.st_ino))
        yield folder
        waiting.extend(f"{folder}{name}/" for name in reversed(names))


def parted(place: str, array: str | None) -> tuple[str, str | None]:
    """Split ``FILE#ARRAY``; ``array`` is the option that names the array, too.

    A file whose own name has a number sign is a file. Raises :class:`DataError` if both name an array.
    """
    file, sign, name = place.rpartition("#")
    if not sign or os.path.lexists(place):
        return place, array
    if array is not None and array != name:
        raise DataError("one name of an array", f"{name!r} and --array {array}", "leave one out")
    return file, name
