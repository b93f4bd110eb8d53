"""Where a command writes: places that can be written, that differ from each other, and that hold none of what it reads."""

from __future__ import annotations

import contextlib
import glob
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from tare.errors import OutputError
from tare.input_spec.model_file import check_no_part
from tare.system.files import check_output, remove_left, takes_away
from tare.system.lock import check_unheld
from tare.system.options import flag, option_of
from tare.system.user_code import code_files

#: Fields of requests that name files to write, and folders to make.
_FILES, _FOLDERS = ("html", "png", "svg", "baseline"), ("out", "masks")
#: Fields that name networks and their folders.
_MODELS = ("run", "model", "source", "weights", "factory", "checkpoint", "spec", "reference")
#: Fields whose words name files or folders wherever such exist; others, such as a strategy, may be called like the output.
_NAMING = (*_MODELS, "data", "test", "images", "source_stats", "from_spec", "to_spec", "config")
#: Words for weights that are no files.
_NO_FILES = ("pretrained", "none")
#: Text outputs have no null byte; what has one was not written by the same option.
_LOOKED_AT = 4096
#: Suffixes of text that holds samples, which a list may name.
_SAMPLES = (".csv", ".tsv", ".ppm", ".pgm", ".pbm", ".pnm", ".xpm", ".xbm")
#: How text that tare wrote begins.
_SCHEMA, _PAGE, _PATH = re.compile(rb'"schema":\s*"tare\.'), b"<!doctype html>\n<html", b"path,"


def check_outputs(request: Any, own: Mapping[str, Any]) -> None:
    """Raise :class:`OutputError` for an output that cannot be, that is another output, or that would replace an input.

    ``own`` are the values of the options that are no fields of the request. An input is replaced if it is the output itself, or
    an existing file of a folder or pattern that is read, unless tare wrote that file. ``--overwrite`` allows it.
    """
    files, folders = _outputs(request, own)
    if not files and not folders:
        return
    places: dict[str, str] = {}
    for name, path in files.items():
        if name not in ("png", "svg"):
            _check_text(path)
    for name, path in (files | folders).items():
        place = os.path.realpath(path)
        if place in places and not _is_special(place):
            raise OutputError("different outputs", f"{flag(places[place])} and {flag(name)} at {str(path)!r}", "name another")
        places[place] = name
    if type(request).__name__ == "ReportRequest":  # it writes into the study that it reads
        return
    allowed = bool(getattr(request, "overwrite", False) or getattr(request, "resume", False))
    for name, text in _inputs(request, {*files, *folders}):
        for output, path in (files | folders).items():
            named = name in _NAMING and text not in _NO_FILES
            is_taken = partial(_holds, named=named) if output in folders else partial(_replaces, of_model=name in _MODELS)
            if any(is_taken(path, each, allowed=allowed) for each in _paths_in(text)):
                found = f"{flag(output)} {str(path)!r}, which {_shown(request, name)} {text!r} reads"
                raise OutputError("an output beside the inputs", found, "name another")


def _outputs(request: Any, own: Mapping[str, Any]) -> tuple[dict[str, Path], dict[str, Path]]:
    """The files and the folders that are written, by the names of their options."""
    kind = type(request).__name__
    files = {name: value for name, value in own.items() if isinstance(value, Path)}
    stated = {name: getattr(request, name, None) for name in (*_FILES, *_FOLDERS)}
    if kind == "MeasureRequest":
        stated["checkpoint"] = request.checkpoint
    if not getattr(request, "write_baseline", False):
        stated["baseline"] = None
    named = {name: Path(value) for name, value in stated.items() if isinstance(value, str | os.PathLike)}
    files |= {name: path for name, path in named.items() if name not in _FOLDERS}
    return files, {name: path for name, path in named.items() if name in _FOLDERS}


def _inputs(request: Any, outputs: set[str]) -> Iterator[tuple[str, str]]:
    """The words of a request that may name what is read, by the names of their options."""
    for entry in fields(request):
        known = option_of(entry)
        if known is None or not known.on_command_line or entry.name in outputs:
            continue
        value = getattr(request, entry.name)
        words = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        yield from ((entry.name, os.fspath(word)) for word in words if isinstance(word, str | os.PathLike))


def _shown(request: Any, name: str) -> str:
    """The option of a field as the user writes it, which may bear another name than the field."""
    known = next(option_of(entry) for entry in fields(request) if entry.name == name)
    return known.names[0] if known is not None and known.names else flag(name)


def _paths_in(text: str) -> list[str]:
    """The path that a word may name: itself, or beside the name of a function, a kind or a part; of code what it imports, too."""
    if os.path.lexists(text):
        return [text]
    named = [part for part in (text, text.rpartition(":")[0], text.partition(":")[2], text.rpartition("#")[0]) if part]
    return [*named, *map(str, code_files(text))]


def _holds(path: Path, text: str, *, named: bool, allowed: bool) -> bool:
    """Whether a folder that is replaced holds what ``text`` names, or is it itself; without ``--overwrite`` none is replaced.

    The output may be a file, as some exports are. One in a folder or pattern that is read is judged by the command: it may be an
    earlier export.
    """
    is_itself = os.path.realpath(path) == os.path.realpath(text)
    return allowed and (named or not is_itself) and takes_away(path, text)


def _replaces(path: Path, text: str, *, of_model: bool, allowed: bool) -> bool:
    """Whether writing the file ``path`` would take away what ``text`` names, or what is read with it."""
    here, there = Path(os.path.realpath(path)), Path(os.path.realpath(text))
    if allowed or not here.is_file():
        return False
    if there.exists() and here.samefile(there):
        return True
    if _is_own(here, of_model=of_model):
        return False
    if there.is_dir():
        return here.is_relative_to(there) or _leads_to(text, here)
    named = glob.iglob(text, recursive=True) if glob.has_magic(text) and not there.exists() else [text]  # noqa: PTH207 - a text
    return any(_is_beside(here, each) or _leads_to(each, here) for each in named)


def _is_beside(here: Path, text: str) -> bool:
    """Whether a file lies beside the file ``text`` under its name, as headers, world files and masks of rasters do."""
    there = Path(os.path.realpath(text))
    return (
        there.is_file()
        and there.suffix != ".py"
        and any(
            here.parent == Path(os.path.realpath(place.parent))
            and (here.name.startswith(f"{place.name}.") or here.stem == place.stem)
            for place in (Path(text), there)
        )
    )


def _leads_to(text: str, here: Path) -> bool:
    """Whether ``text`` is the file ``here`` by another name, or a folder with a link that leads there."""
    if not os.path.isdir(text):  # noqa: PTH112 - a name may be too long
        return os.path.exists(text) and here.samefile(text)  # noqa: PTH110
    number = here.stat().st_ino
    for place, folders, files in os.walk(text, followlinks=False):
        for name in (*folders, *files):
            found = Path(place, name)
            with contextlib.suppress(OSError):  # links that lead nowhere, and what is gone meanwhile
                if found.is_symlink() and (found.samefile(here) or (found.is_dir() and here.is_relative_to(found.resolve()))):
                    return True
                if found.stat(follow_symlinks=False).st_ino == number and found.samefile(here):
                    return True
    return False


def _check_text(path: Path) -> None:
    """Raise :class:`OutputError` for a place of text that cannot be written, that another process holds, or of something else."""
    check_output(path)
    if path.is_file():
        check_unheld(path)
    check_no_part(path)
    if path.is_file() and b"\0" in _head(path):
        raise OutputError("a new file, or one of text", f"{str(path)!r}, which holds other data", "name another, or remove it")
    remove_left(path)
    if path.suffix.lower() in _SAMPLES and path.is_file() and _head(path).strip() and not _is_own(path, of_model=False):
        raise OutputError("a new file, or one that tare wrote", f"{str(path)!r}, which holds data", "name another, or remove it")


def _is_own(path: Path, *, of_model: bool) -> bool:
    """Whether a command wrote a file as its output: it is a page, has the columns of predictions, or states its schema.

    JSON of a model's folder is part of the model.
    """
    head = _head(path)
    is_table = head.startswith(_PATH) and head.partition(b"\n")[0].endswith(b",error")
    return head.startswith(_PAGE) or is_table or (not of_model and _SCHEMA.search(head) is not None)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LOOKED_AT)
    except OSError:
        return b""


def _is_special(place: str) -> bool:
    path = Path(place)
    return path.exists() and not path.is_file() and not path.is_dir()
