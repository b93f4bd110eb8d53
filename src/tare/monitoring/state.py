"""The state of a monitor: exact counts of levels on a ladder of stretches, which merges across processes."""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError
from tare.monitoring.evidence.detection import FULL, RATIO, stretches
from tare.monitoring.evidence.figures import Taking, joined
from tare.monitoring.evidence.levels import LEVELS
from tare.monitoring.reference import packed, state_of, unpacked
from tare.statistics.state import DatasetState
from tare.statistics.state_json import state_from_json, state_to_json, whole

#: Without a memory: counts are whole numbers of 1 / UNIT samples.
UNIT = 1 << 20
#: With a memory: what all samples of one batch weigh together, so that no number of samples or memory makes one weigh nothing.
BATCH = 1 << 26
# Batches of at most this many bytes wait until four of them are reduced together.
_MOST_KEPT = 1 << 20
# No level has so many, so that sums of 64 levels, and of all stretches, stay within 64 bits.
_MOST_COUNT = 1 << 56


def _new_identity() -> frozenset[str]:
    return frozenset({secrets.token_hex(8)})


class Arrived:
    """The exact state of values that arrived, reduced when it is asked for: of several batches at once that takes less time.

    A frozen value: the state is the same whenever it is reduced, since merging is exact. Large batches are reduced at once.
    """

    __slots__ = ("_known",)

    def __init__(self, known: DatasetState | tuple[list[NDArray[Any]], Taking]) -> None:
        self._known = known

    @classmethod
    def of(cls, blocks: Sequence[NDArray[Any]], taking: Taking) -> Arrived:
        """The values of blocks ``(N, P, C)``, which are copied, since their owner may write into them."""
        if sum(block.nbytes for block in blocks) > _MOST_KEPT:
            return cls(state_of(list(blocks), taking))
        return cls(([block.copy() for block in blocks], taking))

    @property
    def state(self) -> DatasetState:
        """The state of the values."""
        known = self._known  # read once: another thread may reduce them, too
        if isinstance(known, tuple):
            blocks, taking = known
            known = self._known = state_of(joined(blocks), taking)
        return known

    @classmethod
    def united(cls, parts: Sequence[Arrived]) -> Arrived:
        """The state of all parts together, reduced; blocks that were kept are reduced at once."""
        kept = [part._known for part in parts]
        waiting = [known for known in kept if isinstance(known, tuple)]
        state = reduce(DatasetState.merge, (known for known in kept if isinstance(known, DatasetState)), DatasetState())
        if waiting:
            state = state.merge(state_of(joined([block for blocks, _ in waiting for block in blocks]), waiting[0][1]))
        return cls(state)


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Stretch:
    """``length`` batches in a row: weighted counts of levels ``(F, 64)``, their values, and their number of samples."""

    length: int
    counts: NDArray[np.int64]
    arrived: Arrived
    samples: int

    @property
    def data(self) -> DatasetState:
        """The state of the values."""
        return self.arrived.state

    @classmethod
    def united(cls, parts: Sequence[Stretch], length: int) -> Stretch:
        """All together, as a stretch of ``length`` batches; exact."""
        counts = reduce(np.add, (part.counts for part in parts))
        return cls(length, counts, Arrived.united([part.arrived for part in parts]), sum(part.samples for part in parts))


@dataclass(frozen=True)
class MonitorState:
    """What a monitor has seen: ``batches`` so far, on a ladder of stretches that depends on their number alone.

    ``identities`` are those of the monitors that counted, and one of a monitor that has not yet: a state is never merged with one
    that shares an identity, since its samples would count twice. ``peak`` is the largest evidence so far (a logarithm), ``alarm``
    the batch that raised the alarm, 0 before, and ``began`` the likeliest first batch of the change then, with its range: later
    stretches are too long to tell as finely. ``arrived`` are the values from that first batch on, empty before the alarm, and
    where merged states kept none from the same batch on. States that were merged count batch k of all as one moment. ``merge`` is
    exact, associative and commutative.
    """

    reference: str
    memory: int | None
    ladder: tuple[Stretch, ...] = ()
    peak: float = 0.0
    alarm: int = 0
    began: tuple[int, int, int] = (0, 0, 0)
    arrived: DatasetState = field(default_factory=DatasetState)
    identities: frozenset[str] = field(default_factory=_new_identity)

    @property
    def batches(self) -> int:
        """Number of batches counted (of the longest, where several monitors were merged)."""
        return sum(stretch.length for stretch in self.ladder)

    @property
    def unit(self) -> int:
        """The count of one sample; with a memory of k, of k + 1 batches of each monitor that counted.

        Batches of one moment may be of one stream, which workers share, and as alike as the samples of a batch: the capital grows
        by the geometric mean of what each monitor's own would.
        """
        return UNIT if self.memory is None else BATCH * (self.memory + 1) * len(self.identities)

    @property
    def samples(self) -> int:
        """Number of samples counted."""
        return sum(stretch.samples for stretch in self.ladder)

    def added(self, counts: NDArray[np.int64], arrived: Arrived, samples: int) -> MonitorState:
        """The state after one more batch: ``counts`` ``(F, 64)`` of its levels.

        With a memory of k each of n samples weighs 1 / (n (k + 1)). Within a batch the capital then grows by the geometric mean
        of the samples' factors, which is at most their mean, however alike they are. Batches k + 1 apart are independent, so
        every (k + 1)-th batch makes a fair game; the capital is at most the mean of k + 1 such games, and the threshold is
        k + 1 times as high (:class:`tare.monitoring.assay.Assay`).
        """
        if self.memory is not None and samples > BATCH:
            found = f"{samples} samples in one batch"
            raise DataError(f"at most {BATCH} samples in a batch of a monitor with memory", found, "count it in several batches")
        weight = UNIT if self.memory is None else BATCH // max(samples, 1)
        ladder = [*self.ladder, Stretch(1, counts * weight, arrived, samples)]
        length = 1
        while sum(stretch.length == length for stretch in ladder) == FULL:
            first = next(place for place, stretch in enumerate(ladder) if stretch.length == length)
            ladder[first : first + RATIO] = [_together(ladder[first : first + RATIO])]
            length *= RATIO
        return replace(
            self, ladder=tuple(ladder), arrived=self.arrived.merge(arrived.state) if self.arrived.groups else self.arrived
        )

    def forked(self) -> MonitorState:
        """The state in a forked process: a monitor of its own, unless it has samples, which the other process has, too."""
        return self if self.ladder else replace(self, identities=_new_identity())

    def merge(self, other: MonitorState) -> MonitorState:
        """The state of both monitors' samples. Raises :class:`DataError` for a shared identity or another reference."""
        shared = self.identities & other.identities
        if shared:
            raise DataError(
                "two states of different monitors",
                f"the monitor {min(shared)} in both: its samples would count twice",
                "merge the latest state of each monitor, once; of a process that forks later, make one in each",
            )
        if (self.reference, self.memory) != (other.reference, other.memory):
            raise DataError("two states under one reference and memory", "others", "merge states of monitors with equal options")
        lengths = stretches(max(self.batches, other.batches))
        both = zip(lengths, coarser(self.ladder, lengths), coarser(other.ladder, lengths), strict=True)
        alarm, began = min(((each.alarm, each.began) for each in (self, other) if each.alarm), default=(0, (0, 0, 0)))
        return replace(
            self,
            ladder=tuple(_both(length, mine, theirs) for length, mine, theirs in both),
            peak=max(self.peak, other.peak),
            alarm=alarm,
            began=began,
            arrived=self._arrived_with(other),
            identities=self._counted(other) | other._counted(self),
        )

    def _arrived_with(self, other: MonitorState) -> DatasetState:
        """What both kept, from one batch on, as one monitor of both would: else the values of one alone would stand for all."""
        if not (self.ladder and other.ladder):
            return self.arrived if self.ladder else other.arrived
        both = self.began == other.began and self.arrived.groups and other.arrived.groups
        return self.arrived.merge(other.arrived) if both else DatasetState()

    def _counted(self, other: MonitorState) -> frozenset[str]:
        """The identities that are kept beside those of another state: none of a monitor that has no samples to count twice."""
        return self.identities if self.ladder or not other.ladder else frozenset()

    def to_json(self) -> dict[str, Any]:
        """The state as a JSON object."""
        return {
            "reference": self.reference,
            "memory": self.memory,
            "peak": self.peak,
            "alarm": self.alarm,
            "began": list(self.began),
            **({"arrived": state_to_json(self.arrived)} if self.arrived.groups else {}),
            "identities": sorted(self.identities),
            "ladder": [
                {
                    "length": stretch.length,
                    "samples": stretch.samples,
                    "counts": packed(stretch.counts),
                    "data": state_to_json(stretch.data),
                }
                for stretch in self.ladder
            ],
        }

    @classmethod
    def from_json(cls, document: Any, figures: int, *, version: int = 2) -> MonitorState:
        """Read :meth:`to_json` back. Raises ValueError, KeyError or TypeError if it is malformed.

        In version 1 counts with a memory were whole numbers of 1 / UNIT samples, too.
        """
        memory = None if document["memory"] is None else whole(document["memory"])
        times = BATCH * (memory + 1) // UNIT if version == 1 and memory is not None else 1
        ladder = tuple(_stretch(each, figures, times) for each in document["ladder"])
        lengths = [stretch.length for stretch in ladder]
        if lengths != stretches(sum(lengths)):
            raise ValueError("stretches that no monitor has")
        identities = document["identities"]
        if not isinstance(identities, list) or not identities or not all(isinstance(each, str) for each in identities):
            raise ValueError("a state of no monitor")
        alarm, peak = whole(document["alarm"]), document["peak"]
        best, low, high = map(whole, document["began"])
        if type(peak) not in (int, float) or not math.isfinite(peak) or not _is_alarm(alarm, (best, low, high), sum(lengths)):
            raise ValueError("an alarm that no monitor raises")
        if memory is None and any(int(stretch.counts.sum(axis=1).max()) != stretch.samples * UNIT for stretch in ladder):
            raise ValueError("counts of another number of samples")
        return cls(
            str(document["reference"]),
            memory,
            ladder,
            float(peak),
            alarm,
            (best, low, high),
            state_from_json(document["arrived"]) if "arrived" in document else DatasetState(),
            frozenset(identities),
        )


def _stretch(document: Any, figures: int, times: int) -> Stretch:
    """Read a stretch, each of whose counts stands for ``times`` as much. Raises ValueError for counts that no samples have."""
    counts = unpacked(document["counts"], (figures, LEVELS))
    if counts.size and (int(counts.min()) < 0 or int(counts.max()) >= _MOST_COUNT // times):
        raise ValueError("counts that no samples have")
    data, length, samples = state_from_json(document["data"]), whole(document["length"]), whole(document["samples"])
    return Stretch(length, counts * times, Arrived(data), samples)


def _is_alarm(alarm: int, began: tuple[int, int, int], batches: int) -> bool:
    """Whether an alarm and the beginning of its change are those of some monitor of so many batches; 0 is none."""
    best, low, high = began
    return began == (0, 0, 0) if not alarm else 0 < alarm <= batches and 1 <= low <= best <= high <= alarm + 1


def coarser(ladder: Sequence[Stretch], lengths: Sequence[int]) -> list[Stretch | None]:
    """The stretches of a ladder put together to those of ``lengths``, from the first batch on; None where it has no batch.

    Stretches of a ladder of fewer batches never cross the borders of one of more.
    """
    rest = list(ladder)
    found: list[Stretch | None] = []
    for length in lengths:
        inside, held = [], 0
        while rest and held + rest[0].length <= length:
            inside.append(rest.pop(0))
            held += inside[-1].length
        found.append(_together(inside) if inside else None)
    return found


def _together(parts: Sequence[Stretch]) -> Stretch:
    return Stretch.united(parts, sum(part.length for part in parts)) if len(parts) > 1 else parts[0]


def _both(length: int, mine: Stretch | None, theirs: Stretch | None) -> Stretch:
    if mine is None or theirs is None:
        one = mine or theirs
        assert one is not None  # noqa: S101 - the longer ladder has every stretch
        return replace(one, length=length)
    return Stretch.united((mine, theirs), length)
