"""The order of files that came one after the other: numbers in their names count by their value, so that f2 comes before f10."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from tare.sources.base import Source
from tare.sources.files.listed import Listed
from tare.sources.places import is_folder

_NUMBER = re.compile(r"([0-9]+)")
_Natural = tuple[tuple[tuple[int, str], ...], str]


def chunks_by_number(source: Source[Any], data: Any, *, of_shards: bool) -> Iterator[Any]:
    """The chunks of a source in the order of the numbers in the names of its files, where a folder or a pattern names them.

    A listing sorts names as text. Files that are named one by one, and samples within a file, keep their order.
    """
    chunks = source.chunks()
    if not isinstance(data, str | os.PathLike) or (os.path.lexists(data) and not is_folder(os.fspath(data))):
        return chunks
    if of_shards:
        return iter(sorted(chunks, key=lambda chunk: by_number(chunk[0])))
    held = [*chunks]
    if all(isinstance(getattr(chunk, "path", None), str) for chunk in held):  # a chunk is one thing of several files: a series
        return iter(sorted(held, key=lambda series: by_number(series.path)))
    if not all(isinstance(chunk, tuple) and all(isinstance(item, str | Listed) for item in chunk) for chunk in held):
        return iter(held)
    ordered = iter(sorted(chain.from_iterable(held), key=lambda item: by_number(item if isinstance(item, str) else item.path)))
    return (tuple(islice(ordered, len(chunk))) for chunk in held)


def by_number(path: str) -> tuple[tuple[bool, _Natural], ...]:
    """A key that sorts paths as a sorted walk does, files before folders, but numbers in names by their value."""
    *folders, name = path.replace(os.sep, "/").split("/")
    return *((True, _natural(folder)) for folder in folders), (False, _natural(name))


def _natural(name: str) -> _Natural:
    """Its texts and numbers in turn; the name itself decides where only zeros before a number differ."""
    turned = ((part.lstrip("0") if place % 2 else part, place % 2) for place, part in enumerate(_NUMBER.split(name)))
    return tuple((len(part) * is_number, part) for part, is_number in turned), name  # more digits, a larger number
