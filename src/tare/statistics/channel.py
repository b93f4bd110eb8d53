"""The state of one channel, and how samples of each dtype are reduced to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError
from tare.samples.records import Rows, Stack
from tare.statistics.buckets import WORDS, Buckets
from tare.statistics.histogram import LEVELS, Histogram
from tare.statistics.moments import Moments
from tare.statistics.sums import byte_sums, image_sums, plane_sums, word_sums

#: Types of 16 bits or fewer, and what is added to a value to count it from 0.
_WORD_TYPES = {"uint16": 0, "bool": 0, "int16": 1 << 15}


@dataclass(frozen=True, slots=True)
class ChannelState:
    """Moments of one channel, and the counts for its quantiles: exact for 8 and 16 bits, else in buckets."""

    moments: Moments
    histogram: Histogram | Buckets

    def merge(self, other: ChannelState) -> ChannelState:
        """Return the state of both, which must come from one dtype."""
        return ChannelState(self.moments.merge(other.moments), self.histogram.merge(other.histogram))  # type: ignore[arg-type]

    def united(self) -> ChannelState:
        """The same values as one sample."""
        return replace(self, moments=self.moments.united())


class Collector(ABC):
    """Sums of samples of one layout, added one by one, so that their values need not be kept.

    ``strange`` says whether the last sample holds NaN or infinite values.
    """

    strange = False

    @abstractmethod
    def add(self, values: NDArray[Any]) -> None:
        """Add one sample ``(..., C)``."""

    @abstractmethod
    def pooled(self) -> tuple[ChannelState, ...]:
        """The state of every channel."""


def collector(channels: int, dtype: str) -> Collector:
    """Return an empty collector for samples of one layout."""
    if dtype == "uint8":
        return _Bytes(channels)
    return _Words(channels, _WORD_TYPES[dtype]) if dtype in _WORD_TYPES else _Floats(channels)


class Sparse:
    """Sums of samples whose channels keep different numbers of values."""

    def __init__(self, channels: int, dtype: str) -> None:
        self.strange = False
        self.each = [collector(1, dtype) for _ in range(channels)]
        self.used = [False] * channels
        self.empty = ChannelState(Moments(), Histogram() if dtype == "uint8" else Buckets())

    def add(self, channels: tuple[NDArray[Any], ...]) -> None:
        """Add one sample."""
        self.strange = False
        for c, values in enumerate(channels):
            if values.size:
                self.each[c].add(values.reshape(1, -1, 1))
                self.strange |= self.each[c].strange
                self.used[c] = True

    def pooled(self) -> tuple[ChannelState, ...]:
        """The state of every channel."""
        return tuple(one.pooled()[0] if used else self.empty for one, used in zip(self.each, self.used, strict=True))


class _Bytes(Collector):
    def __init__(self, channels: int) -> None:
        self.levels = np.zeros((channels, LEVELS), np.int64)
        self.n: list[int] = []
        self.sums: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []

    def add(self, values: NDArray[Any]) -> None:
        self.n.append(values.size // len(self.levels))
        self.sums.append(image_sums(values, self.levels))

    def pooled(self) -> tuple[ChannelState, ...]:
        s, q = (np.stack(sums) for sums in zip(*self.sums, strict=True))
        return _of_levels(np.array(self.n), s, q, self.levels)


class _Words(Collector):
    def __init__(self, channels: int, offset: int) -> None:
        self.offset = offset
        self.counts = np.zeros((channels, WORDS), np.int64)
        self.n: list[int] = []
        self.sums: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []

    def add(self, values: NDArray[Any]) -> None:
        flat = _words(values.reshape(1, -1, values.shape[-1]))
        self.n.append(flat.shape[1])
        self.sums.append(word_sums(flat, self.counts))

    def pooled(self) -> tuple[ChannelState, ...]:
        s, q = (np.concatenate([sums[k] for sums in self.sums]) for k in (0, 1))
        return _of_words(np.array(self.n), s, q, self.counts, self.offset)


class _Floats(Collector):
    def __init__(self, channels: int) -> None:
        self.states = [ChannelState(Moments(), Buckets())] * channels

    def add(self, values: NDArray[Any]) -> None:
        check_exact(values)
        added = [_of_floats(Moments.of_sample(values[..., c]), values[..., c]) for c in range(values.shape[-1])]
        self.strange = any(new.moments.nan or new.moments.inf for new in added)
        self.states = [old.merge(new) for old, new in zip(self.states, added, strict=True)]

    def pooled(self) -> tuple[ChannelState, ...]:
        return tuple(self.states)


def of_stack(stack: Stack) -> tuple[ChannelState, ...]:
    """Reduce many samples of one size in compiled passes."""
    values = stack.values
    if stack.channels_first and values.dtype == np.uint8:
        planes = values.reshape(len(values), stack.channels, -1)
        return _of_levels(np.full(len(planes), planes.shape[2]), *plane_sums(planes))
    if stack.channels_first:
        channels = [values[:, c].reshape(len(values), -1, 1) for c in range(stack.channels)]
        return tuple(state for channel in channels for state in _of_block(channel))
    return _of_block(values.reshape(len(values), -1, stack.channels))


def of_rows(rows: Rows) -> tuple[int, tuple[ChannelState, ...]]:
    """Reduce rows of a table, column by column; returns their number too."""
    number, states = 0, []
    for column in rows.columns:
        number = len(column)
        check_exact(column)
        states.append(_of_floats(Moments.of_rows(column), column))
        del column  # its memory serves the next one
    return number if rows.number is None else rows.number, tuple(states)


def _of_block(block: NDArray[Any]) -> tuple[ChannelState, ...]:
    """Reduce ``(N, P, C)``."""
    n = np.full(len(block), block.shape[1])
    if block.dtype == np.uint8:
        return _of_levels(n, *byte_sums(block))
    if block.dtype.name in _WORD_TYPES:
        counts = np.zeros((block.shape[2], WORDS), np.int64)
        return _of_words(n, *word_sums(_words(block), counts), counts, _WORD_TYPES[block.dtype.name])
    check_exact(block)
    channels = (np.ascontiguousarray(block[:, :, c], np.float64) for c in range(block.shape[2]))
    return tuple(_of_floats(Moments.of_rows(c[:, 0]) if c.shape[1] == 1 else Moments.of_stack(c), c) for c in channels)


def check_exact(values: NDArray[Any]) -> None:
    """Raise :class:`DataError` for whole numbers beyond 2**53, which no double holds: their std would be one of rounding."""
    if values.dtype.name not in ("int64", "uint64") or not values.size:
        return
    largest = max(abs(int(values.min())), abs(int(values.max())))
    if largest > 1 << 53:
        remedy = "subtract an offset, or leave the column out"
        raise DataError("whole numbers up to 2**53, which a double holds exactly", f"{largest} of {values.dtype}", remedy)


def _of_floats(moments: Moments, values: NDArray[Any]) -> ChannelState:
    finite = not moments.nan and not moments.inf
    return ChannelState(moments, Buckets.of(values, moments.low, moments.high, finite=finite))


def _of_levels(
    n: NDArray[np.int64], s: NDArray[np.int64], q: NDArray[np.int64], levels: NDArray[np.int64]
) -> tuple[ChannelState, ...]:
    states = []
    for c, counts in enumerate(levels):
        present = np.flatnonzero(counts)
        low, high = (float(present[0]), float(present[-1])) if present.size else (np.inf, -np.inf)
        moments = Moments.of_integer_samples(n, s[:, c], q[:, c], low, high)
        states.append(ChannelState(moments, Histogram(tuple(counts.tolist()))))
    return tuple(states)


def _words(values: NDArray[Any]) -> NDArray[np.uint16]:
    """Values of 16 bits or fewer as whole numbers from 0; signed ones from -32,768, by a change of their highest bit."""
    if values.dtype.name == "int16":
        native = values.astype(np.int16, copy=False)  # in this machine's order of bytes
        return np.asarray(native.view(np.uint16) ^ np.uint16(1 << 15))
    return values.astype(np.uint16, copy=False)


def _of_words(
    n: NDArray[np.int64], s: NDArray[np.int64], q: NDArray[np.int64], counts: NDArray[np.int64], offset: int
) -> tuple[ChannelState, ...]:
    """The state of each channel by the sums of words, from which ``offset`` is taken again: sums of whole numbers stay exact."""
    q = q - 2 * offset * s + offset * offset * n[:, None]
    s = s - offset * n[:, None]
    states = []
    for c, words in enumerate(counts):
        buckets = Buckets.of_words(words, -offset)
        states.append(ChannelState(Moments.of_integer_samples(n, s[:, c], q[:, c], buckets.low, buckets.high), buckets))
    return tuple(states)
