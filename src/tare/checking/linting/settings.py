"""The table ``[tool.tare]`` of a pyproject.toml, found upwards from the paths that are checked."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from tare.checking.linting.inputs import FailOn
from tare.checking.linting.patterns import fits, pattern_for
from tare.checking.rules.index import check_code
from tare.code.files.configuration.toml_text import toml_document
from tare.code.files.git_ignore import Patterns, patterns_stated
from tare.errors import SpecError, did_you_mean, reason_of
from tare.system.local.opened import limited

_NAME = "pyproject.toml"
_MOST_BYTES = 10 << 20


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``[tool.tare]`` says; patterns are as in a ``.gitignore`` of ``root``, the folder of the pyproject.toml."""

    root: Path | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    network: str | None = None
    networks: Mapping[str, str] = field(default_factory=dict)
    fail_on: FailOn | None = None
    baseline: str | None = None

    def network_for(self, path: str) -> str | None:
        """The network of a file: that of the first pattern it matches, else that of all files."""
        return next((name for pattern, name in self.networks.items() if self.matches(path, pattern)), self.network)

    def ignored_in(self, path: str) -> tuple[str, ...]:
        """The codes that are left out in one file."""
        return tuple(code for pattern, codes in self.per_file_ignores.items() if self.matches(path, pattern) for code in codes)

    def matches(self, path: str, pattern: str) -> bool:
        """Whether a path, taken from the working directory, fits a pattern, itself or a folder of it."""
        return fits(str(self.root or Path.cwd()), path, pattern)

    @property
    def left_out(self) -> Patterns | None:
        """What ``exclude`` leaves out."""
        return None if self.root is None else patterns_stated(str(self.root), self.exclude)


def settings_for(paths: Sequence[str]) -> Settings:
    """The settings in the nearest pyproject.toml with a ``[tool.tare]`` above all paths; none if there is no such file.

    Raises :class:`SpecError` for a file that is no TOML, and for keys and values that mean nothing.
    """
    common = Path(os.path.commonpath([os.path.abspath(path) for path in paths]))  # noqa: PTH100 - links are not followed
    for folder in (common, *common.parents):
        table = _table(folder / _NAME)
        if table is not None:
            return _settings(table, folder)
    return Settings()


def _table(path: Path) -> Any:
    """The table ``[tool.tare]``; None where the file or the table is not."""
    try:
        text = limited(path, _MOST_BYTES).decode("utf-8")
        tool = toml_document(text).get("tool", {})
        if not isinstance(tool, dict):
            raise ValueError(f"tool is a {type(tool).__name__}, not a table")
        return tool.get("tare")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, RecursionError) as error:
        # The path to check may itself be a link that leads nowhere, which is told when it is read.
        if isinstance(error, OSError) and error.errno == errno.ELOOP:
            return None
        raise SpecError("a readable pyproject.toml", f"{str(path)!r}: {reason_of(error)}", "repair it") from None


def _settings(table: Any, root: Path) -> Settings:
    where = f"[tool.tare] of {str(root / _NAME)!r}"
    if not isinstance(table, dict):
        raise SpecError(f"a table {where}", f"{table!r}", "write [tool.tare] with keys below")
    for key in table:
        if key not in _READERS:
            remedy = did_you_mean(key, _READERS, f"it has {', '.join(_READERS)}", most=1, cutoff=0.6)
            raise SpecError(f"a key of {where}", repr(key), remedy)
    read = {key.replace("-", "_"): _READERS[key](value, f"{key} in {where}") for key, value in table.items()}
    return Settings(root=root, **read)


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise SpecError(f"text for {where}", repr(value), "write it in quotes")
    return value


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise SpecError(f"a list of texts for {where}", repr(value), 'write it as ["...", "..."]')
    return tuple(value)


def _patterns(value: Any, where: str) -> tuple[str, ...]:
    return tuple(pattern_for(each, where) for each in _texts(value, where))


def _codes(value: Any, where: str) -> tuple[str, ...]:
    return tuple(check_code(each, where) for each in _texts(value, where))


def _table_of(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SpecError(f"a table for {where}", repr(value), 'write it as { "tests/*" = ... }')
    return {pattern_for(pattern, where, alone=True): each for pattern, each in value.items()}


def _codes_by_path(value: Any, where: str) -> dict[str, tuple[str, ...]]:
    return {pattern: _codes(codes, f"{pattern!r} of {where}") for pattern, codes in _table_of(value, where).items()}


def _texts_by_path(value: Any, where: str) -> dict[str, str]:
    return {pattern: _text(name, f"{pattern!r} of {where}") for pattern, name in _table_of(value, where).items()}


def _severity(value: Any, where: str) -> Any:
    if value not in get_args(FailOn):
        raise SpecError(f"{' or '.join(get_args(FailOn))} for {where}", repr(value), "choose one of them")
    return value


_READERS: Mapping[str, Any] = {
    "select": _codes,
    "ignore": _codes,
    "per-file-ignores": _codes_by_path,
    "exclude": _patterns,
    "network": _text,
    "networks": _texts_by_path,
    "fail-on": _severity,
    "baseline": _text,
}
