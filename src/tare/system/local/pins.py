"""What files were when they were opened, to notice that they changed before all of them was read."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass

from tare.system.local.opened import ChangedError, Identity, difference, identity_of


@dataclass(frozen=True, slots=True)
class Pin:
    """A file as it was. It holds on the machine where it was taken: another one may see the file by another number and time."""

    place: str
    identity: Identity
    machine: str

    @staticmethod
    def of(place: str) -> Pin:
        """Pin a file, links followed. Raises OSError if it is missing."""
        return Pin(os.path.abspath(place), identity_of(os.stat(place)), platform.node())

    def check(self) -> None:
        """Raise :class:`ChangedError` if the file is not what it was."""
        if change := self.change():
            raise ChangedError(f"{change} while it was read")

    def change(self) -> str:
        """How the file changed, in words; empty if it did not."""
        if self.machine != platform.node():
            return ""
        try:
            return difference(self.identity, identity_of(os.stat(self.place)))
        except OSError:
            return "removed"


@dataclass(frozen=True, slots=True)
class TreePin:
    """A folder of files as it was: their number, the sum of their sizes, and the latest time at which one was written."""

    place: str
    files: int
    size: int
    written: int
    machine: str

    @staticmethod
    def of(place: str) -> TreePin:
        """Pin all files below a folder; links are not followed."""
        return TreePin(os.path.abspath(place), *_tree(place), platform.node())

    def check(self) -> None:
        """Raise :class:`ChangedError` if files were added, removed, replaced or rewritten."""
        if self.machine != platform.node():
            return
        files, size, written = _tree(self.place)
        if (files, size, written) != (self.files, self.size, self.written):
            what = f"{self.files} files of {self.size:,} bytes became {files} of {size:,}" if size != self.size else "rewritten"
            raise ChangedError(f"{what} while it was read")


def _tree(place: str) -> tuple[int, int, int]:
    files = size = written = 0
    held = [place]
    while held:
        try:
            with os.scandir(held.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        held.append(entry.path)
                    else:
                        status = entry.stat(follow_symlinks=False)
                        files, size, written = files + 1, size + status.st_size, max(written, status.st_mtime_ns)
        except FileNotFoundError:  # removed meanwhile: the numbers say so
            continue
    return files, size, written
