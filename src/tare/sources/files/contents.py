"""What the files hold that samples were read from: beside the samples labels in other columns and arrays, for example."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from tare.sources.base import Source
from tare.sources.derived import Derived
from tare.sources.files.image_folder import walk_files
from tare.sources.files.listed import Listed
from tare.sources.places import files_at, is_folder, is_url, open_binary, parted
from tare.sources.shards import Shards


def opened_places(data: str, source: Source[Any]) -> Iterator[str]:
    """What a source of ``data`` opened as a whole: a file or store, shards, an address; other files are named by its chunks."""
    while isinstance(source, Derived):
        pin = getattr(source, "pin", None)
        if pin is not None:
            yield pin.place
        source = source.source
    if isinstance(source, Shards):
        yield from source.files
    elif is_url(data):
        yield from (place for place in files_at(parted(data, None)[0]) if not is_folder(place))


def named_places(data: str, chunk: Any) -> Iterator[str]:
    """The files, and of ``data`` at an address the addresses, that the description of a chunk names."""
    remote = is_url(data)
    return (text for text in texts_of(chunk) if _is_file(text) or (remote and is_url(text)))


def contents_digest(places: Iterable[str]) -> str:
    """A hash of all bytes at these places in their order; of a store, of all files below its folder by their names.

    Raises :class:`tare.errors.DataError` for a file that cannot be read.
    """
    hashed = hashlib.sha256()
    for place in places:
        whole = [place] if is_url(place) or _is_file(place) else filter(_is_file, walk_files(Path(place)))
        for file in whole:
            hashed.update(repr(file.removeprefix(place)).encode("utf-8", "backslashreplace"))
            with open_binary(file, decompress=False) as stream:
                hashed.update(hashlib.file_digest(stream, "sha256").digest())  # type: ignore[arg-type]  # it is read alone
    return hashed.hexdigest()


def texts_of(chunk: Any) -> Iterator[str]:
    """The texts in the description of a chunk, the names of its files among them."""
    if isinstance(chunk, str):
        yield chunk
    elif isinstance(chunk, Listed):
        yield chunk.path
    elif isinstance(chunk, tuple | list):
        for each in chunk:
            yield from texts_of(each)
    elif is_dataclass(chunk) and not isinstance(chunk, type):
        for field in fields(chunk):
            yield from texts_of(getattr(chunk, field.name))


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long, or with a null byte
        return False
