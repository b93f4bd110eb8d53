"""Records of a source: one sample, many samples at once, or the reason why a sample is unreadable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: What a file states of all its values, by name: "units", "spacing", "scale" and the like, each in words.
Facts = tuple[tuple[str, str], ...]
#: The words of a fact that a file could state and does not.
UNSTATED = "unstated"
#: Facts of what lies between two values along an axis of a sample, where the axis points to, and what a raw value stands for.
ALONG_AXES = ("sampling rate", "spacing", "orientation", "scale")


#: How a fact of a scale ends, which is not said again of each scale.
_OF_SCALE = " stated for a raw value v, not applied"


def along_axes(facts: Facts) -> Facts:
    """Those of the facts that say what a step along an axis or of a value is: they change no value, but what a network is fed."""
    found = (fact for fact in facts if fact[0] in ALONG_AXES and fact[1] != UNSTATED)
    return tuple((name, words.removesuffix(_OF_SCALE).replace(", ", " and ")) for name, words in found)  # no comma: lists have


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One sample: raw values with the channel axis last, ``(H, W, C)`` for an image, and the label, if known.

    ``notes`` list what decoding left out (an alpha channel, the later frames of an animation); ``facts`` are those of the file.
    """

    path: str
    values: NDArray[Any]
    label: str | None = None
    notes: tuple[str, ...] = ()
    facts: Facts = ()


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Samples of one shape, raw values ``(N, ..., C)``; ``path`` names the first sample. ``labels`` are N or None.

    With ``channels_first`` the values are ``(N, C, ...)``: to move the axis would take longer than to count.
    """

    path: str
    values: NDArray[Any]
    labels: tuple[str, ...] | None = None
    channels_first: bool = False

    @property
    def channels(self) -> int:
        """Number of channels C."""
        return int(self.values.shape[1 if self.channels_first else -1])


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """One sample of which some values were left out: the kept values of each channel, one axis each, possibly none.

    ``number`` is that of the values of a channel before any was left out; None if it is that of the longest.
    """

    path: str
    channels: tuple[NDArray[Any], ...]
    label: str | None = None
    notes: tuple[str, ...] = ()
    facts: Facts = ()
    number: int | None = None

    @property
    def whole(self) -> int:
        """The number of values of a channel before any was left out."""
        return _whole(self.channels, self.number)

    @property
    def wholes(self) -> tuple[int, ...]:
        """The number of values of each channel before any was left out."""
        return (self.whole,) * len(self.channels)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some values of a sample that is too large to be held at once: the values of each channel, one axis each.

    The parts of one sample follow each other in one chunk, with one path. Facts stand on the first of them, notes on any.
    ``number`` is that of the part's values of a channel before any was left out; None if it is that of the longest. ``held`` are
    the places of the channels that the part has values of, where channels are stored one after the other; None if it has all.
    ``begins`` says that it is the first of a sample whatever came before: a list may name a file twice.
    """

    path: str
    channels: tuple[NDArray[Any], ...]
    notes: tuple[str, ...] = ()
    facts: Facts = ()
    number: int | None = None
    held: tuple[int, ...] | None = None
    begins: bool = False

    @property
    def whole(self) -> int:
        """The number of the part's values of a channel before any was left out."""
        return _whole(self.channels, self.number)

    @property
    def wholes(self) -> tuple[int, ...]:
        """The number of the part's values of each channel before any was left out."""
        return tuple(self.whole if self.held is None or place in self.held else 0 for place in range(len(self.channels)))

    def continues(self, path: str) -> bool:
        """Whether it goes on with the sample of this path, of which another part came just before."""
        return self.path == path and not self.begins


def _whole(channels: tuple[NDArray[Any], ...], number: int | None) -> int:
    return max(map(len, channels), default=0) if number is None else number


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of a table, each a sample with one value per channel: C columns of shape ``(N,)``.

    Numbers in a table have no range of their own, so they count as float64 unless ``dtype`` names another; a missing value is
    NaN. ``columns`` may build a column on access, so that it is summed while it is still in the cache. ``number`` is N where
    values were left out, so that columns are shorter; ``notes`` count the rows by what was left out of them.
    """

    path: str
    columns: Sequence[NDArray[Any]]
    dtype: str = "float64"
    number: int | None = None
    notes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, order=True)
class Skipped:
    """An input without a readable sample, and the reason.

    ``foreign`` marks files that do not claim to be samples (a README among photos): they are listed, but do not count
    towards the share of unreadable samples. ``label`` is that of the sample, if known.
    """

    path: str
    reason: str
    foreign: bool = False
    label: str | None = field(default=None, compare=False)

    def to_json(self) -> dict[str, Any]:
        """The input and the reason, as statistics list them."""
        return {"path": self.path, "reason": self.reason, "foreign": self.foreign}


def name_of(path: str, index: int) -> str:
    """The name of a sample of a stack or of rows, whose path names the first: ``a.h5#x[3]``; of a page, its place in the file."""
    whole, _, first = path.rpartition("[")
    return f"{whole}[{int(first[:-1]) + index}]" if is_numbered(path) else f"{path}[{index}]"


def names_of(path: str, number: int) -> list[str]:
    """The names of all samples of a stack or of rows; a single page has that of its file."""
    return [path] if number == 1 else [name_of(path, index) for index in range(number)]


def is_numbered(path: str) -> bool:
    """Whether a path ends with the number of a sample."""
    whole, _, last = path.rpartition("[")
    return bool(whole) and last[:-1].isdecimal() and last.endswith("]")


Record = Sample | Stack | Kept | Part | Rows | Skipped


def axes_of_sample(record: Record) -> int:
    """The number of axes of a sample, channels included; 0 if its values are not in one array."""
    if isinstance(record, Rows):
        return 1
    return record.values.ndim - isinstance(record, Stack) if isinstance(record, Sample | Stack) else 0


def stacked_rows(path: str, table: NDArray[Any]) -> Stack | Rows:
    """Turn a table ``(N, C)`` into the record that keeps its sums exact: a stack of 8- or 16-bit integers, else rows."""
    if table.dtype.name in ("uint8", "uint16", "int16", "bool"):
        return Stack(path, table)
    return Rows(path, tuple(np.ascontiguousarray(table.T)), table.dtype.name)
