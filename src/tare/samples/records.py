"""Records of a source: one sample, many samples at once, or the reason why a sample is unreadable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One sample: raw values with the channel axis last, ``(H, W, C)`` for an image, and the label, if known.

    ``notes`` list what decoding left out (an alpha channel, the later frames of an animation).
    """

    path: str
    values: NDArray[Any]
    label: str | None = None
    notes: tuple[str, ...] = ()


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
    """One sample of which some values were left out: the kept values of each channel, one axis each, possibly none."""

    path: str
    channels: tuple[NDArray[Any], ...]
    label: str | None = None
    notes: tuple[str, ...] = ()


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
    towards the share of unreadable samples.
    """

    path: str
    reason: str
    foreign: bool = False


Record = Sample | Stack | Kept | Rows | Skipped


def stacked_rows(path: str, table: NDArray[Any]) -> Stack | Rows:
    """Turn a table ``(N, C)`` into the record that keeps its sums exact: a stack of 8- or 16-bit integers, else rows."""
    if table.dtype.name in ("uint8", "uint16", "bool"):
        return Stack(path, table)
    return Rows(path, tuple(np.ascontiguousarray(table.T)), table.dtype.name)
