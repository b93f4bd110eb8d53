"""The report of a watch: what it saw, channel by channel, and its findings."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.checking.rules.finding import Finding
from tare.errors import TareWarning
from tare.input_spec.words import names_in_order
from tare.watching.judging import Judgement
from tare.watching.sample import Seen

SCHEMA = "tare.watch/1"
_MOST_CHANNELS = 16
_BASES = {
    "grid": "the grid of 8-bit values",
    "range": "the range of the values only",
    "moments": "mean and std of the values only",
    "samples": "each sample's own mean and std",
    "none": "nothing but shape and dtype",
}
_NOUNS = {"NT": "signals", "NCT": "signals", "NTC": "signals", "NC": "rows", "NCDHW": "clips or volumes", "NTCHW": "clips"}


@dataclass(frozen=True, slots=True)
class ChannelSeen:
    """One channel of the batches, in network input units.

    ``at_low`` and ``at_high`` are the shares of the sampled pixels at the extremes; ``step`` and ``levels`` describe the grid of
    8-bit values, None without one.
    """

    name: str
    low: float
    high: float
    mean: float
    std: float
    at_low: float
    at_high: float
    step: float | None = None
    levels: int | None = None


@dataclass(frozen=True, slots=True)
class StageSeen:
    """The batches of one stage (``train`` or ``eval``) that were last judged together.

    ``images`` counts their samples; ``axes`` names the tensor's axes, empty if unknown. ``unjudged`` is the reason why nothing
    can be said of the values, empty where they were judged.
    """

    stage: str
    batches: int
    images: int
    input: str
    shape: tuple[int, ...]
    dtype: str
    basis: str
    fits: bool
    channels: tuple[ChannelSeen, ...]
    axes: str = ""
    unjudged: str = ""

    @property
    def noun(self) -> str:
        """What its samples are called."""
        return _NOUNS.get(self.axes, "images" if self.axes else "samples")


@dataclass(frozen=True, slots=True)
class WatchReport:
    """Findings, and what was seen at each stage; ``notes`` say what could not be looked at.

    ``aside`` are the reasons why batches that the network was fed were not looked at.

    ``clean`` is True if every stage that was seen was judged and nothing but notes was found, False if something was found, and
    None if nothing was found of which not all was judged: :attr:`unjudged` has the reasons.
    """

    network: str
    findings: tuple[Finding, ...]
    stages: tuple[StageSeen, ...]
    notes: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()

    @property
    def clean(self) -> bool | None:
        """True: judged, and nothing found. False: something was found. None: nothing was found, and not all was judged."""
        if any(finding.fails for finding in self.findings):
            return False
        return None if self.unjudged else True

    @property
    def unjudged(self) -> tuple[str, ...]:
        """What was not judged, each with its reason; empty if every stage was judged."""
        if not self.stages:
            return ("no batch was seen", *self.aside)
        return (*(f"{stage.stage}: {stage.unjudged}" for stage in self.stages if stage.unjudged), *self.aside)

    def warn_of_unjudged(self) -> None:
        """Warn with a :class:`TareWarning` of what was not judged, as callbacks do at the end of a run.

        That the network's constants are unknown (TARE080) was said at its beginning.
        """
        if self.clean is None and not any(finding.code == "TARE080" for finding in self.findings):
            warnings.warn(f"tare.watch: not judged: {'; '.join(self.unjudged)}", TareWarning, stacklevel=3)

    def to_json(self) -> dict[str, Any]:
        """The report as a JSON object with schema ``tare.watch/1``; ``clean`` is null where not all was judged."""
        return {"schema": SCHEMA, "clean": self.clean, "unjudged": list(self.unjudged), **asdict(self)}

    def __str__(self) -> str:
        """Lines of text: what was found, then what was seen."""
        lines = [str(finding) for finding in self.findings]
        lines += [f"not judged: {reason}" for reason in self.unjudged]
        lines = lines or ["nothing found"]
        for stage in self.stages:
            fits = ", and it is the network's own" if stage.fits and stage.basis == "grid" else ""
            lines.append(
                f"{stage.stage}: {stage.images} {stage.noun} in {stage.batches} batches, {stage.input!r} {stage.dtype} "
                f"{stage.shape}; judged by {_BASES[stage.basis]}{fits}"
            )
            lines += [f"  {_line(channel)}" for channel in stage.channels]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def stage_seen(batches: Sequence[Seen], judgement: Judgement, number: int, order: str) -> StageSeen:
    """Summarise the batches that were judged together; ``number`` counts all batches that were looked at."""
    last = batches[-1].look
    moments = np.concatenate([seen.moments for seen in batches], axis=1)
    count = moments.shape[2]
    names = names_in_order(order, count)
    with np.errstate(all="ignore"):  # NaN and infinity are reported as they are
        shown = [_channel(batches, moments, judgement, c, names[c]) for c in range(count if count <= _MOST_CHANNELS else 0)]
    return StageSeen(
        "train" if last.training else "eval",
        number,
        moments.shape[1],
        last.name,
        last.form.shape,
        last.form.dtype,
        judgement.basis,
        judgement.fits,
        tuple(shown),
        last.form.axes,
        judgement.unjudged,
    )


def _channel(batches: Sequence[Seen], moments: NDArray[np.float64], judgement: Judgement, c: int, name: str) -> ChannelSeen:
    """One channel; its variance is the mean variance within images plus the variance of their means."""
    grid = judgement.grids[c] if c < len(judgement.grids) else None
    mean, variance = moments[0][:, c], moments[1][:, c]
    low, high = float(moments[2][:, c].min()), float(moments[3][:, c].max())
    pixels = np.concatenate([image[c] for seen in batches for image in seen.pixels])
    at_low, at_high = (float(np.mean(np.abs(pixels - end) <= 1e-6 * max(1.0, abs(end)))) for end in (low, high))
    step, levels = (grid.step, grid.levels) if grid else (None, None)
    std = float(np.sqrt(variance.mean() + mean.var()))
    return ChannelSeen(name, low, high, float(mean.mean()), std, at_low, at_high, step, levels)


def _line(channel: ChannelSeen) -> str:
    grid = f", {channel.levels + 1} levels {channel.step:.5g} apart" if channel.step and channel.levels else ""
    return (
        f"{channel.name}: {channel.low:.4g} to {channel.high:.4g}, mean {channel.mean:.3g}, std {channel.std:.3g}, "
        f"{channel.at_low:.1%} and {channel.at_high:.1%} at the ends{grid}"
    )
