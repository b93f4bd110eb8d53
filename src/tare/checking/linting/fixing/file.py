"""One file before and after its changes."""

from __future__ import annotations

import ast
import difflib
import io
import json
import os
import stat
import tokenize
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tare.checking.linting.fixing.lines import Lines
from tare.checking.linting.fixing.notebook import cells_of
from tare.checking.repository.result import CodeFinding, Edit
from tare.code.files.configuration.reading import configuration
from tare.code.files.configuration.value import Configuration
from tare.code.files.document import Document, Kind
from tare.code.files.listing import kind_of
from tare.code.place import Place
from tare.errors import OutputError, reason_of
from tare.system.files import replacing
from tare.system.local.opened import whole

#: The most characters of a change that are shown of what was there, and of what is.
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Changed:
    """A file whose text changes; ``encoding`` is that of its bytes, and ``made`` has each change in a line."""

    path: str
    before: str
    after: str
    encoding: str
    made: tuple[str, ...] = ()

    def diff(self) -> str:
        """The change in the unified form that ``patch`` takes."""
        return _difference(self.before, self.after, *self._heads)

    def patch(self) -> bytes:
        """:meth:`diff` with the bytes of the file, whatever its encoding, as ``patch`` and ``git apply`` want them."""
        # Latin-1 has a character for each byte.
        before, after = (text.encode(self.encoding).decode("latin-1") for text in (self.before, self.after))
        heads = (head.encode("utf-8", "surrogateescape").decode("latin-1") for head in self._heads)
        return _difference(before, after, *heads).encode("latin-1")

    @property
    def _heads(self) -> tuple[str, str]:
        return _in_diff(f"a/{self.path}"), _in_diff(f"b/{self.path}")

    def check(self) -> None:
        """Raise :class:`OutputError` if the file is not as it was read, as after an editor saved it meanwhile."""
        if whole(self.path) not in [text.encode(self.encoding) for text in (self.before, self.after)]:
            raise OutputError("a file as it was read", f"{self.path!r}, which changed meanwhile", "run --fix again")

    def write(self) -> None:
        """Put the new text in place of the old in one step; a link stays a link, and the file keeps its mode and owner.

        Raises :class:`OutputError` if the file is not as it was read, or cannot be written.
        """
        path = Path(os.path.realpath(self.path))
        before = path.stat()
        with replacing(path) as temporary:
            temporary.write_bytes(self.after.encode(self.encoding))
            if (before.st_uid, before.st_gid) != ((made := temporary.stat()).st_uid, made.st_gid):
                os.chown(temporary, before.st_uid, before.st_gid)
            self.check()
        path.chmod(stat.S_IMODE(before.st_mode))


class _Opened(NamedTuple):
    text: str
    encoding: str
    offsets: Callable[[Place], tuple[int, int]]
    line: Callable[[Place], str]


def changed(path: str, edits: Sequence[Edit], findings: Sequence[CodeFinding]) -> Changed:
    """The file with the edits made, which do not overlap.

    Raises ValueError with the reason if the file is not as the findings have seen it, or would be no Python any more.
    """
    _check_writable(os.stat(path))
    opened = _opened(path)
    for finding in findings:
        if finding.place.path == path and finding.source and opened.line(finding.place).strip() != finding.source.strip():
            raise ValueError(f"line {finding.place.line} has changed since it was read")
    after = opened.text
    for start, end, text in sorted(_spans(opened, path, edits), reverse=True):
        after = after[:start] + text + after[end:]
    _check_parses(path, opened.text, after)
    return Changed(path, opened.text, after, opened.encoding, tuple(_made(opened, edits, findings)))


def _made(opened: _Opened, edits: Sequence[Edit], findings: Sequence[CodeFinding]) -> Iterator[str]:
    """What becomes what, where, and for which findings."""
    for edit in sorted(edits, key=lambda one: one.place):
        start, end = opened.offsets(edit.place)
        codes = " and ".join(dict.fromkeys(each.code for each in findings if edit in each.edits))
        yield f"{edit.place}: {_shortened(opened.text[start:end])} is now {_shortened(edit.text)} ({codes})"


def _shortened(text: str) -> str:
    words = " ".join(text.split())
    return (words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…") or "nothing"


def loses_comment(edit: Edit) -> bool:
    """Whether an edit of code would replace a comment, as that behind a number of a list which is written anew."""
    if _kind(edit.place.path) == "configuration":
        return False
    try:
        opened = _opened(edit.place.path)
        start, end = opened.offsets(edit.place)
    except (OSError, ValueError, LookupError):  # told when the file is changed
        return False
    return "#" in opened.text[start:end] and "#" not in edit.text


def _check_writable(state: os.stat_result) -> None:
    """Raise ValueError for a file that its owner made read-only, and for one of several names, of which one would change."""
    if not state.st_mode & 0o222:
        raise ValueError("it is read-only")
    if state.st_nlink > 1:
        raise ValueError(f"it has {state.st_nlink} names (hard links), of which one would change")


def _spans(opened: _Opened, path: str, edits: Sequence[Edit]) -> Iterator[tuple[int, int, str]]:
    """Where each edit begins and ends in the file's text, and what it writes there."""
    for edit in edits:
        start, end = opened.offsets(edit.place)
        yield start, end, _in_json(edit.text) if _kind(path) == "notebook" else edit.text


def _opened(path: str) -> _Opened:
    data = whole(path)
    if _kind(path) == "notebook":
        text, encoding = _decoded(data, "utf-8")
        return _notebook(text, encoding)
    text, encoding = _decoded(data, _declared(data) if _kind(path) == "python" else "utf-8")
    lines = Lines.of(text)
    return _Opened(text, encoding, lines.offsets, lambda place: lines.line(place.line))


def _notebook(text: str, encoding: str) -> _Opened:
    try:
        cells = cells_of(text)
    except (ValueError, LookupError, RecursionError) as error:
        raise ValueError(f"it is no notebook: {reason_of(error)}") from None

    def offsets(place: Place) -> tuple[int, int]:
        return cells[place.cell - 1].offsets(place)

    return _Opened(text, encoding, offsets, lambda place: cells[place.cell - 1].lines.line(place.line))


def _declared(data: bytes) -> str:
    try:
        return tokenize.detect_encoding(io.BytesIO(data).readline)[0]
    except SyntaxError as error:
        raise ValueError(f"its encoding: {reason_of(error)}") from None


def _decoded(data: bytes, encoding: str) -> tuple[str, str]:
    """The text, and the encoding that gives its bytes back, byte order mark included."""
    if encoding == "utf-8" and data.startswith(b"\xef\xbb\xbf"):
        encoding = "utf-8-sig"
    text = data.decode(encoding)
    if text.encode(encoding) != data:
        raise ValueError(f"its {encoding} is not written back byte by byte")
    return text, encoding


def _check_parses(path: str, before: str, after: str) -> None:
    """Raise ValueError if a file was Python, or YAML, JSON or TOML, before the change only."""
    kind = _kind(path)
    if kind == "notebook" or not _parses(path, before) or _parses(path, after):
        return
    raise ValueError("it would be no Python any more" if kind == "python" else "it could not be loaded any more")


def _kind(path: str) -> Kind:
    """What a file is by its name, as it was read."""
    return kind_of(path) or "python"


def _parses(path: str, text: str) -> bool:
    if _kind(path) == "configuration":
        return isinstance(configuration(Document(path, "configuration", text)), Configuration)
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _difference(before: str, after: str, head: str, other: str) -> str:
    old, new = ([*io.StringIO(text, newline="\n")] for text in (before, after))
    changes = difflib.unified_diff(old, new, head, other)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in changes)


def _in_diff(name: str) -> str:
    """A name in the head of a difference, quoted as git quotes names: a line break in it would be a line."""
    if name.isprintable() and not set(name) & {'"', "\\"}:
        return name + "\t" * (" " in name)  # a tab ends a name with spaces, for git and patch
    signs = (chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03o}" for byte in os.fsencode(name))
    return f'"{"".join(signs)}"'


def _in_json(text: str) -> str:
    return json.dumps(text)[1:-1]
