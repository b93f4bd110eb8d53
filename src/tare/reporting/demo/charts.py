"""Forest plots of the demo: accuracies and paired differences with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import altair as alt
import polars as pl

from tare.normalisation.names import STRATEGIES
from tare.reporting.charts import PALETTE, Chart
from tare.studying.analysis.analysis import Mean
from tare.studying.analysis.contrasts import Contrast
from tare.studying.demo.result import shift_of, stated_p


def accuracy_forests(means: Sequence[Mean]) -> dict[str, Chart]:
    """Mean accuracy with 95% interval, a row a strategy; one chart a shift, all on one scale."""
    rows = [
        {
            "strategy": item.strategy,
            "shift": shift_of(item),
            "accuracy in %": 100 * item.score.estimate,
            "low": 100 * item.score.low,
            "high": 100 * item.score.high,
        }
        for item in means
    ]
    return _forests(rows, "accuracy in %", zero_line=False)


def difference_forests(contrasts: Sequence[Contrast]) -> dict[str, Chart]:
    """Paired difference to ``source`` in points with 95% interval, a row a strategy; one chart a shift, all on one scale."""
    rows = [
        {
            "strategy": item.strategy,
            "shift": shift_of(item),
            "points above source": 100 * item.difference.estimate,
            "low": 100 * item.difference.low,
            "high": 100 * item.difference.high,
            "adjusted p": stated_p(item),
        }
        for item in contrasts
    ]
    return _forests(rows, "points above source", zero_line=True)


def png_of(charts: dict[str, Chart]) -> bytes:
    """Draw the charts side by side as a PNG for slides and README files, on white."""
    import vl_convert

    panels = [chart.properties(width=330) for chart in charts.values()]
    return bytes(vl_convert.vegalite_to_png(alt.hconcat(*panels, background="white").to_json(), scale=2))


def _forests(rows: list[dict[str, Any]], value: str, *, zero_line: bool) -> dict[str, Chart]:
    ends = [row[key] for row in rows for key in (value, "low", "high")] + ([0.0] if zero_line else [])
    margin = 0.04 * (max(ends) - min(ends))
    scale = alt.Scale(domain=[min(ends) - margin, max(ends) + margin], nice=False, zero=False)
    shifts = dict.fromkeys(row["shift"] for row in rows)
    return {shift: _forest([row for row in rows if row["shift"] == shift], value, scale, zero_line) for shift in shifts}


def _forest(rows: list[dict[str, Any]], value: str, scale: alt.Scale, zero_line: bool) -> Chart:
    colour = alt.Color("strategy:N", scale=alt.Scale(domain=list(STRATEGIES), range=list(PALETTE)), legend=None)
    y = alt.Y("strategy:N", sort=[row["strategy"] for row in rows], title=None)
    x = alt.X("low:Q", title=f"{value} (95% interval)", scale=scale)
    tips = [alt.Tooltip(key, format=".2f" if isinstance(rows[0][key], float) else "") for key in rows[0]]
    base = alt.Chart(pl.DataFrame(rows))
    layers: list[Any] = [base.mark_rule(strokeDash=[4, 4], color="#888").encode(x=alt.datum(0))] if zero_line else []
    layers += [
        base.mark_rule(strokeWidth=2).encode(y=y, x=x, x2="high:Q", color=colour),
        base.mark_point(filled=True, size=90, opacity=1).encode(y=y, x=f"{value}:Q", color=colour, tooltip=tips),
    ]
    title = alt.TitleParams(rows[0]["shift"], anchor="start", fontWeight="normal")
    chart: Any = alt.layer(*layers).properties(width="container", height=26 * len(rows), title=title)
    return cast(Chart, chart)
