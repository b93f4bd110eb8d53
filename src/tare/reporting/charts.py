"""What all charts share: Altair (Vega-Lite), a colour-blind-safe palette, and the width of the place they are drawn into."""

from __future__ import annotations

from typing import Any, cast

import altair as alt

#: Okabe and Ito's palette, then Paul Tol's muted one, distinguishable with every common colour vision; a strategy keeps its
#: colour everywhere.
PALETTE = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9",
    "#332288", "#882255", "#117733", "#AA4499", "#999933", "#44AA99", "#661100", "#DDCC77", "#6699CC",
)  # fmt: skip

Chart = alt.LayerChart


def layered(layers: list[Any], height: int, title: str | None = None) -> Chart:
    """Layers as one chart, ``height`` pixels high, with its title at the left."""
    chart: Any = alt.layer(*layers).properties(width="container", height=height)
    if title is not None:
        chart = chart.properties(title=alt.TitleParams(title, anchor="start", fontWeight="normal"))
    return cast(Chart, chart)
