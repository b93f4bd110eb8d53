"""The demo's forest plots: accuracies and paired differences with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from tare.normalisation.names import BASIC
from tare.reporting.charts import PALETTE, Chart, layered
from tare.statistics.intervals import Interval
from tare.studying.analysis.analysis import Mean
from tare.studying.analysis.contrasts import Contrast
from tare.studying.demo.result import shift_of, stated_p


def accuracy_forests(means: Sequence[Mean]) -> dict[str, Chart]:
    """Mean accuracy with its 95% interval: one chart a shift, one row a strategy, all on one scale."""
    value = "accuracy in %"
    return _forests([_row(item, item.score, value) for item in means], value, zero_line=False)


def difference_forests(contrasts: Sequence[Contrast]) -> dict[str, Chart]:
    """Paired difference from ``source`` in points, drawn as :func:`accuracy_forests` draws accuracies."""
    value = "points above source"
    rows = [{**_row(item, item.difference, value), "adjusted p": stated_p(item)} for item in contrasts]
    return _forests(rows, value, zero_line=True)


def png_of(charts: dict[str, Chart]) -> bytes:
    """Draw the charts side by side on white, as a PNG for slides and README files."""
    import vl_convert

    panels = [chart.properties(width=330) for chart in charts.values()]
    return bytes(vl_convert.vegalite_to_png(alt.hconcat(*panels, background="white").to_json(), scale=2))


def _row(item: Mean | Contrast, interval: Interval, value: str) -> dict[str, Any]:
    ends = {"low": 100 * interval.low, "high": 100 * interval.high}
    return {"strategy": item.strategy, "shift": shift_of(item), value: 100 * interval.estimate, **ends}


def _forests(rows: list[dict[str, Any]], value: str, *, zero_line: bool) -> dict[str, Chart]:
    ends = [row[key] for row in rows for key in (value, "low", "high")] + ([0.0] if zero_line else [])
    margin = 0.04 * (max(ends) - min(ends))
    scale = alt.Scale(domain=[min(ends) - margin, max(ends) + margin], nice=False, zero=False)
    shifts = dict.fromkeys(row["shift"] for row in rows)
    return {shift: _forest([row for row in rows if row["shift"] == shift], value, scale, zero_line) for shift in shifts}


def _forest(rows: list[dict[str, Any]], value: str, scale: alt.Scale, zero_line: bool) -> Chart:
    colour = alt.Color("strategy:N", scale=alt.Scale(domain=list(BASIC), range=list(PALETTE[: len(BASIC)])), legend=None)
    y = alt.Y("strategy:N", sort=[row["strategy"] for row in rows], title=None)
    x = alt.X("low:Q", title=f"{value} (95% interval)", scale=scale)
    tips = [alt.Tooltip(key, format=".2f" if isinstance(rows[0][key], float) else "") for key in rows[0]]
    base = alt.Chart(pl.DataFrame(rows))
    layers: list[Any] = [base.mark_rule(strokeDash=[4, 4], color="#888").encode(x=alt.datum(0))] if zero_line else []
    layers += [
        base.mark_rule(strokeWidth=2).encode(y=y, x=x, x2="high:Q", color=colour),
        base.mark_point(filled=True, size=90, opacity=1).encode(y=y, x=f"{value}:Q", color=colour, tooltip=tips),
    ]
    return layered(layers, 26 * len(rows), rows[0]["shift"])
