"""The terminal output, the annotation and the page of ``tare drift``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.text import Text

from tare.comparing.overlay import overlay
from tare.monitoring.judgement.felt import felt_words
from tare.monitoring.result import Track, Verdict
from tare.reporting import html
from tare.reporting.console import note, out, table
from tare.reporting.findings.escaping import command_data
from tare.reporting.page.frame import Badge, FirstScreen, Made, Step, framed
from tare.reporting.page.rows import Mark, Row, drawn, key, point, scale_of
from tare.statistics.intervals import Interval
from tare.system.files import write_text
from tare.system.terminal.harmless import visible

_SHOWN = 8
METHOD = (
    "Each sample has figures: mean, std, the shares of its values at both ends of the range and of missing ones, and differences "
    "and correlations of channels. A row has its values, and products of two: how far both lie from the reference's means, in "
    "the reference's stds, so that a gain or offset of one column changes them, too. Bets on these figures gain nothing on "
    "average while samples come from the reference's population. The evidence is the natural logarithm of the capital of all "
    "bets, begun at every moment. Without a change it ever reaches the threshold with at most the stated probability, however "
    "often one looks (Ville 1939; Waudby-Smith and Ramdas 2024). The error of the reference, a sample itself, is inside this "
    "promise. Intervals hold at every batch, for all figures at once."
)
CLASSICAL = "Classical distances of values, beside the test: they promise nothing"


def print_drift(verdict: Verdict) -> None:
    """Print the verdict in a sentence, the figures with most evidence, and the classical distances."""
    out.print(Text(visible(str(verdict))), soft_wrap=True)
    out.print(table(TRACKS, [track_row(track) for track in strongest(verdict)[:_SHOWN]]))
    if verdict.maps:
        out.print(table(MAPS, map_rows(verdict)))
    if verdict.felt is not None:
        out.print(Text(visible(felt_words(verdict.felt))), soft_wrap=True)
    if verdict.command:
        out.print(Text(visible(verdict.command)), soft_wrap=True)
    if verdict.recovered is not None:
        out.print(table(RECOVERED, recovered_rows(verdict)))
        out.print(Text(visible(verdict.recovered.command)), soft_wrap=True)
    if verdict.distances:
        out.print(table(DISTANCES, [distance_row(each) for each in verdict.distances]))
    for words in (*verdict.exceeded, *verdict.notes):
        note(words)


def github(verdict: Verdict) -> str:
    """A workflow command that GitHub shows as an annotation."""
    level = "notice" if verdict.clean else "warning"
    return f"::{level} title=tare drift::{command_data(str(verdict))}"


def write_drift(verdict: Verdict, path: Path, command: str, data: str = "") -> None:
    """Write the verdict's self-contained page."""
    made = Made(f"{data}{', ' if data else ''}{verdict.samples:,} samples in {verdict.batches:,} batches", command)
    write_text(
        path, framed("drift", first_screen(verdict, steps(verdict)), [*figure_folds(verdict), *method_folds(verdict)], made)
    )


def first_screen(verdict: Verdict, todo: Sequence[Step]) -> FirstScreen:
    """The verdict, the evidence of each figure against the threshold of an alarm, and what to do now."""
    return FirstScreen(
        verdict=verdict.headline,
        lead=" ".join(
            filter(None, (f"{verdict.reason[:1].upper()}{verdict.reason[1:]}." * bool(verdict.alarm), verdict.neighbours))
        ),
        badges=(
            Badge(verdict.kind, "good" if verdict.clean else "bad"),
            Badge(f"evidence {verdict.evidence:.1f}, alarm at {verdict.threshold:.1f}"),
            Badge(f"false alarms at most {verdict.alpha:g}"),
        ),
        picture_title="Evidence of a change, by figure",
        picture=_evidence(verdict),
        steps=todo,
        warning=" ".join(f"{words[:1].upper()}{words[1:].removesuffix('.')}." for words in verdict.exceeded),
    )


def steps(verdict: Verdict) -> list[Step]:
    """What the verdict says to do; without a change, to go on."""
    if verdict.clean:
        return [Step("Nothing. Test what arrives next against the same reference: the promise holds however often one looks.")]
    if not verdict.alarm:
        return [
            Step("Look at the samples: a distance is above the threshold that was asked for, though the test shows no change.")
        ]
    undo = [Step("Put the constants that undo the change into the served weights:", verdict.command)] if verdict.command else []
    return [*(Step(f"{words.removesuffix('.')}.") for words in verdict.cure), *undo]


def _evidence(verdict: Verdict) -> list[str]:
    """A bar of evidence for each figure, those with most first; the dashed line is the threshold of an alarm."""
    rows = [
        Row(
            track.figure,
            [Mark(max(0.0, track.evidence), shape="bar", colour="orange" if track.evidence >= verdict.threshold else "blue")],
            f"{track.evidence:.1f}",
            beside=f"{track.reference:.3g} \N{RIGHTWARDS ARROW} {track.live.estimate:.3g}",
        )
        for track in strongest(verdict)[:_SHOWN]
    ]
    if not rows:
        return []
    scale = replace(scale_of(rows, "evidence", zero=verdict.threshold), low=0.0)
    caption = (
        "Dashed: the threshold of an alarm. On the right: the evidence, and the figure's mean in the reference and now. "
        "Evidence x: bets on a change turned 1 into e to the power x. Without a change that ever happens in at most one of e to "
        "the power x services."
    )
    return [drawn(rows, scale, "Evidence by figure", "long"), html.paragraph(caption, "faint")]


def figure_folds(verdict: Verdict) -> list[str]:
    """The values of the channel that changed most, every figure beside its reference, maps of values, and distances."""
    table = html.table("Figures of samples over the whole life", TRACKS, map(track_row, strongest(verdict)))
    gist = f"{len(verdict.tracks)} figures of samples, now and in the reference"
    parts = [*_values(verdict), html.fold("Figures", gist, [*_drawn(verdict), table])]
    felt = [html.paragraph(felt_words(verdict.felt))] if verdict.felt is not None else []
    if verdict.maps or felt:
        maps = [html.table(MAPS_CAPTION, MAPS, map_rows(verdict))] if verdict.maps else []
        parts.append(
            html.fold("How values changed", "gain and offset of each channel, and what the network feels", [*maps, *felt])
        )
    parts += recovered_fold(verdict)
    if verdict.distances:
        gist = "PSI, Kolmogorov-Smirnov and Wasserstein of each channel, which promise nothing"
        parts.append(
            html.fold("Classical distances", gist, [html.table(CLASSICAL, DISTANCES, map(distance_row, verdict.distances))])
        )
    return parts


def method_folds(verdict: Verdict) -> list[str]:
    """Remarks, and what the test promises."""
    return [*html.notes(verdict.notes), html.fold("Method", "what the test promises, and how", [html.paragraph(METHOD)])]


_BINS = 16


def _values(verdict: Verdict) -> list[str]:
    """The values of the channel that changed most, in the reference and since the change, as shares of bins."""
    far = {each.channel: each.wasserstein for each in verdict.distances if math.isfinite(each.wasserstein)}
    known = {after.name: (before, after) for before, after in verdict.values if after.name in far}
    asked = [name for name in known if name in verdict.affected] or list(known)
    most = max(asked, key=far.__getitem__, default="")
    laid = overlay(*known[most]) if most and not verdict.clean else None
    if laid is None or laid.source is None or laid.target is None:
        return []
    step = max(1, len(laid.source) // _BINS)
    shares = [
        [100 * sum(side[start : start + step]) for start in range(0, len(side), step)] for side in (laid.source, laid.target)
    ]
    rows = [
        Row(
            f"{laid.edges[place * step]:.3g} to {laid.edges[min((place + 1) * step, len(laid.edges) - 1)]:.3g}",
            [Mark(before, shape="bar"), Mark(after, shape="bar", colour="orange")],
            f"{after:.1f}%",
            beside=f"reference {before:.1f}%",
        )
        for place, (before, after) in enumerate(zip(*shares, strict=True))
        if before or after
    ]
    legend = key([(Mark(0, shape="bar"), "reference"), (Mark(0, shape="bar", colour="orange"), "since the change")])
    picture = drawn(rows, replace(scale_of(rows, "share of values", percent=True), low=0.0), f"Values of {most}")
    return [
        html.fold(f"Values of {most}", "the channel whose values moved most: shares of them", [picture, legend], is_open=True)
    ]


_CUT_OFF = 1e-6
TRACKS = ("figure", "reference", "served, with its interval", "evidence")
MAPS_CAPTION = "Values now, as a map of the reference's unit values"
MAPS = ("channel", "gain", "offset")
RECOVERED_GIST = "constants by what the network remembers of its training, without the reference"
RECOVERED = ("channel", "mean by batch norm", "std by batch norm")
DISTANCES = ("channel", "PSI", "Kolmogorov-Smirnov", "Wasserstein in stds")
_CAPTION = (
    "Served: the mean of each figure over all samples served, with an interval that holds at every batch. "
    "Samples far from the reference count as two and a half spreads away, so that an end may stand for all that lies beyond it."
)


def strongest(verdict: Verdict) -> list[Track]:
    """The figures, those with most evidence first, without those that are zero before and now: they tell nothing."""
    told = [track for track in verdict.tracks if track.reference or track.live.estimate or track.evidence > 0]
    return sorted(told, key=lambda track: -track.evidence)


def track_row(track: Track) -> tuple[str, ...]:
    """One figure as a row of the table of figures."""
    return track.figure, f"{track.reference:.4g}", _served(track.live), f"{track.evidence:.1f}"


def _served(live: Interval) -> str:
    """The mean served with its interval; of figures that lie so far away that only their side is known, that side."""
    if live.low < live.high and math.isclose(live.estimate, live.low, rel_tol=_CUT_OFF):
        return f"at most {live.estimate:.4g}"
    if live.low < live.high and math.isclose(live.estimate, live.high, rel_tol=_CUT_OFF):
        return f"at least {live.estimate:.4g}"
    return _interval(live)


def map_rows(verdict: Verdict) -> list[tuple[str, ...]]:
    """The gain and offset of each channel that changed as a row."""
    maps = [each for each in verdict.maps if not verdict.affected or each.channel in verdict.affected]
    return [(each.channel, _interval(each.gain), _interval(each.offset)) for each in maps]


def distance_row(found: Any) -> tuple[str, ...]:
    """One channel as a row of the table of distances; "" for what is unknown."""
    return found.channel, *(f"{value:.3g}" if math.isfinite(value) else "" for value in (found.psi, found.ks, found.wasserstein))


def recovered_rows(verdict: Verdict) -> list[tuple[str, ...]]:
    """The constants that batch norm's memory tells, one row a channel; none where they were not asked for."""
    found = verdict.recovered
    if found is None:
        return []
    each = enumerate(zip(found.mean, found.std, strict=True))
    return [(f"channel {place}", _interval(mean), _interval(std)) for place, (mean, std) in each]


def recovered_fold(verdict: Verdict) -> list[str]:
    """The same as a fold of a page, with the command."""
    if verdict.recovered is None:
        return []
    parts = [
        html.table("Constants that the images need now", RECOVERED, recovered_rows(verdict)),
        html.code(verdict.recovered.command),
    ]
    return [html.fold("By batch norm's memory", RECOVERED_GIST, parts)]


def _interval(found: Interval) -> str:
    return f"{found.estimate:.4g} ({found.low:.4g} to {found.high:.4g})" if math.isfinite(found.low) else "unknown"


def _drawn(verdict: Verdict) -> list[str]:
    """One picture for each kind of figure, since kinds have scales of their own."""
    kinds: dict[str, list[Track]] = {}
    for track in strongest(verdict):
        if math.isfinite(track.live.low):
            kinds.setdefault(track.figure.partition(" of ")[0], []).append(track)
    if not kinds:
        return []
    legend = key([(Mark(0, colour="orange"), "served"), (Mark(0, shape="tick"), "reference")])
    return [html.columns(_kind(kind, tracks) for kind, tracks in kinds.items()), legend, html.paragraph(_CAPTION, "faint")]


def _kind(kind: str, tracks: Sequence[Track]) -> str:
    rows = [
        Row(
            track.figure.partition(" of ")[2],
            [
                point(track.live, colour="orange", said=f"{track.figure}: {_served(track.live)}"),
                Mark(track.reference, shape="tick"),
            ],
            f"{track.live.estimate:.3g}",
            beside=f"reference {track.reference:.3g}",
        )
        for track in tracks
    ]
    title = f"{kind[:1].upper()}{kind[1:]}"
    return html.heading(title, 3) + drawn(rows, scale_of(rows), title)
