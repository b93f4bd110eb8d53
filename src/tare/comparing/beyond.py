"""Values beyond all of another sample: more of them than chance puts there show a difference, whatever the distribution."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tare.statistics.dataset_stats import ChannelStats


@dataclass(frozen=True, slots=True)
class Beyond:
    """``number`` values below or above all of another sample, which ends at ``end``, and the logarithm of the chance of that."""

    side: Literal["below", "above"]
    end: float
    number: int
    log_chance: float


def beyond(before: ChannelStats, now: ChannelStats, together: float = 1.0) -> Iterator[Beyond]:
    """The values of ``now`` beyond those of ``before``, of which so many ``together`` count as one.

    Of n values and m before, the k lowest of all are among the n with a probability of at most (n / (n + m))^k, if all are of one
    population.
    """
    if now.fine is None or not before.count or not now.count:
        return
    edges, counts = now.fine.edges, np.array(now.fine.counts)
    for side, end, there in (("below", before.min, edges[1:] <= before.min), ("above", before.max, edges[:-1] > before.max)):
        number = int(counts[there].sum())
        log_chance = number / together * math.log(now.count / (now.count + before.count))
        yield Beyond("below" if side == "below" else "above", end, number, log_chance)
