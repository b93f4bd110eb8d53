"""The charts of a study's page: learning curves, paired differences, and what the network is fed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt
import polars as pl

from tare.normalisation.names import STRATEGIES
from tare.reporting.charts import PALETTE
from tare.statistics.intervals import Interval
from tare.studying.analysis.analysis import Analysis, Mean, group_text
from tare.studying.analysis.contrasts import Contrast
from tare.studying.analysis.scores import ScoreGroup
from tare.studying.result import PRETRAINING, FedInputs

#: A Vega-Lite specification.
VegaSpec = dict[str, Any]

_SIX = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
#: A shape for each strategy; those beyond the first six differ from them by their colour.
SHAPES = tuple(_SIX[place % len(_SIX)] for place in range(len(STRATEGIES)))
_GREY = "#808088"
_SHARE = "share of values, root scale"
#: Keys that Vega-Lite allows only at the top of a specification.
_OF_THE_WHOLE = ("$schema", "params", "config", "datasets")
#: Selects the strategies whose checkboxes on the page are set.
_SHOWN = "indexof(shown, datum.strategy) >= 0"


def learning_curves(analysis: Analysis) -> dict[str, VegaSpec]:
    """Mean score against the number of target samples with 95% bands: a chart per network and shift, all on one scale."""
    scale = 100 if analysis.unit else 1
    rows = [{**_row(item, "score", item.score, scale), "size": int(dict(item.group)["size"])} for item in analysis.means]
    low, high = _ends(value for row in rows for value in (row["low"], row["high"], row["score"]))
    if analysis.unit:  # shares; a correlation may be negative
        low, high = max(0.0 if all(row["score"] >= 0 for row in rows) else -100.0, low), min(100.0, high)
    sizes = sorted({row["size"] for row in rows})
    title = f"{analysis.score}, %" if analysis.unit else analysis.score
    drawn = _curves(sizes, (low, high))
    return {f"curve {panel}": _of_panel(drawn, panel, part, title) for panel, part in _panels(rows).items()}


def difference_charts(analysis: Analysis) -> dict[str, VegaSpec]:
    """Paired differences from the baseline with 95% intervals and the margin shaded: a chart per network and shift, one scale."""
    scale = 100 if analysis.unit else 1
    rows = [
        {
            **_row(item, "difference", item.difference, scale),
            "adjusted p": item.p_adjusted if math.isfinite(item.p_adjusted) else None,
            "shown": item.statement,
        }
        for item in analysis.contrasts
        if math.isfinite(item.difference.low)
    ]
    ends = _ends(value for row in rows for value in (row["low"], row["high"], 0.0))
    title = f"{'points' if analysis.unit else 'difference'} above {analysis.baseline}"
    drawn: dict[tuple[Any, ...], VegaSpec] = {}
    found = {}
    for panel, part in _panels(rows).items():
        axes = tuple(dict.fromkeys(row["strategy"] for row in part)), tuple(sorted({row["size"] for row in part}, key=int))
        if axes not in drawn:  # a panel that lacks a comparison has other axes
            drawn[axes] = _forest(*axes, scale * analysis.margin, ends, title)
        found[f"difference {panel}"] = _of_panel(drawn[axes], panel, part)
    return found


def fed_charts(fed: Sequence[FedInputs]) -> dict[str, VegaSpec]:
    """Distributions of the network's inputs, a chart per shift: pretraining as an area, each strategy as a line."""
    before = [item for item in fed if item.strategy == PRETRAINING]
    shifts = dict.fromkeys(item.shift for item in fed if item.strategy not in (PRETRAINING, "stored"))
    return {
        f"fed {shift}": _distributions(
            before + [item for item in fed if item.shift == shift and item.strategy != "stored"], shift
        )
        for shift in shifts
    }


def stored_chart(fed: Sequence[FedInputs]) -> dict[str, VegaSpec]:
    """Distributions of the values before normalisation, a line per shift; empty if the values have no common unit."""
    stored = [item for item in fed if item.strategy == "stored"]
    if not stored:
        return {}
    rows = [{"shift": item.shift, **row} for item in stored for row in _bins(item)]
    names = [item.shift for item in stored]
    colour = alt.Color("shift:N", sort=names, title=None, legend=alt.Legend(orient="top", columns=2, labelLimit=260))
    colour = colour.scale(domain=names, range=[_GREY, *PALETTE[::-1]][: len(names)])
    chart = (
        alt.Chart(pl.DataFrame(rows))
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            x=alt.X(
                "value:Q", title="unit value, before normalisation", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(tickCount=5)
            ),
            y=_share(),
            color=colour,
            strokeDash=alt.StrokeDash("shift:N", sort=names, legend=None),
            tooltip=[alt.Tooltip("shift:N"), alt.Tooltip("value:Q", format=".2f"), alt.Tooltip("share:Q", format=".1%")],
        )
        .properties(width="container", height=170, title=_title("Before normalisation", _SHARE))
    )
    return {"stored": _spec(chart)}


def picture(charts: Mapping[str, VegaSpec], strategies: Sequence[str], kind: str) -> bytes:
    """Charts side by side with a legend, on white: ``kind`` is ``png`` (twice the size) or ``svg``."""
    import json

    import vl_convert

    parts = [_legend(strategies), *charts.values()]
    bare = [{key: value for key, value in part.items() if key not in _OF_THE_WHOLE} for part in parts]
    columns = 4 if len(charts) > 4 else 2 if len(charts) > 1 else 1
    whole = {
        "$schema": parts[-1]["$schema"],
        "background": "white",
        "vconcat": [bare[0], {"concat": [{**part, "width": 300} for part in bare[1:]], "columns": columns}],
        "datasets": {name: rows for part in parts for name, rows in part.get("datasets", {}).items()},
        "params": [{"name": "shown", "value": list(strategies)}],
        "config": {"view": {"stroke": "transparent"}},
    }
    text = json.dumps(whole)
    return bytes(vl_convert.vegalite_to_png(text, scale=2)) if kind == "png" else vl_convert.vegalite_to_svg(text).encode()


def _curves(sizes: list[int], ends: tuple[float, float]) -> VegaSpec:
    """The learning curves of any panel, without rows and heading."""
    base = alt.Chart().transform_filter(_SHOWN)
    spread = alt.Scale(type="log", domain=[sizes[0] / 1.12, sizes[-1] * 1.12], nice=False)
    x = alt.X("size:Q", title="target samples (log scale)", scale=spread, axis=alt.Axis(values=sizes, format="d", grid=False))
    y = alt.Y("low:Q", title=None, scale=alt.Scale(domain=ends, nice=False, zero=False))
    tips = [alt.Tooltip("strategy:N"), alt.Tooltip("size:Q", title="samples")]
    tips += [alt.Tooltip(f"{name}:Q", format=".1f") for name in ("score", "low", "high")]
    layers = [
        base.mark_area(opacity=0.13, clip=True).encode(x=x, y=y, y2="high:Q", color=_colour()),
        base.mark_line(strokeWidth=2).encode(x=x, y="score:Q", color=_colour()),
        base.mark_point(filled=True, size=62, opacity=1).encode(x=x, y="score:Q", color=_colour(), shape=_shape(), tooltip=tips),
    ]
    return _spec(alt.layer(*layers).properties(width="container", height=210))


def _forest(given: tuple[str, ...], sizes: tuple[str, ...], margin: float, ends: tuple[float, float], title: str) -> VegaSpec:
    """The differences of any panel with these strategies and sizes, without rows and heading."""
    strategies: list[str] = [name for name in STRATEGIES if name in given]
    strategies += [name for name in given if name not in strategies]
    base = alt.Chart().transform_filter(_SHOWN)
    axis = alt.Axis(grid=False, ticks=False, domain=False, labelFontSize=12, labelExpr="datum.value + ' samples'")
    y = alt.Y("size:N", sort=list(sizes), title=None, axis=axis)
    offset = alt.YOffset("strategy:N", sort=strategies, scale=alt.Scale(domain=strategies, paddingOuter=0.4))
    scale = alt.Scale(domain=ends, nice=False, zero=False)
    x = alt.X("low:Q", title=f"{title}, 95%", scale=scale)
    tips = [alt.Tooltip("strategy:N"), alt.Tooltip("size:N", title="samples"), alt.Tooltip("shown:N", title="statement")]
    tips += [alt.Tooltip(f"{name}:Q", format="+.2f") for name in ("difference", "low", "high")]
    tips.append(alt.Tooltip("adjusted p:Q", format=".2g"))
    filled = alt.condition("datum.shown == 'better' || datum.shown == 'worse'", alt.value(1), alt.value(0))
    band = alt.Chart(pl.DataFrame({"from": [-margin], "to": [margin]}))
    layers = [
        band.mark_rect(color=_GREY, opacity=0.22).encode(x=alt.X("from:Q", scale=scale), x2="to:Q"),
        band.mark_rule(color=_GREY, strokeDash=[4, 4]).encode(x=alt.datum(0)),
        base.mark_rule(strokeWidth=2, clip=True).encode(y=y, yOffset=offset, x=x, x2="high:Q", color=_colour()),
        base.mark_point(filled=True, size=60).encode(
            y=y,
            yOffset=offset,
            x="difference:Q",
            color=_colour(),
            shape=_shape(),
            fillOpacity=filled,
            opacity=alt.value(1),
            stroke=_colour("stroke"),
            strokeWidth=alt.value(1.5),
            tooltip=tips,
        ),
    ]
    height = 15 * len(strategies) * len(sizes) + 14 * len(sizes)
    return _spec(alt.layer(*layers).properties(width="container", height=height))


def _row(item: Mean | Contrast, name: str, interval: Interval, scale: float) -> dict[str, Any]:
    ends = {"low": scale * interval.low, "high": scale * interval.high}
    place = {"panel": _panel(item.group), "strategy": item.strategy, "size": dict(item.group)["size"]}
    return {**place, name: scale * interval.estimate, **ends}


def _panels(rows: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["panel"], []).append(row)
    return found


def _of_panel(drawn: VegaSpec, panel: str, rows: Sequence[Mapping[str, Any]], below: str = "") -> VegaSpec:
    """A chart with its rows and heading added. All panels share one built chart, because Altair's building is slow."""
    values = [
        {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()}
        for row in rows
    ]
    # Altair names missing data "empty"; a layer without that name inherits the rows of the whole chart.
    layers = [{key: part for key, part in layer.items() if part != {"name": "empty"}} for layer in drawn["layer"]]
    return {**drawn, "layer": layers, "data": {"values": values}, "title": _title(panel, below).to_dict()}


def _distributions(items: Sequence[FedInputs], shift: str) -> VegaSpec:
    rows = [{"strategy": item.strategy, **row} for item in items for row in _bins(item)]
    base = alt.Chart(pl.DataFrame(rows))
    x = alt.X("value:Q", title="input of the network (input std)", scale=alt.Scale(domain=[items[0].low, items[0].high]))
    tips = [alt.Tooltip("strategy:N"), alt.Tooltip("value:Q", format=".2f"), alt.Tooltip("share:Q", format=".1%")]
    area = base.transform_filter(f"datum.strategy == '{PRETRAINING}'").mark_area(
        interpolate="step-after", color=_GREY, opacity=0.35
    )
    line = base.transform_filter(_SHOWN).mark_line(interpolate="step-after", strokeWidth=2)
    layers = [
        area.encode(x=x, y=_share()),
        line.encode(x=x, y=_share(), color=_colour(), tooltip=tips),
    ]
    return _spec(alt.layer(*layers).properties(width="container", height=170, title=_title(shift, _SHARE)))


def _bins(item: FedInputs) -> list[dict[str, float]]:
    """The steps of a histogram, from one bin before the first filled bin to one bin after the last."""
    width = (item.high - item.low) / len(item.shares)
    filled = [index for index, share in enumerate(item.shares) if share]
    first, last = max(0, filled[0] - 1), min(len(item.shares) - 1, filled[-1] + 1)
    steps = [{"value": item.low + index * width, "share": item.shares[index]} for index in range(first, last + 1)]
    return [*steps, {"value": item.low + (last + 1) * width, "share": item.shares[last]}]


def _share() -> alt.Y:
    """Shares on a square-root scale: in many images most pixels are background, and their share would flatten all others."""
    return alt.Y("share:Q", title=None, scale=alt.Scale(type="sqrt"), axis=alt.Axis(format="%", tickCount=4))


def _colour(channel: str = "color") -> Any:
    kind = alt.Color if channel == "color" else alt.Stroke
    return kind("strategy:N", scale=alt.Scale(domain=list(STRATEGIES), range=list(PALETTE)), legend=None)


def _shape() -> alt.Shape:
    return alt.Shape("strategy:N", scale=alt.Scale(domain=list(STRATEGIES), range=list(SHAPES)), legend=None)


def _legend(strategies: Sequence[str]) -> VegaSpec:
    """A legend as a chart: the strategies in a row, with their colours and shapes."""
    frame = pl.DataFrame({"strategy": list(strategies), "place": range(len(strategies))})
    x = alt.X("place:O", axis=None)
    points = alt.Chart(frame).mark_point(filled=True, size=70, opacity=1).encode(x=x, color=_colour(), shape=_shape())
    names = alt.Chart(frame).mark_text(align="left", dx=9, fontSize=12).encode(x=x, text="strategy:N")
    width = sum(40 + 7 * len(name) for name in strategies)
    spec: VegaSpec = alt.layer(points, names).properties(width=width, height=18).to_dict()
    return spec


def _title(text: str, below: str = "") -> alt.TitleParams:
    """A heading, and below it what the vertical axis shows: a level line is easier to read than one along the axis."""
    title = alt.TitleParams(text, anchor="start", frame="bounds", fontWeight="bold", fontSize=13, limit=330)
    if below:
        title.subtitle, title.subtitleFontSize, title.subtitleColor = below, 12, _GREY
    return title


def _spec(chart: Any) -> VegaSpec:
    document: VegaSpec = chart.to_dict(
        validate=False
    )  # validation takes as long as building, and the tests validate these charts
    return {**document, "params": [{"name": "shown", "value": [*STRATEGIES]}]}


def _panel(group: ScoreGroup) -> str:
    return group_text(tuple(item for item in group if item[0] != "size")).replace("network ", "").replace("shift ", "")


def _ends(values: Iterable[float]) -> tuple[float, float]:
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    space = 0.04 * ((high - low) or 1.0)
    return low - space, high + space
