"""A lock that lets one process at a time write to a place. A second process is refused; the lock ends with its process."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from tare.errors import OutputError

_held: set[str] = set()


@contextlib.contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Hold the file ``.NAME.lock`` beside ``path`` while the context lasts.

    The lock is the operating system's (POSIX record lock): it ends with its process, is not inherited by workers, and works
    on shared file systems that support it. Raises :class:`OutputError` at once if another process, or another thread of this
    process, holds it, or if the place cannot be written.
    """
    place = path.absolute()
    lock = place.with_name(f".{place.name}.lock")
    if str(lock) in _held:
        raise _refused(path)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _acquired(lock, path)
    except OSError as error:
        raise OutputError("a place that can be written", f"{error.strerror} for {str(path)!r}", "name another") from None
    _held.add(str(lock))
    try:
        yield
    finally:
        _held.discard(str(lock))
        lock.unlink(
            missing_ok=True
        )  # before the lock is given up, so that another process that opened this file sees that it is gone
        os.close(descriptor)


def _acquired(lock: Path, path: Path) -> int:
    """A descriptor that holds the lock; opens the file again if another process removed it meanwhile."""
    import fcntl

    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if lock.exists() and os.path.samestat(os.fstat(descriptor), lock.stat()):
                return descriptor
        except (BlockingIOError, PermissionError):  # POSIX allows either for a lock that is held
            os.close(descriptor)
            raise _refused(path) from None
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _refused(path: Path) -> OutputError:
    found = f"another process that is writing to {str(path)!r} now"
    return OutputError("one process at a time on an output", found, "wait for it, or name another place")
