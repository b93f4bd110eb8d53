"""Shares of services with a false alarm, and delays of true ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

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


def false_alarms(pool: Pool, reference: int, services: int, batches: int, *, correlated: bool, memory: int | None) -> Alarms:
    """Serve samples of the population that the reference was drawn from, and count services that ever raise an alarm."""
    order = np.argsort(np.nan_to_num(pool.values[:, 0]), kind="stable")
    raised = 0
    for seed in range(services):
        chance = np.random.default_rng([seed, reference])
        service = Service.of(pool, chance.integers(0, len(pool.values), reference), ALPHA, 0.0, pool.values)
        drawn = _wandering(order, batches, chance) if correlated else chance.integers(0, len(order), (batches, BATCH))
        weight, extra = (1.0, 0.0) if memory is None else (1 / (BATCH * (memory + 1)), math.log(memory + 1))
        raised += service.first_alarm(drawn, weight, extra) > 0
    stream = f"correlated ({CORRELATION:g} from batch to batch)" if correlated else "independent"
    return Alarms(pool.name, stream, reference, "samples" if memory is None else str(memory), services, batches, raised)


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
