"""Charts drawn by Altair (Vega-Lite): colour-blind-safe, as wide as the place they are drawn into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import altair as alt
import polars as pl

from tare.normalisation.names import STRATEGIES
from tare.studying.analysis.analysis_old import Difference, Summary

#: Okabe and Ito's palette, distinguishable with every common colour vision; a strategy keeps its colour everywhere.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")

Chart = alt.LayerChart


def accuracy_charts(summaries: Sequence[Summary]) -> dict[str, Chart]:
    """Mean accuracy with 95% interval, a row a strategy; one chart a shift, all on one scale."""
    rows = [
        {
            "strategy": item.strategy,
            "shift": item.shift,
            "accuracy in %": 100 * item.accuracy.estimate,
            "low": 100 * item.accuracy.low,
            "high": 100 * item.accuracy.high,
        }
        for item in summaries
    ]
    return _forests(rows, "accuracy in %", zero_line=False)


def difference_charts(differences: Sequence[Difference]) -> dict[str, Chart]:
    """Paired difference to ``source`` in points with 95% interval, a row a strategy; one chart a shift, all on one scale."""
    rows = [
        {
            "strategy": item.strategy,
            "shift": item.shift,
            "points above source": 100 * item.accuracy.estimate,
            "low": 100 * item.accuracy.low,
            "high": 100 * item.accuracy.high,
            "adjusted p": item.p_adjusted,
        }
        for item in differences
    ]
    return _forests(rows, "points above source", zero_line=True)


def picture(charts: dict[str, Chart]) -> bytes:
    """The charts side by side as a PNG for slides and README files, on white."""
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
