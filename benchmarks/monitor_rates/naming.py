"""How often a change is named rightly, and how often the intervals of gain and offset hold."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchmarks.monitor_rates.pools import FAULTS, Samples
from benchmarks.monitor_rates.rates import BATCH
from tare.monitoring.evidence.figures import figures_of
from tare.monitoring.monitor import Monitor
from tare.monitoring.reference import Reference, state_of
from tare.statistics.dataset_stats import summarise

#: What each fault has to be called.
RIGHT = {
    "gain 0.9": ("gain",),
    "offset 0.05": ("offset",),
    "channels swapped": ("channel order",),
    "dead channel": ("dead channel",),
    "12 bits in 16": ("bit depth",),
}
_TRUE = {"gain 0.9": ("gain", 0.9), "offset 0.05": ("offset", 0.05)}


@dataclass(frozen=True)
class Naming:
    """Of ``services`` services with a fault: how many name it rightly, otherwise, or not yet; and intervals that hold."""

    name: str
    fault: str
    batches: int
    services: int
    right: int
    unclear: int
    others: str
    held: int
    intervals: int


def naming(samples: Samples, fault: str, reference: int, batches: int, services: int) -> Naming:
    """Serve 100 batches of the population and then ``batches`` faulty ones, and ask for the verdict."""
    right = unclear = held = intervals = 0
    others: list[str] = []
    for seed in range(services):
        chance = np.random.default_rng([seed, batches])
        drawn = chance.permutation(len(samples.blocks))
        kept, served = drawn[:reference], drawn[reference:]
        monitor = Monitor(_reference(samples, kept))
        for faulty, number in ((False, 100), (True, batches)):
            for _ in range(number):
                chosen = chance.choice(served, BATCH)
                monitor.count([samples.served(samples.blocks[place], FAULTS[fault] if faulty else None) for place in chosen])
        verdict = monitor.verdict()
        right += verdict.kind in RIGHT[fault]
        unclear += verdict.kind in ("unclear", "no change shown")
        others += [] if verdict.kind in (*RIGHT[fault], "unclear", "no change shown") else [verdict.kind]
        if fault in _TRUE and verdict.kind == RIGHT[fault][0]:
            what, true = _TRUE[fault]
            found = [getattr(each, what) for each in verdict.maps]
            intervals += len(found)
            held += sum(each.low <= true <= each.high for each in found)
    return Naming(samples.name, fault, batches, services, right, unclear, ", ".join(sorted(set(others))), held, intervals)


def _reference(samples: Samples, kept: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Reference:
    blocks = [samples.blocks[place] for place in kept]
    stats = summarise(state_of(blocks, samples.taking), samples.name, "")
    names = samples.taking.channels
    stats = replace(stats, channels=tuple(replace(c, name=n) for c, n in zip(stats.channels, names, strict=True)))
    values = np.concatenate([figures_of(block, samples.taking) for block in blocks])
    return Reference.from_figures(values, samples.taking, stats)
