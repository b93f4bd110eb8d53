"""The one way to open a file of this machine that holds data: only a regular file, and only while it stays what it was.

A file is never mapped into memory: where another process shortens a mapped file, the operating system ends the program that reads
it (SIGBUS), and no check of its size beforehand can help. A read of a shortened file is short, and can be refused.
"""

from __future__ import annotations

import errno
import io
import os
import select
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

from tare.errors import ResourceError

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOCTTY", 0)
_FLAGS |= getattr(os, "O_BINARY", 0)
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)

#: So many seconds a pipe that somebody writes to may take to end, and so many a pipe may be without a writer.
_LONGEST, _PATIENCE = 60.0, 2.0


class NotRegularError(OSError):
    """What was to be opened is no regular file: a pipe could wait for ever, and a device need not end."""


class ChangedError(OSError):
    """A file was shortened, lengthened, rewritten, replaced or removed while it was read."""


class Identity(NamedTuple):
    """What a file is, as far as its directory tells: its number there, its size in bytes, and when it was written."""

    inode: int
    size: int
    written: int


def identity_of(status: os.stat_result) -> Identity:
    """The identity of a file by its status."""
    return Identity(status.st_ino, status.st_size, status.st_mtime_ns)


def regular(place: str | os.PathLike[str]) -> os.stat_result:
    """The status of a regular file, links followed. Raises OSError if it is missing, :class:`NotRegularError` if it is none."""
    status = os.stat(place)
    _check_regular(status.st_mode)
    return status


@contextmanager
def opened(place: str | os.PathLike[str], buffering: int = -1) -> Iterator[BinaryIO]:
    """Open a regular file for reading.

    Raises OSError: :class:`NotRegularError` for anything else than a regular file with a size, and :class:`ChangedError` if the
    file is not what it was by the time it is closed; an error that comes of such a change is replaced by it. Raises
    :class:`ResourceError` if the system opens no more files, whatever their content.
    """
    regular(place)  # before it is opened: to open a device or a pipe can already do something
    with open(_descriptor(place), "rb", buffering=buffering) as file:
        status = os.fstat(file.fileno())
        _check_regular(status.st_mode)
        if status.st_size == 0 and os.read(file.fileno(), 1):
            raise NotRegularError("a file without a size, such as those of /proc")
        try:
            yield file
        except Exception:
            _check_same(file, status)
            raise
        _check_same(file, status)


def _descriptor(place: str | os.PathLike[str]) -> int:
    try:
        return os.open(place, _FLAGS)
    except OSError as error:
        if error.errno in _EXHAUSTED:
            raise exhausted(error) from None
        raise


def exhausted(error: OSError) -> ResourceError:
    """What is said where the system gives no more files or memory."""
    return ResourceError("files and memory that the system gives", str(error.strerror), "free some, or raise the limit (ulimit)")


def whole(place: str | os.PathLike[str]) -> bytes:
    """All bytes of a regular file; raises as :func:`opened` does."""
    with opened(place, 0) as file:
        size = os.fstat(file.fileno()).st_size
        memory = bytearray(size)
        return bytes(memory[: fill(file, memoryview(memory))])


def fill(file: BinaryIO, memory: memoryview) -> int:
    """Read until ``memory`` is full or the file ends; return the number of bytes."""
    read = 0
    while read < len(memory) and (count := file.readinto(memory[read:])):  # type: ignore[attr-defined]
        read += count
    return read


def text_of(place: str | os.PathLike[str]) -> str:
    """All text of a regular file in UTF-8, with line ends of one sign; raises as :func:`opened` does, and UnicodeDecodeError."""
    return io.TextIOWrapper(in_memory(place), "utf-8").read()


def forbidden(place: str | os.PathLike[str]) -> bool:
    """Whether a folder on the way may not be passed, so that nobody can say whether the name exists."""
    try:
        os.lstat(place)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return False


def is_pipe(place: str | os.PathLike[str]) -> bool:
    """Whether a name is that of a pipe, such as ``/dev/stdin`` behind ``|`` and what a shell makes of ``<(...)``."""
    try:
        return stat.S_ISFIFO(os.stat(place).st_mode)
    except (OSError, ValueError):
        return False


def document(place: str | os.PathLike[str], most: int) -> bytes:
    """All bytes of a document that the user names: of a regular file as :func:`whole` gives them, or of a pipe until its end.

    A pipe is read once. Raises OSError for more than ``most`` bytes, and for a pipe that nobody writes to or that does not end
    within a minute.
    """
    return _piped(place, most) if is_pipe(place) else limited(place, most)


def limited(place: str | os.PathLike[str], most: int) -> bytes:
    """All bytes of a regular file of at most ``most`` bytes; raises OSError as :func:`opened` does, and for a larger one."""
    size = regular(place).st_size
    if size > most:
        raise OSError(f"{size:,} bytes, more than the {most:,} of the largest document")
    return whole(place)


def document_text(place: str | os.PathLike[str], most: int) -> str:
    """The same as text in UTF-8, with line ends of one sign; raises UnicodeDecodeError, too."""
    return io.TextIOWrapper(io.BytesIO(document(place, most)), "utf-8").read()


def _piped(place: str | os.PathLike[str], most: int) -> bytes:
    read = bytearray()
    began = time.monotonic()
    with open(_descriptor(place), "rb", buffering=0) as file:
        _check_pipe(os.fstat(file.fileno()).st_mode)
        while len(read) <= most:
            piece = file.read(1 << 16)
            passed = time.monotonic() - began
            if piece:
                read += piece
            elif piece == b"" and (read or passed > _PATIENCE):  # its writers are gone, or never were
                if not read:
                    raise OSError("a pipe that nobody writes to")
                return bytes(read)
            elif piece == b"":
                time.sleep(0.02)
            else:
                select.select([file], [], [], max(0.0, _LONGEST - passed))
            if passed > _LONGEST:
                raise OSError(f"a pipe that did not end within {_LONGEST:.0f} seconds")
    raise OSError(f"a pipe of more than {most:,} bytes")


def _check_pipe(mode: int) -> None:
    if not stat.S_ISFIFO(mode):  # it became something else meanwhile
        raise NotRegularError("not a pipe any more")


def in_memory(place: str | os.PathLike[str]) -> io.BytesIO:
    """All bytes of a regular file as a file in memory, for libraries that would map the file itself."""
    return io.BytesIO(whole(place))


def said(error: Exception) -> str:
    """What an error of opening or reading a file says, without its number and place."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _check_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = next((name for recognises, name in _KINDS if recognises(mode)), "a special file")
        raise NotRegularError(f"not a regular file but {kind}")


def _check_same(file: BinaryIO, before: os.stat_result) -> None:
    change = difference(identity_of(before), identity_of(os.fstat(file.fileno())))
    if change:
        raise ChangedError(f"{change} while it was read")


def difference(before: Identity, after: Identity) -> str:
    """How a file changed, in words; empty if it did not."""
    if after.size != before.size:
        return f"{'cut' if after.size < before.size else 'grown'} from {before.size:,} to {after.size:,} bytes"
    if after.inode != before.inode:
        return "replaced by another file"
    return "rewritten" if after.written != before.written else ""
