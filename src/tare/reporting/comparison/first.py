"""The first screen of a comparison: the verdict, source and target drawn with intervals, and what to do now."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tare.comparing.result import ChannelShift, Comparison, ShiftKind, some
from tare.errors import shell_word
from tare.reporting import html
from tare.reporting.page.frame import Badge, FirstScreen, Step
from tare.reporting.page.rows import Mark, Row, drawn, key, scale_of

#: Channels drawn: those with the largest shifts.
_MOST = 8
#: The kind of a comparison in a sentence.
VERDICTS: Mapping[ShiftKind, str] = {
    "no difference shown": "No difference between the two datasets is shown.",
    "content": "The content differs: no gain, offset or tone curve explains the difference.",
    "gain": "The target's values are the source's at another gain.",
    "offset": "The target's values are the source's with an offset.",
    "gain and offset": "The target's values are the source's at another gain and offset.",
    "inversion": "The target's values are inverted.",
    "gamma": "The target has another tone curve.",
    "bit depth": "The raw values have another bit depth.",
    "units": "The raw values are in other units.",
    "several maps": "Channels differ, each by a map of its own.",
    "unclear": "What kind of difference it is cannot be told from these figures.",
}
_RAW = ("units", "bit depth", "inversion", "several maps")


def first_screen(found: Comparison) -> FirstScreen:
    """The verdict in a sentence, with its reason below it."""
    differing = sum(channel.differs for channel in found.channels)
    return FirstScreen(
        verdict=_verdict(found),
        lead=f"{found.reason[:1].upper()}{found.reason[1:].removesuffix('.')}.",
        badges=(
            Badge(found.kind, "good" if found.clean else "bad"),
            Badge(f"{differing} of {len(found.channels)} channels differ"),
            Badge(f"{found.confidence:.0%} intervals for all channels at once"),
        ),
        picture_title="Source and target, in stds of the source",
        picture=_picture(found),
        steps=_steps(found),
    )


def _verdict(found: Comparison) -> str:
    """The verdict in a sentence; where it is of some channels alone, with their names."""
    if not found.affected:
        return VERDICTS[found.kind]
    others = "another channel shows" if len(found.channels) - len(found.affected) == 1 else "the others show"
    words = f"{some(found.affected)} differ{'s' if len(found.affected) == 1 else ''}"
    rest = f", {others} no difference" if len(found.affected) < len(found.channels) else ""
    return f"{words} by {found.kind}{rest}."


def _picture(found: Comparison) -> list[str]:
    """A row a channel: the source at 0 with its std, the target at its shift with the interval and its own std."""
    ranked = sorted(found.channels, key=lambda channel: -abs(channel.shift.estimate))
    kept = {channel.name for channel in ranked[:_MOST]}
    channels = [channel for channel in found.channels if channel.name in kept]
    rows = [_row(channel) for channel in channels]
    scale = scale_of(rows, "stds of the source, from the source's mean", zero=0.0)
    entries = [(Mark(0, spread=1), "source"), (Mark(0, colour="orange", spread=1), "target")]
    more = (
        f" The {len(channels)} channels with the largest shifts of {len(found.channels)}."
        if len(kept) < len(found.channels)
        else ""
    )
    caption = f"Point: the mean, with the interval of its shift. Thin line: one std to both sides.{more}"
    return [drawn(rows, scale, "Source and target"), key(entries), html.paragraph(caption, "faint")]


def _row(channel: ChannelShift) -> Row:
    shift, ratio = channel.shift, channel.ratio
    said = f"{channel.name}: shift {shift.estimate:+.3g}, ratio of stds {ratio.estimate:.3g}"
    target = Mark(shift.estimate, shift.low, shift.high, "orange", said=said, spread=ratio.estimate)
    ends = f"{shift.low:+.2f} to {shift.high:+.2f}\n" if math.isfinite(shift.low) else ""
    word = "differs" if channel.differs else "not shown"
    return Row(
        channel.name,
        [Mark(0.0, spread=1.0), target],
        f"{shift.estimate:+.2f}",
        word,
        f"{ends}std \N{MULTIPLICATION SIGN} {ratio.estimate:.2f}",
    )


def _steps(found: Comparison) -> list[Step]:
    source = shell_word(found.source.source) if found.source.dtype else "SOURCE"
    target = shell_word(found.target.source) if found.target.dtype else "DATA"
    advise = f"tare advise --model MODEL {target} --source-stats {source}"
    if found.clean:
        return [Step("Keep the source's constants:", f"tare transfer --model MODEL {target} --strategy source --out run")]
    if found.kind == "unclear":
        more = "Measure the source itself, or more samples, and compare again:"
        return [Step(more, f"tare measure {source} --out source.json"), Step("Ask whether your network feels it:", advise)]
    if found.kind in _RAW:
        return [Step("Bring both to the same raw values, then compare again. A network must not be fed other units."),
                Step("If that cannot be done, ask which mean and std serve your network:", advise)]  # fmt: skip
    return [Step("Ask which mean and std serve your network:", advise)]
