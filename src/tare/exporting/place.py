"""Check the output of an export before any work: is it free, and can it be written?"""

from __future__ import annotations

from pathlib import Path

from tare.errors import OutputError
from tare.system.files import check_writable

#: A folder with one of these files was written by tare or by a library that tare exports to.
_MARKS = ("tare.json", "model.safetensors")


def check_place(out: Path, *, is_folder: bool, overwrite: bool) -> None:
    """Raise :class:`OutputError` if ``out`` exists without ``overwrite``, is not an earlier export, or cannot be written."""
    if out.exists() or out.is_symlink():
        if not overwrite:
            raise OutputError("a new output", f"{str(out)!r} exists", "name another, or use --overwrite")
        if out.is_dir() != is_folder:
            kind = "folder" if out.is_dir() else "file"
            raise OutputError(f"a {'folder' if is_folder else 'file'} to overwrite", f"the {kind} {str(out)!r}", "name another")
        if is_folder and any(out.iterdir()) and not any((out / mark).is_file() for mark in _MARKS):
            raise OutputError("an exported folder to overwrite", f"{str(out)!r} holds something else", "name another")
    check_writable(out, "a place that can be written", "name another")
