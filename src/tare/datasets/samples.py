"""Labelled samples by index: images, signals or rows of numbers, each with the texts of its labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from tare.errors import DataError
from tare.input_spec.geometry import NOUNS, SampleKind
from tare.samples.records import Skipped
from tare.tasks.task import Texts

#: Kind of a sample by its number of axes, including the channel axis.
KINDS: dict[int, SampleKind] = {4: "volume", 3: "image", 2: "signal", 1: "vector"}


@dataclass(frozen=True, eq=False)
class LabelledSamples:
    """Samples by index, raw values ``(H, W, C)``, ``(T, C)`` or ``(C,)`` by ``kind``, and the label of each.

    ``several`` are the texts of all columns of labels, if there are more than one, and ``columns`` their names.
    ``read`` returns :class:`Skipped` for a sample that cannot be read; ``remarks`` say what was assumed or left out. ``heard``
    says that a front end for sound made the values.
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

    @property
    def texts(self) -> Sequence[Texts]:
        """The texts of each sample's labels, one a column."""
        return self.several if self.several is not None else [(label,) for label in self.labels]

    def __len__(self) -> int:
        return len(self.labels)

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


def check_labels(labels: Sequence[str], name: str) -> None:
    """Raise :class:`DataError` if a sample has no label, or if there are no samples."""
    missing = sum(not label for label in labels)
    if not labels or missing:
        found = f"{missing} of {len(labels)} samples without one in {name!r}" if labels else f"none in {name!r}"
        remedy = "name their column or array with --label, find them in paths with --label-pattern, or use a folder per class"
        raise DataError("a label for every sample", found, remedy)
