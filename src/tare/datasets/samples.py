"""Labelled samples by index: images, signals or rows of numbers, each with the texts of its labels."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from tare.errors import DataError
from tare.input_spec.geometry import NOUNS, SampleKind
from tare.samples.records import Facts, Skipped

if TYPE_CHECKING:
    from tare.tasks.task import Texts

#: Kind of a sample by its number of axes, including the channel axis.
KINDS: dict[int, SampleKind] = {4: "volume", 3: "image", 2: "signal", 1: "vector"}


@dataclass(frozen=True, eq=False)
class LabelledSamples:
    """Samples by index, raw values ``(H, W, C)``, ``(T, C)`` or ``(C,)`` by ``kind``, and the label of each.

    ``several`` are the texts of all columns of labels, if there are more than one, and ``columns`` their names.
    ``read`` returns :class:`Skipped` for a sample that cannot be read; ``remarks`` say what was assumed or left out. ``heard``
    says that a front end for sound made the values. ``facts`` are what the data state of the axes of each sample, or empty.
    """

    name: str
    kind: SampleKind
    labels: tuple[str, ...]
    read: Callable[[int], NDArray[Any] | Skipped]
    channel_names: tuple[str, ...] | None = None
    remarks: tuple[str, ...] = ()
    columns: tuple[str, ...] = ("label",)
    several: tuple[Texts, ...] | None = None
    heard: bool = False
    facts: tuple[Facts, ...] = ()

    @property
    def texts(self) -> Sequence[Texts]:
        """The texts of each sample's labels, one a column."""
        return self.several if self.several is not None else [(label,) for label in self.labels]

    def __len__(self) -> int:
        return len(self.labels)

    def stated(self, index: int) -> Facts:
        """What the data state of the axes of one sample, such as its sampling rate."""
        return self.facts[index] if self.facts else ()

    def of_kind(self, kind: SampleKind) -> LabelledSamples:
        """The same samples as another kind: a row becomes a signal of one channel, a signal of one channel a row.

        Raises :class:`DataError` for any other pair of different kinds.
        """
        if kind == self.kind:
            return self
        if (self.kind, kind, self.heard) == ("image", "sound", True):
            return replace(self, kind=kind)
        if (self.kind, kind) == ("vector", "signal"):
            return replace(self, kind=kind, read=_Axes(self.read, (..., None)), channel_names=None)
        if (self.kind, kind) == ("signal", "vector") and _channels(self) == 1:
            return replace(self, kind=kind, read=_Axes(self.read, (..., 0)))
        if (self.kind, kind) == ("volume", "clip"):
            return replace(self, kind=kind)
        fits = {"image": "timm:NAME", "signal": "tare:cnn1d", "vector": "tare:mlp"}.get(self.kind, "FILE.py:FACTORY")
        found = f"{'an' if self.kind == 'image' else 'a'} {self.kind} per sample in {self.name!r}"
        raise DataError(f"labelled {NOUNS[kind]}", found, f"name a network for {NOUNS[self.kind]}: --model {fits}")


# Readers are objects instead of closures, since spawned loader processes receive them by pickle.


@dataclass(frozen=True, slots=True, eq=False)
class InMemory:
    """Samples in memory; ``places`` are the indices of the samples in use, None for all."""

    values: Sequence[NDArray[Any] | Skipped] | NDArray[Any]
    places: Sequence[int] | None = None

    def __call__(self, index: int) -> NDArray[Any] | Skipped:
        """Give one sample."""
        return self.values[index if self.places is None else self.places[index]]


@dataclass(frozen=True, slots=True, eq=False)
class _Axes:
    """Samples with a channel axis added, ``(..., None)``, or removed, ``(..., 0)``."""

    read: Callable[[int], NDArray[Any] | Skipped]
    key: tuple[Any, ...]

    def __call__(self, index: int) -> NDArray[Any] | Skipped:
        values = self.read(index)
        return values if isinstance(values, Skipped) else values[self.key]


def _channels(samples: LabelledSamples) -> int | None:
    """Number of channels of the first readable sample."""
    read = map(samples.read, range(len(samples)))
    return next((values.shape[-1] for values in read if not isinstance(values, Skipped)), None)


def check_labels(labels: Sequence[str], name: str, column: str | None = None) -> None:
    """Raise :class:`DataError` if a sample has no label, also of a stated ``column``, or if there are no samples.

    Labels are text, so that ``01``, ``1`` and ``1.0`` are three classes; blanks alone are no label. Two labels that
    differ by blanks around them or by how Unicode composes their letters look the same to a reader, and are refused.
    """
    missing = [index for index, label in enumerate(labels) if not label.strip()]
    if not labels or missing:
        at = f", the first at [{missing[0]}]" if missing else ""
        found = f"{len(missing)} of {len(labels)} samples without one in {name!r}{at}" if labels else f"none in {name!r}"
        remedy = (
            "name their column or array with --label, find them in paths with --label-pattern, or use a folder per class"
            if column is None
            else f"check the column {column!r}; rows with labels are read from CSV, TSV, Parquet, .npz and HDF5"
        )
        raise DataError("a label for every sample", found, remedy)
    check_twins(labels, name)


def check_twins(labels: Iterable[str], name: str) -> None:
    """Raise :class:`DataError` for two labels that look the same."""
    seen: dict[str, str] = {}
    for label in dict.fromkeys(labels):
        other = seen.setdefault(unicodedata.normalize("NFC", label.strip()), label)
        if other != label:
            found = f"{other!a} and {label!a} in {name!r}"
            raise DataError("classes whose names differ by more than blanks or composed letters", found, "write them in one way")


def twin_remarks(labels: Iterable[str]) -> tuple[str, ...]:
    """What is to be said of classes that may be one, or none: names of one number or but for case, and words for no value."""
    names = sorted({*labels})
    cases: dict[str, list[str]] = {}
    for name in names:
        cases.setdefault(unicodedata.normalize("NFKC", name).casefold(), []).append(name)
    same = [f"{', '.join(map(repr, each))}" for each in cases.values() if len(each) > 1]
    numbers: dict[float, list[str]] = {}
    for name in names:
        if _NUMBER.fullmatch(name.strip()):
            numbers.setdefault(float(name), []).append(name)
    written = [f"{', '.join(map(repr, each))}" for each in numbers.values() if len(each) > 1]
    words = [name for name in names if name.strip().lower() in _NO_VALUE]
    remarks = [f"classes whose names differ by their case alone are kept apart: {'; '.join(same[:5])}"] if same else []
    if written:
        remarks.append(f"classes whose names are one number written in several ways are kept apart: {'; '.join(written[:5])}")
    if words:
        remarks.append(f"labels are text, so {', '.join(map(repr, words))} is a class: remove these samples if it means no label")
    return tuple(remarks)


_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
#: Words that tables write for a value that is missing.
_NO_VALUE = frozenset(("na", "n/a", "nan", "null", "none", "?", "<na>", "nil"))
