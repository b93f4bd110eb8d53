"""Shares of services with a false alarm, and delays of true ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.monitor_rates.services import Pool, Service

ALPHA = 0.05
BATCH = 8
# The brightness of a correlated service wanders from batch to batch with this correlation.
CORRELATION = 0.8
MEMORY = 20


@dataclass(frozen=True)
class Alarms:
    """How many of ``services`` raised an alarm within ``batches`` batches."""

    name: str
    stream: str
    reference: int
    memory: str
    services: int
    batches: int
    alarms: int


def false_alarms(pool: Pool, reference: int, seeds: range, batches: int, *, correlated: bool, memory: int | None) -> Alarms:
    """Serve samples of the population that the reference was drawn from, and count services that ever raise an alarm."""
    order = np.argsort(np.nan_to_num(pool.values[:, 0]), kind="stable")
    raised = 0
    for seed in seeds:
        service = _laid(pool, reference, seed)
        chance = np.random.default_rng([seed, reference])
        chance.integers(0, len(pool.values), reference)  # those of the reference
        drawn = _wandering(order, batches, chance) if correlated else chance.integers(0, len(order), (batches, BATCH))
        raised += service.first_alarm(drawn, memory) > 0
    stream = f"correlated ({CORRELATION:g} from batch to batch)" if correlated else "independent"
    return Alarms(pool.name, stream, reference, "samples" if memory is None else str(memory), len(seeds), batches, raised)


@lru_cache(maxsize=64)
def _laid(pool: Pool, reference: int, seed: int) -> Service:
    """The service of a seed; kept, since its bets are the same for all streams."""
    drawn = np.random.default_rng([seed, reference]).integers(0, len(pool.values), reference)
    return Service.of(pool, drawn, ALPHA, 0.0, pool.values)


def _wandering(order: NDArray[np.int64], batches: int, chance: np.random.Generator) -> NDArray[np.int64]:
    """Samples whose rank by the first figure wanders from batch to batch; over time each is drawn equally often."""
    from scipy.signal import lfilter
    from scipy.special import ndtr

    noise = chance.standard_normal(batches)
    noise[1:] *= math.sqrt(1 - CORRELATION**2)
    state = lfilter([1.0], [1.0, -CORRELATION], noise)[:, None]
    own = chance.standard_normal((batches, BATCH))
    rank = ndtr((state + own) / math.sqrt(2.0))
    places = np.minimum((rank * len(order)).astype(np.int64), len(order) - 1)
    return np.asarray(order[places], np.int64)


@dataclass(frozen=True)
class Delay:
    """Batches until the alarm after a change, beside a test of fixed size that knows when the change came.

    ``oracle`` is the number of samples at which a two-sided z test of the best figure, at 5% over all figures (Bonferroni) and
    with the reference's mean and std known exactly, finds the change in 95% of cases; ``knowing`` is the same for a test that
    also knows which figure to look at.
    """

    name: str
    fault: str
    reference: int
    after: int
    batches: float
    latest: int
    missed: int
    oracle: float
    knowing: float

    @property
    def ratio(self) -> float:
        """Samples of the median service over those of the oracle, which also gets whole batches."""
        return self.batches / math.ceil(self.oracle / BATCH)


def delay(pool: Pool, served: NDArray[np.float64], fault: str, reference: int, after: int, services: int) -> Delay:
    """Serve ``after`` batches of the population, then faulty ones until the alarm, at most 600."""
    count, both = len(pool.values), np.concatenate([pool.values, served])
    found, early = [], 0
    for seed in range(services):
        chance = np.random.default_rng([seed, reference, after])
        service = Service.of(pool, chance.integers(0, count, reference), ALPHA, 0.0, both)
        drawn = np.concatenate([chance.integers(0, count, (after, BATCH)), chance.integers(count, len(both), (600, BATCH))])
        alarm = service.first_alarm(drawn)
        early += 0 < alarm <= after
        found.append(alarm - after if alarm > after else 600)
    oracle, knowing = (fixed_size(pool.values, served, tests) for tests in (pool.values.shape[1], 1))
    missed = sum(each == 600 for each in found)
    return Delay(pool.name, fault, reference, after, float(np.median(found)), max(found), missed, oracle, knowing)


def fixed_size(values: NDArray[np.float64], served: NDArray[np.float64], tests: int) -> float:
    """The fewest samples with which the best figure's test has a power of 95%."""
    from scipy.special import ndtri

    apart = np.abs(np.nanmean(served, axis=0) - np.nanmean(values, axis=0))
    moved = apart > 1e-9
    spread = -ndtri(ALPHA / (2 * tests)) * np.nanstd(values, axis=0)[moved] + ndtri(0.95) * np.nanstd(served, axis=0)[moved]
    return float(max(1.0, np.min((spread / apart[moved]) ** 2))) if moved.any() else math.inf
