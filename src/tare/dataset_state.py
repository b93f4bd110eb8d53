"""The mergeable state of a measurement: one group of channel states per layout met, plus what was skipped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.histogram import LEVELS, Histogram, count_levels
from tare.moments import Moments
from tare.records import Sample, Skipped

_LEVEL = np.arange(LEVELS, dtype=np.int64)


@dataclass(frozen=True, slots=True, order=True)
class Layout:
    """What must agree before values may be pooled: the number of channels and the dtype's name."""

    channels: int
    dtype: str


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


@dataclass(frozen=True, slots=True)
class Group:
    """All samples of one layout; ``example`` is the first of their paths in alphabetical order."""

    samples: int
    example: str
    channels: tuple[ChannelState, ...]

    def merge(self, other: Group) -> Group:
        """Return the group of both."""
        channels = tuple(a.merge(b) for a, b in zip(self.channels, other.channels, strict=True))
        return Group(self.samples + other.samples, min(self.example, other.example), channels)


@dataclass(frozen=True, slots=True)
class DatasetState:
    """Frozen state of a measurement: ``DatasetState()`` is empty, ``merge`` is exact, associative and commutative."""

    groups: Mapping[Layout, Group] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()

    def merge(self, other: DatasetState) -> DatasetState:
        """Return the state of both sets of samples together."""
        groups = dict(self.groups)
        for layout, group in other.groups.items():
            groups[layout] = groups[layout].merge(group) if layout in groups else group
        return DatasetState(groups, tuple(sorted(self.skipped + other.skipped)))

    @property
    def samples(self) -> int:
        """Number of samples read."""
        return sum(group.samples for group in self.groups.values())

    @classmethod
    def of(cls, records: Iterable[Sample | Skipped]) -> DatasetState:
        """Reduce the samples of one chunk."""
        skipped = []
        collected: dict[Layout, _Collector] = {}
        for record in records:
            if isinstance(record, Skipped):
                skipped.append(record)
                continue
            layout = Layout(record.values.shape[-1], record.values.dtype.name)
            collected.setdefault(layout, _collector(layout)).add(record)
        groups = {layout: collector.group() for layout, collector in collected.items()}
        return cls(groups, tuple(sorted(skipped)))


class _Collector:
    """Gathers the samples of one layout within a chunk; turned into a frozen :class:`Group` at its end."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def add(self, sample: Sample) -> None:
        self.paths.append(sample.path)
        self.take(sample.values)

    def group(self) -> Group:
        return Group(len(self.paths), min(self.paths), self.states())

    def take(self, values: NDArray[Any]) -> None:
        raise NotImplementedError

    def states(self) -> tuple[ChannelState, ...]:
        raise NotImplementedError


class _ByteCollector(_Collector):
    """8-bit samples: the histogram of each gives its exact sums."""

    def __init__(self) -> None:
        super().__init__()
        self.histograms: list[NDArray[np.int64]] = []

    def take(self, values: NDArray[Any]) -> None:
        self.histograms.append(count_levels(values))

    def states(self) -> tuple[ChannelState, ...]:
        stacked = np.stack(self.histograms)  # (samples, C, 256)
        n = stacked.sum(axis=2)
        s = stacked @ _LEVEL
        q = stacked @ (_LEVEL * _LEVEL)
        pooled = stacked.sum(axis=0)
        states = []
        for c in range(stacked.shape[1]):
            present = np.flatnonzero(pooled[c])
            low, high = (float(present[0]), float(present[-1])) if present.size else (np.inf, -np.inf)
            moments = Moments.of_integer_samples(n[:, c], s[:, c], q[:, c], low, high)
            states.append(ChannelState(moments, Histogram(tuple(pooled[c].tolist()))))
        return tuple(states)


class _WordCollector(_Collector):
    """16-bit and boolean samples: exact integer sums."""

    def __init__(self) -> None:
        super().__init__()
        self.sums: list[NDArray[np.int64]] = []
        self.low: NDArray[np.float64] | None = None
        self.high: NDArray[np.float64] | None = None

    def take(self, values: NDArray[Any]) -> None:
        # A square of 16 bits has 32; 2**31 values per sample fit, more than any decoder lets through.
        flat = values.reshape(-1, values.shape[-1]).astype(np.int64)
        counts = np.full(flat.shape[1], flat.shape[0], dtype=np.int64)
        self.sums.append(np.stack([counts, flat.sum(axis=0), (flat * flat).sum(axis=0)]))
        if not flat.size:
            return
        low, high = flat.min(axis=0).astype(np.float64), flat.max(axis=0).astype(np.float64)
        self.low = low if self.low is None else np.minimum(self.low, low)
        self.high = high if self.high is None else np.maximum(self.high, high)

    def states(self) -> tuple[ChannelState, ...]:
        stacked = np.stack(self.sums)  # (samples, 3, C)
        if self.low is None or self.high is None:
            return tuple(ChannelState(Moments(), None) for _ in range(stacked.shape[2]))
        return tuple(
            ChannelState(_integer_moments(stacked[:, :, c], float(low), float(high)), None)
            for c, (low, high) in enumerate(zip(self.low, self.high, strict=True))
        )


class _FloatCollector(_Collector):
    """Everything else: each sample about its own mean in float64, moved to the origin exactly."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: tuple[Moments, ...] = ()

    def take(self, values: NDArray[Any]) -> None:
        new = tuple(Moments.of_sample(values[..., c]) for c in range(values.shape[-1]))
        self.moments = tuple(a.merge(b) for a, b in zip(self.moments, new, strict=True)) if self.moments else new

    def states(self) -> tuple[ChannelState, ...]:
        return tuple(ChannelState(moments, None) for moments in self.moments)


def _integer_moments(sums: NDArray[np.int64], low: float, high: float) -> Moments:
    return Moments.of_integer_samples(sums[:, 0], sums[:, 1], sums[:, 2], low, high)


def _collector(layout: Layout) -> _Collector:
    if layout.dtype == "uint8":
        return _ByteCollector()
    if layout.dtype in ("uint16", "bool"):
        return _WordCollector()
    return _FloatCollector()
