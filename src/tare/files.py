"""Writing files so that nobody ever sees half of one."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tare.errors import OutputError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path`` to write to; rename it to ``path`` on success, remove it on failure.

    Raises :class:`OutputError` if the folder cannot be written or the disk is full.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(descriptor)
        temporary = Path(name)
        yield temporary
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp's 0600 would hide the result from the user's group
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(
            "a place that can be written", f"{error.strerror or error} for {str(path)!r}", "free it or name another"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``folder`` to fill; rename it to ``folder`` on success, remove it on failure.

    What was there is replaced. Raises :class:`OutputError` if the place cannot be written or the disk is full.
    """
    temporary: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        if folder.exists():  # a folder cannot be replaced in one step: move the old one aside first
            os.replace(folder, temporary.with_suffix(".old"))
        os.replace(temporary, folder)
    except OSError as error:
        raise OutputError(
            "a place that can be written", f"{error.strerror or error} for {str(folder)!r}", "free it or name another"
        ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
            shutil.rmtree(temporary.with_suffix(".old"), ignore_errors=True)


def remove_parts(folder: Path) -> None:
    """Remove what processes that were killed while they wrote to ``folder`` left behind."""
    for part in folder.glob(".*.part"):
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def json_text(document: Any) -> str:
    """A JSON document as indented text, lists of numbers on one line each. Raises ValueError for NaN, which is not JSON."""
    text = json.dumps(document, indent=2, allow_nan=False)
    # Inside a string a line break is escaped, so what spans lines here is a list indeed.
    return re.sub(r"\[\s*\n([-+.,\s\deE]+)\n\s*\]", lambda found: f"[{' '.join(found[1].split())}]", text)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
