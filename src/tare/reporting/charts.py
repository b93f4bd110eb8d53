"""What all charts have in common: drawn by Altair (Vega-Lite), colour-blind-safe, as wide as the place they are drawn into."""

from __future__ import annotations

import altair as alt

#: Okabe and Ito's palette, distinguishable with every common colour vision; a strategy keeps its colour everywhere.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")

Chart = alt.LayerChart
