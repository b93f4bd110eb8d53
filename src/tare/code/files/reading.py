"""Files of given paths as documents; nothing of them is imported, run or unpickled."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Sequence
from pathlib import Path

from tare.code.files.comments import ignores_of_configuration, ignores_of_python
from tare.code.files.content import MOST_BYTES, MOST_NOTEBOOK_BYTES, content
from tare.code.files.document import Document, Found, Skipped
from tare.code.files.git_ignore import Patterns
from tare.code.files.listing import kind_of, listed
from tare.code.files.notebook import notebook_code
from tare.code.files.text import UnreadableTextError, decoded, python_text

# A configuration without one of these words says nothing about preprocessing, and names no network and no other file of Hydra.
_RELEVANT = re.compile(
    rb"(?<![a-z])(?:means?|stds?|timm|backbones?|encoders?)(?![a-z])|normali[sz]|rescale|pixel|preprocess|(?:image|img|input)_?size"
    rb"|image_?processor|feature_?extractor|to_?rgb|transforms?(?![a-z])"
    rb"|(?<![\w-])(?:defaults|(?:base_)?model(?:_name|_id)?|arch(?:itecture)?|net(?:work)?)[\"']?\s*[:=]",
    re.IGNORECASE,
)
#: Folders of groups of Hydra, whose files may have nothing but the name of a network.
_GROUPS = frozenset(("model", "models", "net", "network", "arch", "backbone", "encoder"))
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_POINTER = b"version https://git-lfs.github.com/spec/"
_LOCKS = frozenset({"package.json", "package-lock.json", "composer.json", "tsconfig.json", "poetry.lock", "pnpm-lock.yaml"})

Read = tuple[Document | None, Skipped | None]


def documents_in(paths: Sequence[Path], *, exclude: Sequence[str] = (), left_out: Sequence[Patterns] = ()) -> Found:
    """The Python files, notebooks and configurations of files and folders, and what was not read.

    See :func:`~tare.code.files.listing.listed` for what is left out. Raises :class:`DataError` for a path that is not there.
    """
    listing = listed(paths, exclude=exclude, left_out=left_out)
    read = [document_at(name, named=name in listing.named) for name in listing.names]
    skipped = [*listing.skipped, *(each for _, each in read if each)]
    skipped = sorted(skipped, key=lambda each: each.path.split("/"))
    return Found(tuple(each for each, _ in read if each), tuple(skipped), listing.links)


def document_at(name: str, *, named: bool = False) -> Read:
    """The document of one file, and what of it was not read.

    A configuration without a word of preprocessing gives neither, unless it was ``named``.
    """
    kind = kind_of(name) or "python"
    data = content(name, MOST_NOTEBOOK_BYTES if kind == "notebook" else MOST_BYTES)
    if isinstance(data, Skipped):
        return None, data
    return document_of(name, data, named=named)


def document_of(name: str, data: bytes, *, named: bool = False) -> Read:
    """The document of a file's bytes, and what of it was not read; as :func:`document_at`."""
    kind = kind_of(name) or "python"
    if data.startswith(_POINTER):
        return None, Skipped(name, "it is a pointer of Git LFS: its content was not fetched")
    try:
        if kind == "notebook":
            return _notebook(name, data)
        if kind == "configuration":
            return (_configuration(name, data) if named or _is_relevant(name, data) else None), None
        text = python_text(data)
        return Document(name, kind, text, ignores=ignores_of_python(text)), None
    except UnreadableTextError as error:
        return None, Skipped(name, str(error))


def _notebook(name: str, data: bytes) -> Read:
    code = notebook_code(data)
    document = Document(name, "notebook", code.text, code.cells, ignores_of_python(code.text))
    return document, Skipped(name, code.problem) if code.problem else None


def _configuration(name: str, data: bytes) -> Document:
    text = decoded(data)
    return Document(name, "configuration", text, ignores=ignores_of_configuration(text, os.path.splitext(name)[1].lower()))


def _is_relevant(name: str, data: bytes) -> bool:
    if data.startswith(_WIDE):  # in which no word can be looked for
        return True
    folder, _, file = name.rpartition("/")
    return file not in _LOCKS and (folder.rpartition("/")[2] in _GROUPS or _RELEVANT.search(data) is not None)
