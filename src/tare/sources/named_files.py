"""Expand the files, folders and patterns that a user names, and lists on standard input, to paths."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from tare.samples.decode import SUFFIXES
from tare.sources.files.image_folder import open_image_folder, walk_files


def image_paths(
    words: Iterable[str],
    stdin: BinaryIO | None = None,
    suffixes: Collection[str] = SUFFIXES,
    also: Callable[[str], bool] | None = None,
    left_out: Callable[[str, str], None] = lambda _folder, _path: None,
) -> Iterator[str]:
    """Yield paths in the order of ``words``, sorted within a folder or pattern.

    A folder stands for the files below it whose names end in one of ``suffixes`` (by default those of images) or that
    ``also`` takes; ``left_out`` is called with the folder and each other one. A pattern (``*``, ``**``, ``?``, ``[...]``) stands
    for the paths that it matches, unless such a path exists, and ``-`` for a list of paths on
    standard input: one a line, or separated by NUL as ``find -print0`` writes them. Any other word is yielded
    unchanged, even if no such file exists.
    Bytes that are not UTF-8 become surrogates (PEP 383).

    Raises :class:`DataError` for a folder that cannot be listed.
    """
    for word in words:
        if word == "-":
            yield from _listed(stdin or sys.stdin.buffer)
        elif os.path.isdir(word):  # noqa: PTH112 - a path with surrogates or a NUL is a word like any other
            open_image_folder(Path(word))
            for path in walk_files(Path(word)):
                if path.lower().endswith(tuple(suffixes)) or (also is not None and also(path)):
                    yield path
                else:
                    left_out(word, path)
        elif not os.path.lexists(word) and glob.has_magic(word):
            yield from _matching(word)
        else:
            yield word


def _listed(stream: BinaryIO) -> Iterator[str]:
    data = stream.read()
    lines = data.split(b"\0") if b"\0" in data else (line.removesuffix(b"\r") for line in data.split(b"\n"))
    yield from (os.fsdecode(line) for line in lines if line)


def _matching(pattern: str) -> Iterator[str]:
    matched = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - the pattern may be absolute
    for path in matched:
        if not os.path.isdir(path):  # noqa: PTH112
            yield path
    if not matched:  # the caller then reports that nothing is there
        yield pattern
