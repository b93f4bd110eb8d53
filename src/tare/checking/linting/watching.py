"""Waiting for files to change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tare.system.optional import require

_SUFFIXES = (".py", ".ipynb", ".json", ".toml", ".yaml", ".yml")


def changes(places: Sequence[str]) -> Iterator[None]:
    """Yield once at the beginning, and after every change of a file that is read.

    Raises :class:`MissingDependencyError` if watchfiles is not installed.
    """
    watchfiles = require("watchfiles", extra="watch", purpose="--watch")
    yield None
    for changed in watchfiles.watch(*places):
        if any(path.endswith(_SUFFIXES) for _, path in changed):
            yield None
