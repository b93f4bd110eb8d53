"""Write files atomically: a file under its final name is always whole."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tare.errors import OutputError

_TRIES = 100


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path`` to write to; rename it to ``path`` on success, remove it on failure.

    Raises :class:`OutputError` if the folder cannot be written or the disk is full.
    """
    temporary: Path | None = None
    try:
        with _writable(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = _made_beside(path, lambda new: new.touch(exist_ok=False))
            mode = stat.S_IMODE(temporary.stat().st_mode)
            yield temporary
            temporary.chmod(mode)  # a library may have put a file of its own there, such as safetensors with mode 0600
            os.replace(temporary, path)
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``folder`` to fill; rename it to ``folder`` on success, remove it on failure.

    An existing folder is replaced. Files in it have the modes that the umask gives, whatever library wrote them. Raises
    :class:`OutputError` if the place cannot be written or the disk is full.
    """
    temporary: Path | None = None
    try:
        with _writable(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            temporary = _made_beside(folder, Path.mkdir)
            mode = stat.S_IMODE(temporary.stat().st_mode)
            yield temporary
            _give_modes(temporary, mode)
            if not (folder.exists() and _exchanged(temporary, folder)):
                if folder.exists():  # the system cannot exchange two names: move the old folder aside first
                    os.replace(folder, temporary.with_suffix(".old"))
                os.replace(temporary, folder)
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
            shutil.rmtree(temporary.with_suffix(".old"), ignore_errors=True)


def remove_parts(folder: Path, name: str | None = None) -> None:
    """Remove the temporary files that killed processes left in ``folder``: all, or those of the output ``name``."""
    kind = re.compile(rf"\.{'.+' if name is None else re.escape(name)}\.[a-z0-9_]{{8}}\.(part|old)")
    for part in [path for path in folder.glob(".*") if kind.fullmatch(path.name)]:
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


def check_writable(out: Path, expected: str, remedy: str) -> None:
    """Raise :class:`OutputError` if nothing could be made at ``out``, which need not exist."""
    nearest = next(parent for parent in (out.absolute(), *out.absolute().parents) if parent.exists())
    try:
        with tempfile.TemporaryDirectory(prefix=".tare-", dir=nearest if nearest.is_dir() else nearest.parent):
            pass
        if not nearest.is_dir() and nearest != out.absolute():
            raise NotADirectoryError(20, f"{nearest} is a file")
    except OSError as error:
        raise OutputError(expected, f"{error.strerror} for {str(out)!r}", remedy) from None


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def json_text(document: Any) -> str:
    """A JSON document as indented text, each list of numbers on one line. Raises ValueError for NaN, which JSON does not have."""
    text = json.dumps(document, indent=2, allow_nan=False)
    # A string escapes its line breaks, so a match over several lines is a list.
    return re.sub(r"\[\s*\n([-+.,\s\deE]+)\n\s*\]", lambda found: f"[{' '.join(found[1].split())}]", text)


def finite(value: Any) -> Any:
    """The value with NaN and infinities replaced by None, which JSON has, in nested objects and lists too."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two names in one step, so that neither is ever absent; False if the system or file system cannot."""
    import ctypes

    here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE, of Linux
    try:
        rename = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError):
        return False
    return bool(rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0)


@contextlib.contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            "a place that can be written", f"{error.strerror or error} for {str(path)!r}", "free it or name another"
        ) from error


def _made_beside(path: Path, make: Callable[[Path], None]) -> Path:
    """Make a file or folder with a name of its own beside ``path``, as :func:`remove_parts` finds it again.

    Python's tempfile gives the mode 0600, which would hide the result from the user's group; here the umask decides.
    """
    for _ in range(_TRIES):
        name = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        try:
            make(name)
        except FileExistsError:
            continue
        return name
    raise FileExistsError(errno.EEXIST, "no free temporary name")


def _give_modes(folder: Path, mode: int) -> None:
    """Give files and folders in ``folder`` the modes that the umask gave the folder; links are left alone."""
    for place, folders, files in os.walk(folder):
        for names, bits in ((folders, mode), (files, mode & 0o666)):
            for path in (Path(place, name) for name in names):
                if not path.is_symlink():
                    path.chmod(bits)
    folder.chmod(mode)
