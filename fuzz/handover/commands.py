"""Commands of tare in this process, and what they answer."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock


class RefusedError(Exception):
    """A command refused what it was given, in one line."""


@dataclass(frozen=True)
class Said:
    """What a command wrote to standard output and standard error, and its exit code."""

    out: str
    err: str
    code: int = 0

    @property
    def document(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    @property
    def both(self) -> str:
        """All that was said, in one line."""
        return " ".join(f"{self.out} {self.err}".split())


def tare(*words: str | Path, codes: tuple[int, ...] = (0, 1)) -> Said:
    """Run a command. Raises :class:`RefusedError` if it is refused in one line, and RuntimeError for any other failure."""
    from typer.testing import CliRunner

    from tare.cli.main import app
    from tare.errors import TareError

    given = [str(word) for word in words]
    with mock.patch.object(sys, "argv", ["tare", *given]):
        result = CliRunner().invoke(app, given)
    if isinstance(result.exception, TareError):
        message = str(result.exception)
        if "\n" in message:
            raise RuntimeError(f"a refusal of several lines: {message!r}")
        raise RefusedError(message)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    if result.exit_code not in codes:
        raise RuntimeError(f"exit code {result.exit_code} of tare {' '.join(given)}: {result.stderr.strip()[-400:]}")
    return Said(result.stdout, result.stderr, result.exit_code)
