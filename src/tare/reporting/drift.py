"""The terminal output, the annotation and the page of ``tare drift``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from rich.text import Text

from tare._version import __version__
from tare.monitoring.judgement.felt import felt_words
from tare.monitoring.result import Track, Verdict
from tare.reporting import html
from tare.reporting.console import note, out, plain, table
from tare.statistics.intervals import Interval
from tare.system.files import write_text

_SHOWN = 8
METHOD = (
    "Each sample has figures: mean, std, the shares of its values at both ends of the range and of missing ones, and differences "
    "and correlations of channels. Bets on these figures gain nothing on average while samples come from the reference's "
    "population. The evidence is the natural logarithm of the capital of all bets, begun at every moment. Without a change it "
    "ever reaches the threshold with at most the stated probability, however often one looks (Ville 1939; Waudby-Smith and "
    "Ramdas 2024). The error of the reference, a sample itself, is inside this promise. Intervals hold at every batch, for all "
    "figures at once."
)
CLASSICAL = "Classical distances of values, beside the test: they promise nothing"


def print_drift(verdict: Verdict) -> None:
    """Print the verdict in a sentence, the figures with most evidence, and the classical distances."""
    out.print(Text(plain(str(verdict))), soft_wrap=True)
    out.print(table(TRACKS, [track_row(track) for track in strongest(verdict)[:_SHOWN]]))
    if verdict.maps:
        out.print(table(MAPS, [map_row(each) for each in verdict.maps]))
    if verdict.felt is not None:
        out.print(Text(plain(felt_words(verdict.felt))), soft_wrap=True)
    if verdict.command:
        out.print(Text(plain(verdict.command)), soft_wrap=True)
    if verdict.recovered is not None:
        out.print(table(RECOVERED, recovered_rows(verdict)))
        out.print(Text(plain(verdict.recovered.command)), soft_wrap=True)
    if verdict.distances:
        out.print(table(DISTANCES, [distance_row(each) for each in verdict.distances]))
    for words in (*verdict.exceeded, *verdict.notes):
        note(words)


def github(verdict: Verdict) -> str:
    """A workflow command that GitHub shows as an annotation."""
    level = "notice" if verdict.clean else "warning"
    text = str(verdict).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{level} title=tare drift::{text}"


def write_drift(verdict: Verdict, path: Path, command: str) -> None:
    """Write the verdict's self-contained page."""
    charts = _charts(verdict)
    body = [
        html.heading(f"tare drift: {verdict.kind}", 1),
        html.paragraph(str(verdict), "lead"),
        html.paragraph(
            f"{verdict.samples:,} samples in {verdict.batches:,} batches. Evidence {verdict.evidence:.1f}, at most "
            f"{verdict.peak:.1f} so far; an alarm at {verdict.threshold:.1f}, with a probability of a false one of at most "
            f"{verdict.alpha:g}."
        ),
        *([html.heading("Figures"), html.panels(charts, _CAPTION)] if charts else []),
        html.table("Figures of samples over the whole life", TRACKS, [track_row(track) for track in strongest(verdict)]),
        *([html.table(MAPS_CAPTION, MAPS, map(map_row, verdict.maps))] if verdict.maps else []),
        *([html.paragraph(felt_words(verdict.felt))] if verdict.felt is not None else []),
        *([html.code(verdict.command)] if verdict.command else []),
        *recovered_html(verdict),
        *([html.table(CLASSICAL, DISTANCES, map(distance_row, verdict.distances))] if verdict.distances else []),
        *([html.items((*verdict.exceeded, *verdict.notes))] if verdict.exceeded or verdict.notes else []),
        html.heading("How this was made"),
        html.paragraph(METHOD),
        html.code(command),
        html.paragraph(f"tare {__version__}", "faint"),
    ]
    write_text(path, html.page("tare drift", body, charts))


_CUT_OFF = 1e-6
TRACKS = ("figure", "reference", "served, with its interval", "evidence")
MAPS_CAPTION = "Values now, as a map of the reference's unit values"
MAPS = ("channel", "gain", "offset")
RECOVERED_CAPTION = "Constants by what batch norm remembers of its training, without the reference"
RECOVERED = ("channel", "mean by batch norm", "std by batch norm")
DISTANCES = ("channel", "PSI", "Kolmogorov-Smirnov", "Wasserstein in stds")
_CAPTION = (
    "Orange: the mean of each figure over all samples served, with an interval that holds at every batch. Blue: the reference. "
    "Samples far from the reference count as two and a half spreads away, so that an end may stand for all that lies beyond it."
)


def strongest(verdict: Verdict) -> list[Track]:
    """The figures, those with most evidence first."""
    return sorted(verdict.tracks, key=lambda track: -track.evidence)


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


def map_row(found: Any) -> tuple[str, ...]:
    """The gain and offset of one channel as a row."""
    return found.channel, _interval(found.gain), _interval(found.offset)


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


def recovered_html(verdict: Verdict) -> list[str]:
    """The same as a table of a page, and the command."""
    if verdict.recovered is None:
        return []
    return [html.table(RECOVERED_CAPTION, RECOVERED, recovered_rows(verdict)), html.code(verdict.recovered.command)]


def _interval(found: Interval) -> str:
    return f"{found.estimate:.4g} ({found.low:.4g} to {found.high:.4g})" if math.isfinite(found.low) else "unknown"


def _charts(verdict: Verdict) -> dict[str, Any]:
    """One chart for each kind of figure, since kinds have scales of their own."""
    kinds: dict[str, list[Track]] = {}
    for track in verdict.tracks:
        if math.isfinite(track.live.low):
            kinds.setdefault(track.figure.partition(" of ")[0], []).append(track)
    return {f"figures-{place}": _chart(kind, tracks) for place, (kind, tracks) in enumerate(kinds.items())}


def _chart(kind: str, tracks: Sequence[Track]) -> Any:
    import altair as alt

    from tare.reporting.charts import PALETTE, layered

    rows = [
        {
            "of": t.figure.partition(" of ")[2],
            "low": t.live.low,
            "high": t.live.high,
            "served": t.live.estimate,
            "reference": t.reference,
        }
        for t in tracks
    ]
    base: Any = alt.Chart(cast("Any", alt.Data)(values=rows)).encode(y=alt.Y("of:N", title=None, sort=None))
    scale = alt.Scale(zero=False)
    return layered(
        [
            base.mark_rule(color=PALETTE[1], strokeWidth=3).encode(x=alt.X("low:Q", title=kind, scale=scale), x2="high:Q"),
            base.mark_point(color=PALETTE[1], filled=True, size=50).encode(x="served:Q"),
            base.mark_tick(color=PALETTE[0], thickness=3, size=16).encode(x="reference:Q"),
        ],
        40 + 24 * len(rows),
    )
