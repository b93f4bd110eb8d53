"""Charts of a comparison: overlaid histograms, and quantiles of the target against quantiles of the source."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import altair as alt
import polars as pl

from tare.comparing.overlay import Overlay, Shares, overlay
from tare.comparing.result import Comparison
from tare.reporting.charts import PALETTE, Chart, layered

_SIDES = ("source", "target")
_COLOURS = dict(zip(_SIDES, PALETTE, strict=False))
_HEIGHT = 190


def histogram_charts(found: Comparison) -> dict[str, Chart]:
    """Overlaid histograms, one chart a channel. A channel without a histogram or quantiles on either side has no chart."""
    pairs = zip(found.source.channels, found.target.channels, strict=True)
    laid = {f"histogram of {a.name}": (a.name, overlay(a, b)) for a, b in pairs}
    return {key: _histogram(name, shown) for key, (name, shown) in laid.items() if shown is not None}


def quantile_charts(found: Comparison) -> dict[str, Chart]:
    """Quantiles of the target against those of the source, with the fitted line; one chart a channel."""
    charts = {}
    for a, b, shift in zip(found.source.channels, found.target.channels, found.channels, strict=True):
        keys = [key for key in a.quantiles if key in b.quantiles]
        if keys and shift.fit is not None:
            points = [{"quantile": key, "source": a.quantiles[key], "target": b.quantiles[key]} for key in keys]
            charts[f"quantiles of {a.name}"] = _quantiles(a.name, points, shift.fit.gain, shift.fit.offset)
    return charts


def _histogram(name: str, shown: Overlay) -> Chart:
    scale = alt.Scale(domain=[0, 105 * shown.top], nice=False, clamp=True)
    x = alt.X(
        "value:Q",
        title="value",
        scale=alt.Scale(domain=[shown.edges[0], shown.edges[-1]], nice=False),
        axis=alt.Axis(tickCount=5),
    )
    y = alt.Y("share:Q", title="% of values", scale=scale)
    layers: list[Any] = []
    for side, shares in _known(shown):
        steps = alt.Chart(pl.DataFrame(_steps(shown.edges, shares)))
        layers.append(steps.mark_area(interpolate="step-after", color=_COLOURS[side], opacity=0.3, clip=True).encode(x=x, y=y))
        layers.append(steps.mark_line(interpolate="step-after", color=_COLOURS[side], clip=True).encode(x=x, y=y))
    layers.append(_hover(shown))
    return layered(layers, _HEIGHT, name)


def _steps(edges: Sequence[float], shares: Shares) -> list[dict[str, float]]:
    """A point at the start of each bin, and a point at the end of the last bin."""
    heights = (*shares, shares[-1])
    return [{"value": edge, "share": 100 * share} for edge, share in zip(edges, heights, strict=True)]


def _hover(shown: Overlay) -> Any:
    """A transparent bar for each bin, whose tooltip states both shares in full."""
    rows = [
        {"from": start, "to": end, **{side: f"{100 * shares[k]:.2f}%" for side, shares in _known(shown)}}
        for k, (start, end) in enumerate(pairwise(shown.edges))
    ]
    tips = [alt.Tooltip(key, format=".3g" if key in ("from", "to") else "") for key in rows[0]]
    return alt.Chart(pl.DataFrame(rows)).mark_rect(opacity=0).encode(x="from:Q", x2="to:Q", tooltip=tips)


def _known(shown: Overlay) -> list[tuple[str, Shares]]:
    both = zip(_SIDES, (shown.source, shown.target), strict=True)
    return [(side, shares) for side, shares in both if shares is not None]


def _quantiles(name: str, points: list[dict[str, Any]], gain: float, offset: float) -> Chart:
    ends = [min(point["source"] for point in points), max(point["source"] for point in points)]
    same = pl.DataFrame({"source": ends, "target": ends})
    fitted = pl.DataFrame({"source": ends, "target": [gain * end + offset for end in ends]})
    x = alt.X("source:Q", title="source quantile", scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5))
    y = alt.Y("target:Q", title="target quantile", scale=alt.Scale(zero=False))
    tips = [alt.Tooltip("quantile:N"), alt.Tooltip("source:Q", format=".3g"), alt.Tooltip("target:Q", format=".3g")]
    layers = [
        alt.Chart(same).mark_line(color="#888", strokeDash=[4, 4]).encode(x=x, y=y),
        alt.Chart(fitted).mark_line(color=_COLOURS["target"]).encode(x=x, y=y),
        alt.Chart(pl.DataFrame(points))
        .mark_point(filled=True, size=60, opacity=1, color=PALETTE[0])
        .encode(x=x, y=y, tooltip=tips),
    ]
    return layered(layers, _HEIGHT, name)
