"""The state of one channel, and how samples of each dtype are reduced to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.exact import Dyadic
from tare.histogram import LEVELS, Histogram, count_levels
from tare.moments import Moments
from tare.records import Rows, Stack
from tare.sums import byte_sums, word_sums

_LEVEL = np.arange(LEVELS, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class ChannelState:
    """Moments of one channel and, for 8-bit data, its exact histogram."""

    moments: Moments
    histogram: Histogram | None

    def merge(self, other: ChannelState) -> ChannelState:
        """Return the state of both."""
        both = self.histogram is not None and other.histogram is not None
        histogram = self.histogram.merge(other.histogram) if both else None  # type: ignore[union-attr, arg-type]
        return ChannelState(self.moments.merge(other.moments), histogram)

    def widened(self) -> ChannelState:
        """Return 8-bit values as 16-bit ones: 255 * 257 is 65535, so their unit values stay exactly the same."""
        return ChannelState(self.moments.scaled(Dyadic(257)), None)


#: The sums of one sample: its histogram, its integer sums, or its moments, whichever its dtype calls for.
Summed = NDArray[np.int64] | tuple[NDArray[np.int64], ...] | tuple[Moments, ...]


def summed(values: NDArray[Any]) -> Summed:
    """Reduce one sample ``(..., C)`` to its sums, so that its values need not be kept."""
    if values.dtype == np.uint8:
        return count_levels(values)
    channels = values.shape[-1]
    if values.dtype.name in ("uint16", "bool"):
        flat = values.reshape(1, -1, channels).astype(np.uint16, copy=False)
        return (np.array([flat.shape[1]]), *word_sums(flat))
    return tuple(Moments.of_sample(values[..., c]) for c in range(channels))


def pooled(samples: list[Any], dtype: str) -> tuple[ChannelState, ...]:
    """Pool what :func:`summed` made of samples of one layout."""
    if dtype == "uint8":
        histograms = np.stack(samples)  # (N, C, 256)
        n = histograms[:, 0].sum(axis=1)
        return _of_levels(n, histograms @ _LEVEL, histograms @ (_LEVEL * _LEVEL), histograms.sum(axis=0))
    if dtype in ("uint16", "bool"):
        n, s, q = (np.concatenate([sample[k] for sample in samples]) for k in (0, 1, 2))
        return _of_words(
            n, s, q, np.min([sample[3] for sample in samples], axis=0), np.max([sample[4] for sample in samples], axis=0)
        )
    return tuple(ChannelState(reduce(Moments.merge, channel), None) for channel in zip(*samples, strict=True))


def of_stack(stack: Stack) -> tuple[ChannelState, ...]:
    """Reduce many samples of one size in compiled passes."""
    values = stack.values
    if stack.channels_first:
        channels = [values[:, c].reshape(len(values), -1, 1) for c in range(stack.channels)]
        return tuple(state for channel in channels for state in _of_block(channel))
    return _of_block(values.reshape(len(values), -1, stack.channels))


def of_rows(rows: Rows) -> tuple[int, tuple[ChannelState, ...]]:
    """Reduce rows of a table, column by column; returns their number too."""
    number, states = 0, []
    for column in rows.columns:
        number = len(column)
        states.append(ChannelState(Moments.of_rows(column), None))
    return number, tuple(states)


def _of_block(block: NDArray[Any]) -> tuple[ChannelState, ...]:
    """Reduce ``(N, P, C)``."""
    n = np.full(len(block), block.shape[1])
    if block.dtype == np.uint8:
        return _of_levels(n, *byte_sums(block))
    if block.dtype.name in ("uint16", "bool"):
        return _of_words(n, *word_sums(block.astype(np.uint16, copy=False)))
    if block.shape[1] == 1:
        return tuple(ChannelState(Moments.of_rows(block[:, 0, c]), None) for c in range(block.shape[2]))
    return tuple(ChannelState(Moments.of_stack(block[:, :, c]), None) for c in range(block.shape[2]))


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


def _of_words(
    n: NDArray[np.int64], s: NDArray[np.int64], q: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64]
) -> tuple[ChannelState, ...]:
    return tuple(
        ChannelState(Moments.of_integer_samples(n, s[:, c], q[:, c], float(low[c]), float(high[c])), None)
        for c in range(s.shape[1])
    )
