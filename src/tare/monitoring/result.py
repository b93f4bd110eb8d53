"""The verdict of a monitor: whether the samples still come from the reference's population, what changed, and since when."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from tare.comparing.result import some
from tare.statistics.dataset_stats import ChannelStats
from tare.statistics.intervals import Interval
from tare.system.files import finite
from tare.system.shown import Shown

SCHEMA = "tare.drift/1"

ChangeKind = Literal[
    "no change shown",
    "gain",
    "offset",
    "gain and offset",
    "inversion",
    "gamma",
    "units",
    "bit depth",
    "channel order",
    "dead channel",
    "no data",
    "several maps",
    "content",
    "unclear",
]


@dataclass(frozen=True, slots=True)
class Distances:
    """Distances of one channel's values: PSI over ten cells, the largest gap of shares, and the mean move in reference stds."""

    channel: str
    psi: float
    ks: float
    wasserstein: float


@dataclass(frozen=True, slots=True)
class Track:
    """One figure of samples over the whole life: the reference's mean and that of the samples, with an anytime-valid interval.

    Both are in unit values, or shares, as the middles of levels; far figures other than shares count as 2.5 spreads away.
    ``evidence`` is the natural logarithm of the capital of its bets.
    """

    figure: str
    reference: float
    live: Interval
    evidence: float


@dataclass(frozen=True, slots=True)
class Moment:
    """A figure's mean with its intervals after ``until`` batches: over all of them, and over those after the first ``start``."""

    start: int
    until: int
    life: Interval
    window: Interval


@dataclass(frozen=True, slots=True)
class Course:
    """One figure over time: a confidence sequence, at moments that lie closer the later they are."""

    figure: str
    reference: float
    moments: tuple[Moment, ...]


@dataclass(frozen=True, slots=True)
class Map:
    """One channel's values now, ``gain * x + offset`` of the reference's unit values, with intervals; NaN where it is none."""

    channel: str
    gain: Interval
    offset: Interval


@dataclass(frozen=True, slots=True)
class Felt:
    """What the network feels of a change, in eval mode.

    ``entering`` is the distance that reaches its first normalisation layer, in stds of a channel, and ``share`` what is left of
    it behind ``layer``.
    """

    layer: str
    kind: str
    entering: float
    share: float


@dataclass(frozen=True, slots=True)
class Recovered:
    """Constants recovered from what batch norm remembers of its training, without a reference and without labels.

    ``mean`` and ``std`` are those, in unit values, with which ``images`` of the values that arrive look to the layer ``layer`` as
    the images of its training did; ``command`` puts them into the weights.
    """

    layer: str
    images: int
    mean: tuple[Interval, ...]
    std: tuple[Interval, ...]
    command: str


@dataclass(frozen=True, slots=True, repr=False)
class Verdict(Shown):
    """What a monitor says now.

    ``evidence`` is the natural logarithm of the capital against "no change"; at ``threshold`` it is an alarm, and the
    probability that this ever happens without a change is at most ``alpha``. ``since`` counts batches from 1: the likeliest
    first batch of the change, with the range that holds 95% of the evidence. ``order`` is the place at which each channel
    arrives after a change of order: ``x[..., order]`` puts them back. ``exceeded`` are the classical distances above a threshold
    that was asked for, and columns of which more lie beyond the reference than chance puts there. ``command`` puts the constants
    that undo the change into the served weights; "" where none can. ``felt`` is None where it was not measured.
    ``affected`` are the channels that changed, where the others did not; empty where all did.
    ``neighbours`` says that neighbouring samples are alike, how many of them were counted as one, and why; "" where a memory was
    stated, or they are not. ``values`` are the statistics of each channel's values in the reference and of those that are judged,
    for pictures; no part of JSON. ``recovered`` are the constants by batch norm's memory, None where they were not asked for.
    """

    alarm: int
    evidence: float
    peak: float
    threshold: float
    alpha: float
    batches: int
    samples: int
    kind: ChangeKind
    reason: str
    cure: tuple[str, ...]
    since: Interval | None
    maps: tuple[Map, ...]
    order: tuple[int, ...]
    tracks: tuple[Track, ...]
    distances: tuple[Distances, ...]
    notes: tuple[str, ...]
    exceeded: tuple[str, ...] = ()
    command: str = ""
    felt: Felt | None = None
    recovered: Recovered | None = None
    affected: tuple[str, ...] = ()
    neighbours: str = ""
    values: tuple[tuple[ChannelStats, ChannelStats], ...] = field(default=(), repr=False, compare=False)

    @property
    def clean(self) -> bool:
        """Whether no change was ever shown, no distance is above a threshold, and no more lies beyond the reference than may."""
        return not self.alarm and not self.exceeded

    def __str__(self) -> str:
        """The verdict in at most five sentences."""
        told = self._changed if self.alarm else self._unchanged
        return f"{self.neighbours} {told}" if self.neighbours else told

    @property
    def _unchanged(self) -> str:
        above = f" But {'; '.join(self.exceeded)}." if self.exceeded else ""
        return (
            f"No change shown in {self.samples} samples ({self.batches} batches): the evidence is {self.evidence:.1f}, "
            f"and an alarm needs {self.threshold:.1f}.{above}"
        )

    @property
    def _changed(self) -> str:
        return " ".join((f"{self.headline.removesuffix('.')} ({self.reason}).", *self.cure))

    @property
    def headline(self) -> str:
        """What changed, and since when, in a few words; the evidence if no change is shown."""
        if not self.alarm:
            return self._unchanged
        since = self.since
        when = "" if since is None else f" since batch {since.estimate:.0f}"
        if since is not None and since.low < since.high:
            when += f" (between {since.low:.0f} and {since.high:.0f})"
        kind = "the kind is not clear yet" if self.kind == "unclear" else self.kind
        of = f" of {some(self.affected)}" if self.affected else ""
        return f"Changed{when}: {kind}{of}."

    def summary(self) -> str:
        """The verdict's sentences."""
        return str(self)

    def table(self) -> list[dict[str, Any]]:
        """One row for each figure of samples: the reference's mean, and that of the samples with its interval."""
        return [
            {
                "figure": each.figure,
                "reference": each.reference,
                "live": each.live.estimate,
                "low": each.live.low,
                "high": each.live.high,
                "evidence": each.evidence,
            }
            for each in self.tracks
        ]

    def points(self) -> list[dict[str, Any]]:
        """The mean of each figure of the samples with its interval, less that of the reference."""
        return [
            finite(
                {
                    "panel": "mean of the samples, less the reference's",
                    "name": each.figure,
                    "value": each.live.estimate - each.reference,
                    "low": each.live.low - each.reference,
                    "high": each.live.high - each.reference,
                }
            )
            for each in self.tracks
        ]

    def to_json(self) -> dict[str, Any]:
        """The verdict as a JSON object with schema ``tare.drift/1``; NaN becomes null."""
        return {"schema": SCHEMA, "clean": self.clean, "sentence": str(self), **finite(_plain(self))}


def _plain(verdict: Verdict) -> dict[str, Any]:
    """A verdict's fields without the values for pictures."""
    return {name: value for name, value in asdict(replace(verdict, values=())).items() if name != "values"}
