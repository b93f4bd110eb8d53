"""Patterns of paths that a user states, with the rules of ``.gitignore``, wherever they stand."""

from __future__ import annotations

import os
from functools import cache

from tare.code.files.git_ignore import Patterns, no_pattern, patterns_stated
from tare.errors import SpecError

_REMEDY = r"write it as in a .gitignore: tests/, *.gen.py, /old/*.py; a \ before a sign makes it a letter"


def pattern_for(value: str, where: str, *, alone: bool = False) -> str:
    """A pattern, unless it fits nothing. One that stands ``alone`` has nothing before it that ``!`` could take back.

    Raises :class:`SpecError` for one that fits nothing.
    """
    reason = "it stands alone, and ! takes back a pattern before it" if alone and value.startswith("!") else no_pattern(value)
    if reason is not None:
        raise SpecError(f"a pattern of paths for {where}", f"{value!r}: {reason}", _REMEDY)
    return value


def fits(folder: str, path: str, pattern: str) -> bool:
    """Whether a path fits one pattern of a folder."""
    stated = _stated(folder, pattern)
    return stated is not None and stated.verdict(os.path.abspath(path), is_folder=False) is True  # noqa: PTH100 - no link followed


@cache
def _stated(folder: str, pattern: str) -> Patterns | None:
    return patterns_stated(folder, [pattern])
