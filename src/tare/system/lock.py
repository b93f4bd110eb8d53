"""A lock that lets one process at a time write to a place. A second process is refused; the lock ends with its process."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from tare.errors import OutputError
from tare.system.files import file_place, folder_place

#: The locks that this process holds or asks for, each with its holder; a forked process holds none of its parent's.
_held: dict[str, object] = {}
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_held.clear)


@contextlib.contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Hold the file ``.NAME.lock`` beside ``path`` while the context lasts; of a symbolic link, beside what it leads to.

    The lock is the operating system's (POSIX record lock): it ends with its process, is not inherited by workers, and works
    on shared file systems that support it. Raises :class:`OutputError` at once if another process, or another thread of this
    process, holds it, if the place cannot be written, or if a link, a folder, a pipe or a file with
    content has the name of the lock, which is an empty file. A process that is forked meanwhile leaves the lock as it is.
    """
    mine, process = object(), os.getpid()
    try:
        place = _place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        lock = _lock_of(place)
        if _held.setdefault(str(lock), mine) is not mine:  # one step, and no two threads take it at once
            raise _refused(path)
        try:
            descriptor = _acquired(lock, path)
        except BaseException:
            del _held[str(lock)]
            raise
    except OSError as error:
        raise OutputError("a place that can be written", f"{error.strerror} for {str(path)!r}", "name another") from None
    try:
        yield
    finally:
        if os.getpid() == process:
            try:  # before the lock is given up, so that another process that opened this file sees that it is gone
                lock.unlink(missing_ok=True)
            finally:
                os.close(descriptor)
                del _held[str(lock)]


def check_unheld(path: Path) -> None:
    """Raise :class:`OutputError` if another process holds ``path`` by :func:`only_writer` now; the lock is left as it is."""
    import fcntl

    lock = _lock_of(_place(path))
    if str(lock) in _held or not lock.is_file() or lock.is_symlink():
        return
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:  # gone meanwhile, or somebody else's: what is written says so
        return
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        raise _refused(path) from None
    except OSError:  # a file system without locks
        return
    finally:
        os.close(descriptor)


def _lock_of(place: Path) -> Path:
    """The file of the lock; closing it by another name would give it up."""
    return Path(os.path.realpath(place.parent)) / f".{place.name}.lock"


def _place(path: Path) -> Path:
    """The path without links at its end, so that two names of one output have one lock."""
    return folder_place(path) if path.is_dir() else file_place(path)


def _acquired(lock: Path, path: Path) -> int:
    """A descriptor that holds the lock; opens the file again if another process removed it meanwhile."""
    import fcntl

    while True:
        descriptor = _opened(lock)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.lexists(lock) and os.path.samestat(os.fstat(descriptor), os.lstat(lock)):
                return descriptor
        except (BlockingIOError, PermissionError):  # POSIX allows either for a lock that is held
            os.close(descriptor)
            raise _refused(path) from None
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _opened(lock: Path) -> int:
    """A descriptor of the lock's file, which is made if there is none. Raises :class:`OutputError` for anything else."""
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise
    else:
        state = os.fstat(descriptor)
        if stat.S_ISREG(state.st_mode) and state.st_size == 0:
            return descriptor
        os.close(descriptor)
    raise OutputError("a lock that is a file of its own", f"something else at {str(lock)!r}", "remove it, or name another output")


def _refused(path: Path) -> OutputError:
    found = f"another process that is writing to {str(path)!r} now"
    return OutputError("one process at a time on an output", found, "wait for it, or name another place")
