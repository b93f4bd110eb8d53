"""The result of ``tare.compare``: shift and ratio per channel with intervals, and the kind of difference."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tare.statistics.dataset_stats import DatasetStats
from tare.statistics.intervals import Interval
from tare.system.files import finite
from tare.system.shown import Shown

SCHEMA = "tare.compare/1"
#: A difference of the criterion below this is no evidence for one of two maps (Kass and Raftery 1995).
EVIDENCE = 2.0

ShiftKind = Literal[
    "no difference shown",
    "content",
    "gain",
    "offset",
    "gain and offset",
    "inversion",
    "gamma",
    "bit depth",
    "units",
    "several maps",
    "unclear",
]
FormName = Literal[
    "same", "gain", "offset", "gain and offset", "negative", "inverted", "gamma", "sRGB", "linear", "gamma and gain"
]


@dataclass(frozen=True, slots=True)
class Fit:
    """The line ``b = gain * a + offset`` through two channels' quantiles (unit values) inside the range.

    ``misfit`` is the largest ratio of a quantile's distance from the line to the error that sampling and rounding explain
    (above 1: the shape differs). ``blur`` is the median of these errors, in units of the target's std. ``gain_error`` and
    ``offset_error`` are half-widths.
    """

    gain: float
    offset: float
    gain_error: float
    offset_error: float
    misfit: float
    blur: float


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of map from the source's values to the target's, ``gain * x**gamma + offset``, as it fits best.

    ``distance`` is chi squared with ``freedom`` degrees of freedom if this map alone explains the difference; above
    ``critical`` it does not. ``criterion`` (Schwarz) orders the maps: the least is the likeliest. ``errors`` are the half-widths
    of the fitted parameters. sRGB and linear are that standard's curve and its inverse; ``gamma`` is then their exponent.
    """

    name: FormName
    gain: float
    offset: float
    gamma: float
    errors: tuple[float, ...]
    distance: float
    freedom: int
    critical: float
    criterion: float

    @property
    def fits(self) -> bool:
        """Whether sampling and rounding explain what this map leaves."""
        return self.distance <= self.critical


@dataclass(frozen=True, slots=True)
class ChannelShift:
    """One channel: shift of the mean in units of source std, ratio of stds (target over source), and the quantiles' fit.

    ``kind`` is the kind of difference in this channel alone; the intervals hold for all channels simultaneously. ``forms`` are
    the maps that were fitted to the distributions, none without histograms. ``heavy`` says that a few values far out make most of
    the std, so that the intervals are too narrow; then the distribution has the word. ``core`` is the ratio of the lengths of the
    shortest stretches that hold half of the values, which a few values far out do not change, or of the medians where bins hide
    one of them; NaN without histograms.
    """

    name: str
    shift: Interval
    ratio: Interval
    fit: Fit | None
    kind: ShiftKind = "unclear"
    forms: tuple[Form, ...] = ()
    heavy: bool = False
    core: float = math.nan

    @property
    def within(self) -> bool:
        """Whether the interval of the shift holds 0, and that of the ratio 1."""
        return self.shift.low <= 0 <= self.shift.high and self.ratio.low <= 1 <= self.ratio.high

    @property
    def differs(self) -> bool:
        """Whether an interval leaves out no difference; with heavy tails a map must also explain the distributions better."""
        return not self.within and not (self.heavy and self._is_same)

    @property
    def _is_same(self) -> bool:
        """Whether no change explains the distributions as well as any map does."""
        same = next((form for form in self.forms if form.name == "same" and form.fits), None)
        return same is not None and same.criterion < min(form.criterion for form in self.forms) + EVIDENCE


@dataclass(frozen=True, slots=True, repr=False)
class Comparison(Shown):
    """Source against target: all intervals hold simultaneously with ``confidence``; ``reason`` is the evidence in one line.

    ``affected`` are the channels that the kind is of, where the others show no difference; empty where it is of all.
    ``notes`` say what differs before any number: types, bits and units of raw values, definitions of published figures.
    """

    source: DatasetStats
    target: DatasetStats
    channels: tuple[ChannelShift, ...]
    kind: ShiftKind
    reason: str
    confidence: float
    notes: tuple[str, ...] = ()
    affected: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether no difference was shown; an unclear comparison is not clean."""
        return self.kind == "no difference shown"

    def summary(self) -> str:
        """The kind of difference, and why."""
        return f"{self.kind}: {self.reason}"

    def table(self) -> list[dict[str, Any]]:
        """One row for each channel."""
        return [
            {
                "name": channel.name,
                **{f"shift{end}": value for end, value in _ends(channel.shift)},
                **{f"ratio{end}": value for end, value in _ends(channel.ratio)},
                "kind": channel.kind,
                "differs": channel.differs,
            }
            for channel in self.channels
        ]

    def points(self) -> list[dict[str, Any]]:
        """Shift and ratio of each channel with their intervals."""
        return [
            {"panel": panel, "name": channel.name, **{end.strip("_") or "value": value for end, value in _ends(interval)}}
            for panel, named in (("shift of the mean, source stds", "shift"), ("ratio of stds", "ratio"))
            for channel in self.channels
            for interval in (getattr(channel, named),)
        ]

    def to_json(self) -> dict[str, Any]:
        """The comparison as a JSON object with schema ``tare.compare/1``, both statistics included; NaN becomes null."""
        return {
            "schema": SCHEMA,
            "kind": self.kind,
            "reason": self.reason,
            "confidence": self.confidence,
            "notes": list(self.notes),
            "affected": list(self.affected),
            "channels": [finite({**asdict(channel), "differs": channel.differs}) for channel in self.channels],
            "source": self.source.to_json(),
            "target": self.target.to_json(),
        }


def some(names: tuple[str, ...], most: int = 4) -> str:
    """Names in words, the first few of many: ``a, b and c``, ``a, b, c and 5 more``."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _ends(interval: Interval) -> tuple[tuple[str, float | None], ...]:
    values = (("", interval.estimate), ("_low", interval.low), ("_high", interval.high))
    return tuple((name, value if math.isfinite(value) else None) for name, value in values)
