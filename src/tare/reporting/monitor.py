"""The page of a monitor: the verdict in a sentence, the evidence and every figure over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tare._version import __version__
from tare.monitoring.result import Course, Verdict
from tare.reporting import html
from tare.reporting.drift import (
    CLASSICAL,
    DISTANCES,
    MAPS,
    MAPS_CAPTION,
    METHOD,
    TRACKS,
    distance_row,
    map_row,
    strongest,
    track_row,
)
from tare.system.files import write_text

if TYPE_CHECKING:
    from tare.monitoring.monitor import Monitor

_PLOTTED = 8
_CAPTION = (
    "Orange: the mean of each figure over all samples so far, with a confidence sequence: all of these intervals hold at once, "
    "at every batch. Green: the mean over one stretch of batches. Blue: the reference. After an alarm the figures with most "
    "evidence come first."
)


def monitor_page(monitor: Monitor, *, refresh: int | None = None) -> str:
    """The self-contained page of a monitor as it is now; a browser loads it again after ``refresh`` seconds."""
    verdict = monitor.verdict()
    courses = _plotted(verdict, monitor.courses())
    charts = _charts(verdict, courses, monitor.evidence_over_time())
    text = html.page("tare monitor", _body(verdict, courses, bool(charts)), charts)
    if refresh is None:
        return text
    return text.replace("<title>", f'<meta http-equiv="refresh" content="{int(refresh)}"><title>', 1)


def write_monitor_page(monitor: Monitor, path: Path, *, refresh: int | None = None) -> None:
    """Write the page, atomically: a browser that loads it again never sees half of it."""
    write_text(path, monitor_page(monitor, refresh=refresh))


def _plotted(verdict: Verdict, courses: Sequence[Course]) -> list[Course]:
    """The figures with most evidence once there is an alarm; before, means and stds, which a reader knows."""
    ranks = {"mean": 0, "std": 1}
    order = {each.figure: ranks.get(each.figure.partition(" of ")[0], 2) for each in courses}
    if verdict.alarm:
        order = {track.figure: place for place, track in enumerate(strongest(verdict))}
    return sorted(courses, key=lambda each: order[each.figure])[:_PLOTTED]


def _body(verdict: Verdict, courses: list[Course], has_charts: bool) -> list[str]:
    figures = [f"course-{place}" for place in range(len(courses))]
    return [
        html.heading("No change shown" if verdict.clean else f"Changed: {verdict.kind}", 1),
        html.paragraph(str(verdict), "lead"),
        html.paragraph(
            f"{verdict.samples:,} samples in {verdict.batches:,} batches. Evidence {verdict.evidence:.1f}, at most "
            f"{verdict.peak:.1f} so far; an alarm at {verdict.threshold:.1f}. Without a change an alarm is ever raised with a "
            f"probability of at most {verdict.alpha:g}."
        ),
        *([html.table(MAPS_CAPTION, MAPS, map(map_row, verdict.maps))] if verdict.maps else []),
        *([html.code(verdict.command)] if verdict.command else []),
        *(
            [html.heading("Evidence over time"), html.panels(["evidence"], "Blue: the evidence. Orange: an alarm.")]
            if has_charts
            else []
        ),
        *([html.heading("Figures over time"), html.panels(figures, _CAPTION)] if has_charts else []),
        html.table("Figures of samples over the whole life", TRACKS, [track_row(track) for track in strongest(verdict)]),
        *([html.table(CLASSICAL, DISTANCES, map(distance_row, verdict.distances))] if verdict.distances else []),
        *([html.items(verdict.notes)] if verdict.notes else []),
        html.heading("How this is tested"),
        html.paragraph(METHOD),
        html.paragraph(f"tare {__version__}", "faint"),
    ]


def _charts(verdict: Verdict, courses: list[Course], evidence: tuple[tuple[int, float], ...]) -> dict[str, Any]:
    if not evidence:
        return {}
    return {"evidence": _evidence(verdict, evidence)} | {f"course-{place}": _course(each) for place, each in enumerate(courses)}


def _evidence(verdict: Verdict, evidence: tuple[tuple[int, float], ...]) -> Any:
    import altair as alt

    from tare.reporting.charts import PALETTE, layered

    rows = [{"batch": batch, "evidence": value} for batch, value in evidence]
    line: Any = alt.Chart(_data(rows)).encode(x=_batches(), y=alt.Y("evidence:Q", title="evidence"))
    alarm: Any = alt.Chart(_data([{"threshold": verdict.threshold}]))
    return layered(
        [
            line.mark_line(color=PALETTE[0], point=alt.OverlayMarkDef(color=PALETTE[0])),
            alarm.mark_rule(color=PALETTE[1], strokeDash=[6, 4]).encode(y="threshold:Q"),
        ],
        180,
    )


def _course(course: Course) -> Any:
    import altair as alt

    from tare.reporting.charts import PALETTE, layered

    rows = [
        {
            "batch": each.until,
            "middle": (each.start + each.until) / 2,
            "low": each.life.low,
            "high": each.life.high,
            "mean": each.life.estimate,
            "stretch": each.window.estimate,
        }
        for each in course.moments
        if math.isfinite(each.life.low)
    ]
    rows = [{name: value for name, value in row.items() if math.isfinite(value)} for row in rows]
    scale, title = alt.Scale(zero=False), alt.Y("low:Q", title=None, scale=alt.Scale(zero=False))
    base: Any = alt.Chart(_data(rows)).encode(x=_batches())
    known: Any = alt.Chart(_data([{"reference": course.reference}]))
    return layered(
        [
            base.mark_area(color=PALETTE[1], opacity=0.22).encode(y=title, y2="high:Q"),
            base.mark_line(color=PALETTE[1]).encode(y=alt.Y("mean:Q", scale=scale)),
            base.mark_point(color=PALETTE[2], filled=True, size=28).encode(x="middle:Q", y=alt.Y("stretch:Q", scale=scale)),
            known.mark_rule(color=PALETTE[0], strokeWidth=2).encode(y="reference:Q"),
        ],
        150,
        course.figure,
    )


def _batches() -> Any:
    import altair as alt

    return alt.X("batch:Q", title="batches", scale=alt.Scale(domainMin=0), axis=alt.Axis(tickMinStep=1, tickCount=5))


def _data(rows: list[dict[str, float]]) -> Any:
    import altair as alt

    return cast("Any", alt.Data)(values=rows)
