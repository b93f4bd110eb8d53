"""The state of a monitor: exact counts of levels on a ladder of stretches, which merges across processes."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.errors import DataError
from tare.monitoring.evidence.detection import FULL, RATIO, stretches
from tare.monitoring.evidence.levels import LEVELS
from tare.monitoring.reference import packed, unpacked
from tare.statistics.state import DatasetState
from tare.statistics.state_json import state_from_json, state_to_json

#: One sample's weight: counts are whole numbers of 1 / UNIT samples, so that shares of a sample add exactly, too.
UNIT = 1 << 20


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Stretch:
    """``length`` batches in a row: weighted counts of levels ``(F, 64)``, the state of their values, their number of samples."""

    length: int
    counts: NDArray[np.int64]
    data: DatasetState
    samples: int

    def merge(self, other: Stretch, length: int) -> Stretch:
        """Both together, as a stretch of ``length`` batches; exact."""
        return Stretch(length, self.counts + other.counts, self.data.merge(other.data), self.samples + other.samples)


@dataclass(frozen=True)
class MonitorState:
    """What a monitor has seen: ``batches`` so far, on a ladder of stretches that depends on their number alone.

    ``identities`` are those of the monitors that counted: a state is never merged with one that shares an identity, since
    its samples would count twice. ``peak`` is the largest evidence so far (a logarithm), ``alarm`` the batch that raised the
    alarm, 0 before, and ``began`` the likeliest first batch of the change then, with its range: later stretches are too long
    to tell as finely. ``arrived`` are the values after that batch, empty before the alarm. States that were merged count
    batch k of all as one moment. ``merge`` is exact, associative and commutative.
    """

    reference: str
    memory: int | None
    ladder: tuple[Stretch, ...] = ()
    peak: float = 0.0
    alarm: int = 0
    began: tuple[int, int, int] = (0, 0, 0)
    arrived: DatasetState = field(default_factory=DatasetState)
    identities: frozenset[str] = field(default_factory=lambda: frozenset({secrets.token_hex(8)}))

    @property
    def batches(self) -> int:
        """Number of batches counted (of the longest, where several monitors were merged)."""
        return sum(stretch.length for stretch in self.ladder)

    @property
    def samples(self) -> int:
        """Number of samples counted."""
        return sum(stretch.samples for stretch in self.ladder)

    def added(self, counts: NDArray[np.int64], data: DatasetState, samples: int) -> MonitorState:
        """The state after one more batch: ``counts`` ``(F, 64)`` of its levels.

        With a memory of k each of n samples weighs 1 / (n (k + 1)). Within a batch the capital then grows by the geometric mean
        of the samples' factors, which is at most their mean, however alike they are. Batches k + 1 apart are independent, so
        every (k + 1)-th batch makes a fair game; the capital is at most the mean of k + 1 such games, and the threshold is
        k + 1 times as high (:class:`tare.monitoring.assay.Assay`).
        """
        weight = UNIT if self.memory is None else UNIT // (max(samples, 1) * (self.memory + 1))
        ladder = [*self.ladder, Stretch(1, counts * weight, data, samples)]
        length = 1
        while sum(stretch.length == length for stretch in ladder) == FULL:
            first = next(place for place, stretch in enumerate(ladder) if stretch.length == length)
            ladder[first : first + RATIO] = [_together(ladder[first : first + RATIO])]
            length *= RATIO
        return replace(self, ladder=tuple(ladder), arrived=self.arrived.merge(data) if self.alarm else self.arrived)

    def merge(self, other: MonitorState) -> MonitorState:
        """The state of both monitors' samples. Raises :class:`DataError` for a shared identity or another reference."""
        shared = self.identities & other.identities
        if shared:
            raise DataError(
                "two states of different monitors",
                f"the monitor {min(shared)} in both: its samples would count twice",
                "merge the latest state of each monitor, once",
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
            arrived=self.arrived.merge(other.arrived),
            identities=self.identities | other.identities,
        )

    def to_json(self) -> dict[str, Any]:
        """The state as a JSON object."""
        return {
            "reference": self.reference,
            "memory": self.memory,
            "peak": self.peak,
            "alarm": self.alarm,
            "began": list(self.began),
            **({"arrived": state_to_json(self.arrived)} if self.alarm else {}),
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
    def from_json(cls, document: Any, figures: int) -> MonitorState:
        """Read :meth:`to_json` back. Raises ValueError, KeyError or TypeError if it is malformed."""
        ladder = tuple(
            Stretch(
                int(each["length"]),
                unpacked(each["counts"], (figures, LEVELS)),
                state_from_json(each["data"]),
                int(each["samples"]),
            )
            for each in document["ladder"]
        )
        lengths = [stretch.length for stretch in ladder]
        if lengths != stretches(sum(lengths)) or any((stretch.counts < 0).any() or stretch.samples < 0 for stretch in ladder):
            raise ValueError("stretches that no monitor has")
        memory = document["memory"]
        best, low, high = map(int, document["began"])
        return cls(
            str(document["reference"]),
            None if memory is None else int(memory),
            ladder,
            float(document["peak"]),
            int(document["alarm"]),
            (best, low, high),
            state_from_json(document["arrived"]) if "arrived" in document else DatasetState(),
            frozenset(map(str, document["identities"])),
        )


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
    first, *others = parts
    for other in others:
        first = first.merge(other, first.length + other.length)
    return first


def _both(length: int, mine: Stretch | None, theirs: Stretch | None) -> Stretch:
    if mine is None or theirs is None:
        one = mine or theirs
        assert one is not None  # noqa: S101 - the longer ladder has every stretch
        return replace(one, length=length)
    return mine.merge(theirs, length)
