"""What a function was handed, told at once where it is of another kind: one line with what is expected."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from tare.errors import TareError
from tare.system.options import ArgumentError


def of_kind(value: Any, kind: type | tuple[type, ...], wanted: str, remedy: str, error: type[TareError] = ArgumentError) -> None:
    """Raise ``error`` unless the value is of a kind; True and False are no numbers."""
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        raise error(wanted, f"an object of type {type(value).__name__!r}", remedy)


def place_of(value: Any, wanted: str, error: type[TareError] = ArgumentError) -> Path:
    """The path that was handed over. Raises ``error`` for what is no path, or none that a system can have."""
    of_kind(value, (str, os.PathLike), f"the path of {wanted}", "pass a text or a Path", error)
    place = os.fspath(value)
    of_kind(place, str, f"the path of {wanted}", "pass a text or a Path", error)
    try:
        os.stat(place)
    except (ValueError, UnicodeError) as reason:
        raise error(f"the path of {wanted}", f"{str(place)[:60]!r}: {reason}", "check the path") from None
    except OSError as reason:  # what does not exist is told where it is opened
        if reason.errno == errno.ENAMETOOLONG:
            raise error(f"the path of {wanted}", f"a name of {len(place)} characters", "check the path") from None
    return Path(place)
