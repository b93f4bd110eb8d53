"""Labelled samples by index: images, signals and rows of numbers, with the name of each one's class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from tare.errors import DataError
from tare.input_spec.geometry import NOUNS, SampleKind
from tare.samples.records import Skipped

#: What samples are by their number of axes, that of channels included.
KINDS: dict[int, SampleKind] = {3: "image", 2: "signal", 1: "vector"}


@dataclass(frozen=True, eq=False)
class LabelledSamples:
    """Samples by index, raw values ``(H, W, C)``, ``(T, C)`` or ``(C,)`` as ``kind`` says, and the class of each.

    ``read`` may give :class:`Skipped` for a sample that cannot be read.
    """

    name: str
    kind: SampleKind
    labels: tuple[str, ...]
    read: Callable[[int], NDArray[Any] | Skipped]
    channel_names: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def of_kind(self, kind: SampleKind) -> LabelledSamples:
        """The same samples as ``kind``: each row as a signal of one channel, a signal of one channel as a row, or as they are.

        Raises :class:`DataError` for any other pair.
        """
        if kind == self.kind:
            return self
        if (self.kind, kind) == ("vector", "signal"):
            return replace(self, kind=kind, read=_AsSignal(self.read), channel_names=None)
        if (self.kind, kind) == ("signal", "vector") and _channels(self) == 1:
            return replace(self, kind=kind, read=_AsRow(self.read))
        fits = {"image": "timm:NAME", "signal": "tare:cnn1d", "vector": "tare:mlp"}[self.kind]
        found = f"{'an' if self.kind == 'image' else 'a'} {self.kind} per sample in {self.name!r}"
        raise DataError(f"labelled {NOUNS[kind]}", found, f"name a network for {NOUNS[self.kind]}: --model {fits}")


# Readers are objects and no closures: a loader's processes that do not fork are sent them.


@dataclass(frozen=True, slots=True, eq=False)
class InMemory:
    """Samples that are held, of which ``places`` are meant; None: all."""

    values: Sequence[NDArray[Any] | Skipped] | NDArray[Any]
    places: Sequence[int] | None = None

    def __call__(self, index: int) -> NDArray[Any] | Skipped:
        """Give one sample."""
        return self.values[index if self.places is None else self.places[index]]


@dataclass(frozen=True, slots=True, eq=False)
class _AsSignal:
    """Rows as signals of one channel."""

    read: Callable[[int], NDArray[Any] | Skipped]

    def __call__(self, index: int) -> NDArray[Any] | Skipped:
        values = self.read(index)
        return values if isinstance(values, Skipped) else values[:, None]


@dataclass(frozen=True, slots=True, eq=False)
class _AsRow:
    """Signals of one channel as rows."""

    read: Callable[[int], NDArray[Any] | Skipped]

    def __call__(self, index: int) -> NDArray[Any] | Skipped:
        values = self.read(index)
        return values if isinstance(values, Skipped) else values[:, 0]


def _channels(samples: LabelledSamples) -> int | None:
    """The number of channels of the first sample that can be read."""
    read = map(samples.read, range(len(samples)))
    return next((values.shape[-1] for values in read if not isinstance(values, Skipped)), None)


def check_labels(labels: Sequence[str], name: str) -> None:
    """Raise :class:`DataError` if there is no label, or an empty one."""
    missing = sum(not label for label in labels)
    if not labels or missing:
        found = f"{missing} of {len(labels)} samples without one in {name!r}" if labels else f"none in {name!r}"
        remedy = "name their column or array with --label, find them in paths with --label-pattern, or use a folder per class"
        raise DataError("a label for every sample", found, remedy)
