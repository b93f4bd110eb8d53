"""Charts of a transfer: learning curves and the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import altair as alt
import polars as pl

from tare.reporting.charts import PALETTE, Chart
from tare.training.evaluation import Evaluation

#: With more classes than this a matrix shows nothing at the width of a page.
_MOST_CLASSES = 40

_COUNTS, _TICKS, _FLAT = 12, 12, 4
_CURVES = {
    "loss": {"train_loss": "training", "val_loss": "validation"},
    "validation accuracy": {"val_accuracy": "validation"},
    "learning rate": {"lr": "highest of its groups"},
}
_COLOURS = {"training": PALETTE[1], "validation": PALETTE[0], "highest of its groups": PALETTE[2]}


def training_curves(history: Sequence[dict[str, float]]) -> dict[str, Chart]:
    """Loss, accuracy and learning rate over the epochs, and a line at the best epoch."""
    if not history:
        return {}
    best = max(history, key=lambda row: row["val_accuracy"])["epoch"]
    return {f"curve of {what}": _curve(what, names, history, best) for what, names in _CURVES.items()}


def confusion_chart(evaluation: Evaluation) -> dict[str, Chart]:
    """Rows are true classes, columns what they were called; colour is the share of the row."""
    if len(evaluation.classes) > _MOST_CLASSES:
        return {}
    rows = [
        {"true": true, "called": called, "images": count, "share": count / max(1, sum(line))}
        for true, line in zip(evaluation.classes, evaluation.confusion, strict=True)
        for called, count in zip(evaluation.classes, line, strict=True)
    ]
    base: Any = alt.Chart(pl.DataFrame(rows))
    few = len(evaluation.classes) <= _FLAT
    labels = alt.Axis(labelLimit=110, labelOverlap=False, labelAngle=0) if few else alt.Axis(labelLimit=110, labelOverlap=False)
    x = alt.X("called:N", sort=list(evaluation.classes), title="called", axis=labels)
    y = alt.Y("true:N", sort=list(evaluation.classes), title="true class", axis=alt.Axis(labelLimit=110))
    tips = [alt.Tooltip("true:N"), alt.Tooltip("called:N"), alt.Tooltip("images:Q"), alt.Tooltip("share:Q", format=".1%")]
    colour = alt.Color("share:Q", scale=alt.Scale(domain=[0, 1], scheme="blues"), legend=None)
    layers = [base.mark_rect().encode(x=x, y=y, color=colour, tooltip=tips)]
    if len(evaluation.classes) <= _COUNTS:
        ink = alt.when(alt.datum.share > 0.5).then(alt.value("white")).otherwise(alt.value("#222"))
        layers.append(base.mark_text().encode(x=x, y=y, text="images:Q", color=ink, tooltip=tips))
    height = min(34, max(14, 900 // len(evaluation.classes))) * len(evaluation.classes)
    chart: Any = alt.layer(*layers).properties(width="container", height=height)
    return {"confusion": cast(Chart, chart)}


def _curve(what: str, names: dict[str, str], history: Sequence[dict[str, float]], best: float) -> Chart:
    rows = [{"epoch": row["epoch"], "split": shown, "value": row[name]} for row in history for name, shown in names.items()]
    colour = alt.Color(
        "split:N",
        scale=alt.Scale(domain=list(names.values()), range=[_COLOURS[name] for name in names.values()]),
        legend=alt.Legend(orient="bottom", title=None) if len(names) > 1 else None,
    )
    few = [row["epoch"] for row in history] if len(history) <= _TICKS else None
    axis = alt.Axis(format="d", values=few) if few else alt.Axis(format="d", tickMinStep=1)
    x = alt.X("epoch:Q", axis=axis, scale=alt.Scale(nice=False))
    y = alt.Y("value:Q", title=None, scale=alt.Scale(zero=False))
    tips = [alt.Tooltip("epoch:Q"), alt.Tooltip("split:N"), alt.Tooltip("value:Q", format=".4g")]
    base: Any = alt.Chart(pl.DataFrame(rows))
    mark: Any = alt.Chart(pl.DataFrame({"epoch": [best]})).mark_rule(color="#888", strokeDash=[4, 4]).encode(x=x)
    line = base.mark_line(point=True).encode(x=x, y=y, color=colour, tooltip=tips)
    title = alt.TitleParams(what, anchor="start", fontWeight="normal")
    chart: Any = alt.layer(mark, line).properties(width="container", height=180, title=title)
    return cast(Chart, chart)
