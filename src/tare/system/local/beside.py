"""Pipes and devices beside a file, which a library that looks for further files there would open and wait for."""

from __future__ import annotations

import os
import stat
from functools import lru_cache

from tare.system.local.opened import NotRegularError

#: Endings of the metadata of scenes, which GDAL looks for by names of their own: METADATA.DIM, SUMMARY.TXT.
_METADATA = (".dim", ".txt", ".xml")


def check_beside(place: str) -> None:
    """Raise :class:`NotRegularError` if a pipe, socket or device beside a file could be taken for a part of it.

    That is one whose name begins with the file's, endings apart, or ends as metadata do. Raises OSError if the folder is missing.
    """
    folder, name = os.path.split(os.path.abspath(place))
    stem = os.path.splitext(name)[0].lower()
    for special in _specials(folder, os.stat(folder).st_mtime_ns):
        found = special.lower()
        if (found.startswith(stem) and not found[len(stem) :][:1].isalnum()) or found.endswith(_METADATA):
            raise NotRegularError(f"{special!r} beside it is not a regular file but a pipe, socket or device")


@lru_cache(maxsize=64)
def _specials(folder: str, written: int) -> tuple[str, ...]:
    """What is neither a file nor a folder among the entries of a folder; they are listed again once it was written to."""
    del written
    with os.scandir(folder) as entries:
        return tuple(entry.name for entry in entries if _is_special(entry))


def _is_special(entry: os.DirEntry[str]) -> bool:
    if entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False):  # without a look at the file
        return False
    try:
        mode = entry.stat().st_mode
    except OSError:  # a link to nothing
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)
