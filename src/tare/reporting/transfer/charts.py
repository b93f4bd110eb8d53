"""Charts of a transfer: learning curves and the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from tare.reporting.charts import PALETTE, Chart, layered
from tare.training.evaluation import Evaluation

#: A page is too narrow for the confusion matrix of more classes than this.
_MOST_CLASSES = 40

_COUNTS, _TICKS, _FLAT = 12, 12, 4
_CURVES = {
    "loss": {"train_loss": "training", "val_loss": "validation"},
    "validation accuracy": {"val_accuracy": "validation"},
    "learning rate": {"lr": "highest of all parameter groups"},
}
_COLOURS = {"training": PALETTE[1], "validation": PALETTE[0], "highest of all parameter groups": PALETTE[2]}


def training_curves(history: Sequence[dict[str, float]]) -> dict[str, Chart]:
    """Loss, accuracy and learning rate over the epochs, with a vertical line at the best epoch."""
    if not history:
        return {}
    best = max(history, key=lambda row: row["val_accuracy"])["epoch"]
    return {f"curve of {what}": _curve(what, names, history, best) for what, names in _CURVES.items()}


def confusion_chart(evaluation: Evaluation, noun: str) -> dict[str, Chart]:
    """The confusion matrix: a row a true class, a column a predicted class; colour is the share of the row."""
    if len(evaluation.classes) > _MOST_CLASSES:
        return {}
    rows = [
        {"true": true, "predicted": predicted, noun: count, "share": count / max(1, sum(line))}
        for true, line in zip(evaluation.classes, evaluation.confusion, strict=True)
        for predicted, count in zip(evaluation.classes, line, strict=True)
    ]
    base: Any = alt.Chart(pl.DataFrame(rows))
    few = len(evaluation.classes) <= _FLAT
    labels = alt.Axis(labelLimit=110, labelOverlap=False, labelAngle=0) if few else alt.Axis(labelLimit=110, labelOverlap=False)
    x = alt.X("predicted:N", sort=list(evaluation.classes), title="predicted class", axis=labels)
    y = alt.Y("true:N", sort=list(evaluation.classes), title="true class", axis=alt.Axis(labelLimit=110))
    tips = [alt.Tooltip("true:N"), alt.Tooltip("predicted:N"), alt.Tooltip(f"{noun}:Q"), alt.Tooltip("share:Q", format=".1%")]
    colour = alt.Color("share:Q", scale=alt.Scale(domain=[0, 1], scheme="blues"), legend=None)
    layers = [base.mark_rect().encode(x=x, y=y, color=colour, tooltip=tips)]
    if len(evaluation.classes) <= _COUNTS:
        ink = alt.when(alt.datum.share > 0.5).then(alt.value("white")).otherwise(alt.value("#222"))
        layers.append(base.mark_text().encode(x=x, y=y, text=f"{noun}:Q", color=ink, tooltip=tips))
    height = min(34, max(14, 900 // len(evaluation.classes))) * len(evaluation.classes)
    return {"confusion": layered(layers, height)}


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
    return layered([mark, line], 180, what)
