"""How often a change is named rightly, and how often the intervals of gain and offset hold."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.monitor_rates.pools import FAULTS, Samples
from benchmarks.monitor_rates.rates import BATCH, fixed_size
from tare.monitoring.evidence.figures import figures_of
from tare.monitoring.evidence.spreads import Shares
from tare.monitoring.monitor import Monitor
from tare.monitoring.reference import Reference, state_of
from tare.monitoring.result import Verdict
from tare.statistics.dataset_stats import summarise
from tare.statistics.intervals import Interval

#: What each fault has to be called.
RIGHT = {
    "gain 0.9": ("gain",),
    "offset 0.05": ("offset",),
    "channels swapped": ("channel order",),
    "dead channel": ("dead channel",),
    "12 bits in 16": ("bit depth",),
}
_UNCLEAR = ("unclear", "no change shown")
_TRUE = {"gain 0.9": ("gain", 0.9), "offset 0.05": ("offset", 0.05)}


#: Samples after the change at which the verdict is asked for, as multiples of what a test of fixed size needs.
MULTIPLES = (1, 2, 3)


@dataclass(frozen=True)
class Naming:
    """Of ``services`` services with a fault: how many name it rightly, otherwise, or not yet; and intervals that hold.

    ``early`` are those named rightly after each of the :data:`MULTIPLES` of ``oracle`` samples; the rest is asked for after
    ``batches`` batches.
    """

    name: str
    fault: str
    oracle: float
    batches: int
    services: int
    early: list[int]
    right: int
    unclear: int
    others: str
    held: int
    intervals: int


def naming(samples: Samples, fault: str, reference: int, batches: int, services: int) -> Naming:
    """Serve 100 batches of the population and then ``batches`` faulty ones, and ask for verdicts."""
    images = np.concatenate(samples.blocks)
    values, faulty = figures_of(images, samples.taking), samples.served(images, FAULTS[fault])
    oracle = fixed_size(values, figures_of(faulty, samples.taking), values.shape[1])
    asked = [math.ceil(multiple * oracle / BATCH) for multiple in MULTIPLES]
    streams = _Streams(samples, images, values, faulty, reference)
    verdicts = [_verdicts(streams, seed, [*asked, batches]) for seed in range(services)]
    kinds = [[verdict.kind for verdict in each] for each in verdicts]
    last, right = [each[-1] for each in kinds], RIGHT[fault]
    found = [interval for each in verdicts for interval in _intervals(each[-1], fault)]
    return Naming(
        samples.name,
        fault,
        oracle,
        batches,
        services,
        [sum(each[place] in right for each in kinds) for place in range(len(asked))],
        sum(kind in right for kind in last),
        sum(kind in _UNCLEAR for kind in last),
        ", ".join(sorted({kind for kind in last if kind not in (*right, *_UNCLEAR)})),
        sum(interval.low <= _TRUE[fault][1] <= interval.high for interval in found),
        len(found),
    )


@dataclass(frozen=True)
class _Streams:
    """All images of a set without and with a fault, the figures of those without, and the size of references."""

    samples: Samples
    images: NDArray[Any]
    values: NDArray[np.float64]
    faulty: NDArray[Any]
    reference: int


def _verdicts(streams: _Streams, seed: int, asked: list[int]) -> list[Verdict]:
    """One service: its verdicts after each number of faulty batches of ``asked``."""
    chance = np.random.default_rng([seed, asked[-1]])
    everything = len(streams.images)
    kept = chance.integers(0, everything, streams.reference)
    monitor = Monitor(_reference(streams.samples, streams.images[kept], streams.values[kept]))
    for _ in range(100):
        monitor.count([streams.images[chance.integers(0, everything, BATCH)]])
    found = {}
    for batch in range(1, asked[-1] + 1):
        monitor.count([streams.faulty[chance.integers(0, everything, BATCH)]])
        if batch in asked:
            found[batch] = monitor.verdict()
    return [found[batch] for batch in asked]


def _intervals(verdict: Verdict, fault: str) -> list[Interval]:
    """The intervals of the gain or offset that changed, of a verdict that names it."""
    if fault not in _TRUE or verdict.kind not in RIGHT[fault]:
        return []
    return [getattr(each, _TRUE[fault][0]) for each in verdict.maps]


def _reference(samples: Samples, images: NDArray[Any], values: NDArray[np.float64]) -> Reference:
    stats = summarise(state_of([images], samples.taking), samples.name, "")
    names = samples.taking.channels
    stats = replace(stats, channels=tuple(replace(c, name=n) for c, n in zip(stats.channels, names, strict=True)))
    spreads = Shares.laid([images], samples.taking).counted([images], samples.taking).spreads(samples.taking)
    return Reference.from_figures(values, samples.taking, stats, spreads)
