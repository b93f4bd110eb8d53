"""The bytes of a regular file, read whole and once."""

from __future__ import annotations

import os
import stat

from tare.code.files.document import Skipped

#: The most bytes of a file that are read; notebooks may be larger, since they carry their pictures.
MOST_BYTES = 10 * 1024 * 1024
MOST_NOTEBOOK_BYTES = 5 * MOST_BYTES

# A FIFO that takes the place of a file after it was looked at must not block.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_TRIES = 3


def content(path: str, most: int = MOST_BYTES) -> bytes | Skipped:
    """The bytes of a file of at most ``most`` bytes; devices, FIFOs and sockets are never opened."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return Skipped(path, "it is no regular file")
        return _steady(path, most)
    except OSError as error:
        return Skipped(path, f"it cannot be read: {error.strerror or type(error).__name__}")
    except ValueError:  # a NUL in the name
        return Skipped(path, "no file can have this name")


def _steady(path: str, most: int) -> bytes | Skipped:
    """The bytes of a file as they stood at one moment, as far as its size and time of change tell."""
    for _ in range(_TRIES):
        descriptor = os.open(path, _FLAGS)
        with os.fdopen(descriptor, "rb") as file:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                return Skipped(path, "it is no regular file")
            if before.st_size > most:
                return Skipped(path, f"it has {before.st_size:,} bytes, more than the {most:,} that are read")
            data = file.read(most + 1)
            after = os.fstat(descriptor)
        if len(data) == after.st_size and before.st_mtime_ns == after.st_mtime_ns:
            return data
    return Skipped(path, "it changes while it is read")
