"""Samples that two splits have in common, told by their content and not by their names."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from tare.datasets.files import LabelledFile
from tare.errors import DataError
from tare.input_spec.geometry import NOUNS, SampleKind
from tare.samples.modes import ColourMode
from tare.samples.records import Skipped
from tare.system.engines.local import ordered_map
from tare.system.local.opened import opened, whole
from tare.system.progress import Advance

_NAMED = 5
#: Bytes of a file that are compared before the whole file is.
_BEGINNING = 1 << 12


def check_disjoint(
    known: Sequence[LabelledFile],
    test: Sequence[LabelledFile],
    kind: SampleKind,
    colour: ColourMode,
    workers: int,
    advance: Advance,
) -> tuple[str, ...]:
    """Raise :class:`DataError` if test images or signals are among the ``known`` training and validation samples.

    Two are the same if their decoded values are. Rows of a table may agree without being the same measurement: they are told in
    a remark, and refused only if all of them agree.
    """
    first: dict[bytes, str] = {}
    for file, digest in _digests(known, colour, workers, advance):
        first.setdefault(digest, file.path)
    same = [(file.path, first[digest]) for file, digest in _digests(test, colour, workers, advance) if digest in first]
    if not same:
        return ()
    noun = NOUNS[kind]
    named = ", ".join(f"{one!r} is {other!r}" for one, other in same[:_NAMED]) + (", ..." if len(same) > _NAMED else "")
    if kind == "vector" and len(same) < len(test):
        return (f"{len(same)} of {len(test)} test rows equal rows of training or validation, as repeated measurements may",)
    raise DataError(
        f"test {noun} that are neither in training nor in validation",
        f"{len(same)} of {len(test)} with the same content: {named}",
        "take them out of one of the two",
    )


def copies(train: Sequence[LabelledFile], val: Sequence[LabelledFile], kind: SampleKind) -> tuple[str, ...]:
    """A remark on validation files that are training files byte by byte, which makes the figures of validation too good.

    Only files of one size and one beginning are read as a whole.
    """
    known: defaultdict[tuple[int, bytes], list[str]] = defaultdict(list)
    sizes = {_size(file.path) for file in val} - {None}
    for file in train:
        if _size(file.path) in sizes and (begun := _beginning(file.path)) is not None:
            known[begun].append(file.path)
    same = []
    for file in val:
        found = None if _size(file.path) is None else _beginning(file.path)
        twin = next((other for other in known.get(found, ()) if whole(other) == whole(file.path)), None) if found else None
        same += [(file.path, twin)] if twin is not None else []
    if not same:
        return ()
    (one, other), noun = same[0], NOUNS[kind]
    said = f"{len(same)} of {len(val)} validation {noun} are copies of training {noun}, the first {one!r} of {other!r}"
    return (f"{said}: figures of validation are too good",)


def _size(path: str) -> int | None:
    """The bytes of a file; None for a sample of a store, an empty file, and what cannot be read."""
    try:
        return os.stat(path).st_size or None
    except (OSError, ValueError):  # ValueError: a null byte
        return None


def _beginning(path: str) -> tuple[int, bytes] | None:
    try:
        with opened(path, 0) as file:
            begun = hashlib.blake2b(file.read(_BEGINNING), digest_size=16)
            return os.fstat(file.fileno()).st_size, begun.digest()
    except OSError:  # it is told where it is read as a sample
        return None


def _digests(
    files: Sequence[LabelledFile], colour: ColourMode, workers: int, advance: Advance
) -> Iterator[tuple[LabelledFile, bytes]]:
    """Each file with the digest of its values; files that cannot be read, and those of a single value, have none."""
    for file, digest in zip(files, ordered_map(partial(_digest, colour=colour), files, workers), strict=True):
        advance(1)
        if digest is not None:
            yield file, digest


def _digest(file: LabelledFile, colour: ColourMode) -> bytes | None:
    values = file.read(colour)
    if isinstance(values, Skipped) or (values.ndim > 1 and bool((values == values.flat[0]).all())):
        return None  # blank images agree without being copies
    shape = f"{values.dtype.str}{values.shape}".encode()
    return hashlib.blake2b(np.ascontiguousarray(values).data, key=shape[:64], digest_size=16).digest()
