"""The page of a monitor: the verdict in a sentence, the evidence and every figure over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tare.monitoring.result import Course, Verdict
from tare.reporting import html
from tare.reporting.drift import figure_folds, first_screen, method_folds, steps, strongest
from tare.reporting.page.frame import FirstScreen, Made, framed
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
    made = Made(
        f"{verdict.samples:,} samples in {verdict.batches:,} batches", "", {"Figures": "over the whole life of the monitor"}
    )
    text = framed("monitor", _first(verdict, bool(charts)), _rest(verdict, courses, bool(charts)), made, charts)
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
    return sorted((each for each in courses if each.figure in order), key=lambda each: order[each.figure])[:_PLOTTED]


def _first(verdict: Verdict, has_charts: bool) -> FirstScreen:
    """As of ``tare drift``, with the evidence over time as its picture."""
    first = first_screen(verdict, steps(verdict) if verdict.alarm else [])
    if not has_charts:
        return replace(first, picture=(), picture_title="")
    picture = [html.panels(["evidence"], "Blue: the evidence. Orange: an alarm.")]
    return replace(first, picture=picture, picture_title="Evidence of a change over time")


def _rest(verdict: Verdict, courses: list[Course], has_charts: bool) -> list[str]:
    figures = [f"course-{place}" for place in range(len(courses))]
    over_time = html.fold("Figures over time", f"{len(figures)} figures", [html.panels(figures, _CAPTION)], is_open=True)
    return [*([over_time] if has_charts else []), *figure_folds(verdict), *method_folds(verdict)]


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
