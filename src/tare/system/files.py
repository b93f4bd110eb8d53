"""Write files atomically: a file under its final name is always whole."""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import hashlib
import json
import math
import os
import re
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tare.errors import OutputError
from tare.system.terminal.streams import standard_output

_TRIES = 100
#: So many links may lead from a name to what it names; Linux follows as many.
_MOST_LINKS = 40
#: So many seconds a reader may take to open the other end of a named pipe.
_PATIENCE = 2.0
#: Names of this process's own open files.
_DESCRIPTOR = re.compile(r"/(?:dev|proc/(?:self|thread-self))/fd/(\d{1,9})")
#: Temporary files and folders are called ``.NAME.tare-XXXXXXXX.part``: nobody's backup of NAME is, so they can be removed.
_MARK = "tare-"
#: So many bytes of a name leave room for the rest of a temporary one, of at most 255.
_LONGEST_STEM = 230
_OWN_NAMES = re.compile(rf"\..+\.(?:{_MARK}(?:[0-9a-f]{{8}}\.part|[0-9a-f]{{8}}\.old|before)|lock)")
#: Folders that a command works in, by name, with what tells one from another folder of the same name.
_held: dict[str, tuple[int, int]] = {}


@contextlib.contextmanager
def replacing(path: Path, *, follow: bool = True) -> Iterator[Path]:
    """Give a temporary name beside ``path`` to write to; rename it to ``path`` on success, remove it on failure.

    If ``path`` is a symbolic link, the file that it leads to is replaced and the link stays. A pipe, a terminal or a device such
    as ``/dev/stdout`` and ``/dev/null`` is never replaced: the finished file is copied into it. Without ``follow`` whatever has
    the name is replaced, as in a cache, whose names nobody but tare chooses. A file that is replaced leaves its mode to the new
    one, so that a private output stays private, also while it is written. Raises :class:`OutputError` if the folder cannot be
    written, the disk is full, or the name is that of a folder, a disk, a socket or a dangling link.
    """
    temporary: Path | None = None
    descriptor: int | None = None
    try:
        with _writable(path):
            place = _place_of(path) if follow else _Place(path.absolute())
            if place.is_special:
                with tempfile.TemporaryDirectory(prefix="tare-") as folder:
                    whole = Path(folder) / "output"
                    whole.touch()
                    yield whole
                    _pour(whole, place)
                return
            if place.path.is_dir() and not place.path.is_symlink():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            _check_held(place.path)
            place.path.parent.mkdir(parents=True, exist_ok=True)
            before = _mode_of(place.path)
            kept = stat.S_IMODE(before) & 0o777 if before is not None and stat.S_ISREG(before) else None
            narrow = 0o666 if kept is None else kept | stat.S_IRUSR | stat.S_IWUSR
            temporary = _made_beside(place.path, lambda new: new.touch(narrow, exist_ok=False))
            descriptor = _kept(temporary)
            mode = stat.S_IMODE(temporary.stat().st_mode) if kept is None else kept
            yield temporary
            temporary.chmod(mode)  # a library may have put a file of its own there, such as safetensors with mode 0600
            os.replace(temporary, place.path)
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        if descriptor is not None:
            os.close(descriptor)


@contextlib.contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``folder`` to fill; rename it to ``folder`` on success, remove it on failure.

    An existing folder is replaced; if ``folder`` is a symbolic link, the folder that it leads to is. Files in it have the modes
    that the umask gives, whatever library wrote them. Raises :class:`OutputError` if the place cannot be written or the disk is
    full.
    """
    temporary: Path | None = None
    try:
        with _writable(folder):
            place = folder_place(folder)
            _check_held(place)
            place.parent.mkdir(parents=True, exist_ok=True)
            temporary = _made_beside(place, Path.mkdir)
            mode = stat.S_IMODE(temporary.stat().st_mode)
            yield temporary
            _give_modes(temporary, mode)
            if not (place.exists() and _exchanged(temporary, place)):
                if place.exists():  # the system cannot exchange two names: move the old folder aside first
                    os.replace(place, temporary.with_suffix(".old"))
                os.replace(temporary, place)
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
            shutil.rmtree(temporary.with_suffix(".old"), ignore_errors=True)


def folder_place(folder: Path) -> Path:
    """The absolute place of a folder that is written: where a symbolic link leads, else the path, which need not exist.

    Raises :class:`OutputError` for a file, a device, a pipe, and a link that leads nowhere.
    """
    with _writable(folder):
        place = _place_of(folder)
        if place.is_special or (place.path.exists() and not place.path.is_dir()):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    return place.path


def file_place(path: Path) -> Path:
    """The absolute place of a file that is written and read again: where a symbolic link leads, else the path.

    Raises :class:`OutputError` for a folder, a device, a pipe, and a link that leads nowhere.
    """
    with _writable(path):
        place = _place_of(path)
        if place.path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if place.is_special:
        raise OutputError("a file", f"{str(path)!r}, a pipe or a device", "name a file")
    return place.path


def check_output(path: Path) -> None:
    """Raise :class:`OutputError` for a name that :func:`replacing` refuses whatever is written; nothing is opened or made."""
    with _writable(path):
        place = _place_of(path)
        if place.path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        nearest = next(parent for parent in place.path.parents if os.path.lexists(parent))
        if not place.is_special and not nearest.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f"{os.strerror(errno.ENOTDIR)}: {str(nearest)!r}")


@contextlib.contextmanager
def staying(folder: Path) -> Iterator[None]:
    """While the context lasts nothing is written below ``folder`` unless it is the same folder as at the beginning.

    A folder that was removed, or replaced by another folder or a link, is not made again: it would hold a part of a result.
    """
    with _writable(folder):
        place, state = folder.absolute(), os.stat(folder)
    name = str(place)
    _held[name] = (state.st_dev, state.st_ino)
    try:
        yield
        _check_held(place / "x")
    finally:
        _held.pop(name, None)


def foreign_in(folder: Path, own: Sequence[str]) -> str | None:
    """The first file in a folder whose path from there fits none of the patterns of what tare writes; None if there is none.

    Temporary files, folders and locks of outputs are tare's. Others count by what is in them, an empty one is nobody's.
    """
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        folders[:] = sorted(name for name in folders if not _OWN_NAMES.fullmatch(name))
        for name in sorted([*files, *links]):
            path = (Path(place) / name).relative_to(folder).as_posix()
            if not _OWN_NAMES.fullmatch(name) and not any(fnmatch.fnmatchcase(path, pattern) for pattern in own):
                return path
    return None


def check_own(folder: Path, own: Sequence[str], what: str) -> None:
    """Raise :class:`OutputError` for a file in ``folder`` that tare did not write, which ``--overwrite`` would delete."""
    found = foreign_in(folder, own)
    if found is not None:
        remedy = "move it elsewhere, or name another place"
        raise OutputError(f"{what} to overwrite that holds nothing else", f"{found!r} in {str(folder)!r}", remedy)


def takes_away(folder: Path, text: str | os.PathLike[str]) -> bool:
    """Whether replacing ``folder`` would take away what is at ``text``: a file or folder in it, or the folder itself."""
    here, there = Path(os.path.realpath(folder)), Path(os.path.realpath(text))
    return there.exists() and (here in there.parents or (here.exists() and here.samefile(there)))


def set_aside(path: Path) -> Path:
    """The name beside ``path`` that keeps what was there before, until what replaces it is worth keeping."""
    return path.with_name(f".{path.name}.{_MARK}before")


def discarded(path: Path) -> Path:
    """A name beside ``path`` for what is being removed: what a killed process leaves of it goes with the next output."""
    return path.with_name(f".{_stem(path.name)}.{_MARK}{secrets.token_hex(4)}.old")


def remove_parts(folder: Path, name: str | None = None) -> None:
    """Remove the temporary files that killed processes left in ``folder``: all, or those of the output ``name``.

    Whoever asks holds the lock of the output; see :func:`remove_left` for outputs without one.
    """
    for part in _parts_of(folder, name):
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


def remove_left(path: Path) -> None:
    """Remove the temporary files that killed processes left of an output file; those that a process still writes stay."""
    place = _place_of(path)
    for part in _parts_of(place.path.parent, place.path.name) if not place.is_special else ():
        with contextlib.suppress(OSError):  # somebody else's, or gone meanwhile
            descriptor = None if part.is_dir() else _kept(part)
            if descriptor is not None:
                part.unlink(missing_ok=True)
                os.close(descriptor)


def _parts_of(folder: Path, name: str | None) -> list[Path]:
    kind = re.compile(rf"\.{'.+' if name is None else re.escape(_stem(name))}\.{_MARK}[0-9a-f]{{8}}\.(?:part|old)")
    return [path for path in folder.glob(".*") if kind.fullmatch(path.name)]


def _kept(temporary: Path) -> int | None:
    """A descriptor whose lock says that a process writes the file; None if another does, or no lock can be had.

    The lock ends with the process, and leaves it alone to open and close the file in other ways.
    """
    import fcntl

    try:
        descriptor = os.open(temporary, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def check_writable(out: Path, expected: str, remedy: str) -> None:
    """Raise :class:`OutputError` if nothing could be made at ``out``, which need not exist."""
    try:
        out = _place_of(out).path
        nearest = next(parent for parent in (out.absolute(), *out.absolute().parents) if parent.exists())
        with tempfile.TemporaryDirectory(prefix=".tare-", dir=nearest if nearest.is_dir() else nearest.parent):
            pass
        if not nearest.is_dir() and nearest != out.absolute():
            raise NotADirectoryError(20, f"{nearest} is a file")
    except OSError as error:
        raise OutputError(expected, f"{error.strerror} for {str(out)!r}", remedy) from None


def write_text(path: Path, text: str, *, follow: bool = True) -> None:
    """Write ``text`` as UTF-8, atomically; see :func:`replacing`."""
    with replacing(path, follow=follow) as temporary:
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


class _Place(NamedTuple):
    """Where an output goes: a path without links at its end; a pipe or a device, which may be an open file of this process."""

    path: Path
    is_special: bool = False
    descriptor: int | None = None


def _place_of(path: Path) -> _Place:
    """Follow symbolic links, from the absolute path: the process may change its directory before the output is whole.

    Raises OSError for what cannot be written: a disk, a socket, a link that leads nowhere.
    """
    here, links = path.absolute(), 0
    while True:
        own = _DESCRIPTOR.fullmatch(os.path.normpath(here))
        if own is not None:
            return _Place(here, is_special=True, descriptor=int(own[1]))
        mode = _mode_of(here)
        if mode is None and links:
            raise FileNotFoundError(errno.ENOENT, "a symbolic link that leads nowhere")
        if mode is None or not stat.S_ISLNK(mode):
            break
        if (links := links + 1) > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        target = here.readlink()
        if not os.path.lexists(here.parent / target) and here.exists():  # an open file of another process, which has no name
            mode = here.stat().st_mode
            break
        here = here.parent / target
    if mode is None or stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        # While run is moved aside, run/../run leads nowhere.
        return _Place(Path(os.path.realpath(here)) if ".." in here.parts else here)
    if stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
        raise OSError(errno.EINVAL, "a disk" if stat.S_ISBLK(mode) else "a socket")
    return _Place(here, is_special=True)


def _mode_of(path: Path) -> int | None:
    """The mode of a file or a link; None if there is none. Raises OSError for a name that no file can have."""
    try:
        return os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):  # the latter is told when the folder is made
        return None
    except ValueError:
        raise OSError(errno.EINVAL, "a null character") from None


def _pour(whole: Path, place: _Place) -> None:
    """Copy a finished file into a pipe or a device."""
    with whole.open("rb") as source:
        if place.descriptor == 1 and (output := standard_output()) is not None:  # after what was printed before
            shutil.copyfileobj(source, output)
            output.flush()
            return
        target = _opened(place.path) if place.descriptor is None else os.dup(place.descriptor)
        with open(target, "wb") as sink:
            shutil.copyfileobj(source, sink)


def _opened(path: Path) -> int:
    """A descriptor of a pipe or a device that exists. A named pipe without a reader is waited for a moment, not for ever."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            target = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
            break
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if time.monotonic() > until:
                raise OSError(errno.ENXIO, "no reader of the pipe") from None
        time.sleep(0.02)
    mode = os.fstat(target).st_mode
    if not stat.S_ISFIFO(mode) and not stat.S_ISCHR(mode):  # it became something else meanwhile
        os.close(target)
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    os.set_blocking(target, True)
    return target


def _check_held(path: Path) -> None:
    """Raise OSError if ``path`` is below a folder of :func:`staying` that is not there any more."""
    for name, known in [*_held.items()]:
        if path.absolute().is_relative_to(name):
            try:
                state = os.stat(name)
            except FileNotFoundError:
                raise FileNotFoundError(errno.ENOENT, "a folder that was removed meanwhile") from None
            if (state.st_dev, state.st_ino) != known:
                raise OSError(errno.ESTALE, "a folder that was replaced meanwhile")


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
        name = path.with_name(f".{_stem(path.name)}.{_MARK}{secrets.token_hex(4)}.part")
        try:
            make(name)
        except FileExistsError:
            continue
        return name
    raise FileExistsError(errno.EEXIST, "no free temporary name")


def _stem(name: str) -> str:
    """A name; of one that leaves no room for what is added to it, its beginning and a digest."""
    data = os.fsencode(name)
    return name if len(data) <= _LONGEST_STEM else f"{name[:32]}~{hashlib.sha256(data).hexdigest()[:16]}"


def _give_modes(folder: Path, mode: int) -> None:
    """Give files and folders in ``folder`` the modes that the umask gave the folder; links are left alone."""
    for place, folders, files in os.walk(folder):
        for names, bits in ((folders, mode), (files, mode & 0o666)):
            for path in (Path(place, name) for name in names):
                if not path.is_symlink():
                    path.chmod(bits)
    folder.chmod(mode)
