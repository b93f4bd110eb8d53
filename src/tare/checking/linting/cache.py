"""Findings kept between runs, for as long as no file, no stated network, no part of tare and no parser changes.

A finding may depend on any file of the project, so the key covers all of them. One JSON file is kept for each set of paths that
is checked, in the user's cache folder. Whatever cannot be read there is computed again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from tare._version import __version__
from tare.checking.repository.result import CodeFinding, Judged
from tare.code.files.document import Document, Skipped
from tare.errors import OutputError
from tare.system.files import write_text
from tare.system.local.opened import whole

SCHEMA = "tare.code-cache/1"
_PACKAGE = Path(__file__).parents[2]


def cache_folder() -> Path:
    """Where tare keeps findings: below ``$XDG_CACHE_HOME``, which is ``~/.cache`` unless it is set.

    Raises :class:`OutputError` for a user without a home, as in a container that runs under a number.
    """
    stated = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not stated.is_absolute():
        try:
            stated = Path.home() / ".cache"
        except RuntimeError:
            stated = Path()
    if not stated.is_absolute():
        raise OutputError("a folder of the user's own for findings", "no home", "set XDG_CACHE_HOME, or use --no-cache")
    return stated / "tare" / "check"


def key_of(documents: Iterable[Document], *settings: str) -> str:
    """A digest of everything that findings depend on: the documents, the settings, tare itself, and the parsers of code."""
    digest = hashlib.sha256()
    for part in (SCHEMA, __version__, _program(), sys.version, *settings):
        _add(digest, part)
    for document in documents:
        for part in (document.path, document.kind, document.text, *map(str, document.cells)):
            _add(digest, part)
    return digest.hexdigest()


def kept(name: Sequence[str], key: str) -> Judged | None:
    """The findings that were kept under this key; None if there are none that can be read."""
    try:
        place = _file(name)
        if place.is_symlink():
            return None
        document = json.loads(whole(place))
        if document["schema"] != SCHEMA or document["key"] != key:
            return None
        skipped = [Skipped(str(each["path"]), str(each["reason"])) for each in document["skipped"]]
        return Judged([CodeFinding.from_json(each) for each in document["findings"]], skipped)
    except (OutputError, OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def keep(name: Sequence[str], key: str, judged: Judged) -> None:
    """Keep the findings in place of those for the same paths; a cache folder that cannot be written is no failure."""
    skipped = [{"path": each.path, "reason": each.reason} for each in judged.skipped]
    document = {"schema": SCHEMA, "key": key, "findings": [each.to_json() for each in judged.findings], "skipped": skipped}
    with contextlib.suppress(OutputError):
        write_text(_file(name), json.dumps(document), follow=False)


def _file(name: Sequence[str]) -> Path:
    """The file of a set of paths, seen from the working directory."""
    digest = hashlib.sha256()
    for part in (str(Path.cwd()), *name):
        _add(digest, part)
    return cache_folder() / f"{digest.hexdigest()[:32]}.json"


@cache
def _program() -> str:
    """Names, sizes and times of the files of tare, of which rules may read any, and of PyYAML, which is not imported here."""
    yaml = find_spec("yaml")
    folders = [str(_PACKAGE), *(yaml.submodule_search_locations or () if yaml else ())]
    return "\n".join(sorted(line for folder in folders for line in _states(folder)))


def _states(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name == "__pycache__":
                continue
            if entry.is_dir():
                yield from _states(entry.path)
            else:
                state = entry.stat()
                yield f"{entry.path}:{state.st_size}:{state.st_mtime_ns}"


def _add(digest: hashlib._Hash, part: str) -> None:
    data = part.encode("utf-8", "surrogatepass")
    digest.update(len(data).to_bytes(8, "little") + data)
