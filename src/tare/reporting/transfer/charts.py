"""Charts of a transfer: learning curves and the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from tare.reporting.charts import PALETTE, Chart, layered
from tare.tasks.evaluations.classification import ClassEvaluation
from tare.tasks.evaluations.regression import RegressionEvaluation
from tare.tasks.task import Epochs

#: A page is too narrow for the confusion matrix of more classes than this.
_MOST_CLASSES = 40
_MOST_TARGETS = 6

_COUNTS, _TICKS, _FLAT = 12, 12, 4
_COLOURS = {"training": PALETTE[1], "validation": PALETTE[0], "highest of all parameter groups": PALETTE[2]}


def training_curves(history: Sequence[dict[str, float]], epochs: Epochs) -> dict[str, Chart]:
    """Loss, the task's figure and learning rate over the epochs, with a vertical line at the best epoch."""
    if not history:
        return {}
    curves = {
        "loss": {"train_loss": "training", "val_loss": "validation"},
        epochs.words: {epochs.column: "validation"},
        "learning rate": {"lr": "highest of all parameter groups"},
    }
    best = epochs.best(history)["epoch"]
    return {f"curve of {what}": _curve(what, names, history, best) for what, names in curves.items()}


def confusion_chart(evaluation: ClassEvaluation, noun: str) -> dict[str, Chart]:
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


def truth_charts(evaluation: RegressionEvaluation) -> dict[str, Chart]:
    """Answers against truth, one panel a target, at most :data:`_MOST_TARGETS`."""
    return {f"truth of {score.name}": _truth(score.name, evaluation) for score in evaluation.scores[:_MOST_TARGETS]}


def _truth(name: str, evaluation: RegressionEvaluation) -> Chart:
    rows = [{"truth": truth, "answer": answer} for target, truth, answer in evaluation.pairs if target == name]
    ends = [min(row["truth"] for row in rows), max(row["truth"] for row in rows)]
    x = alt.X("truth:Q", title="truth", scale=alt.Scale(zero=False))
    y = alt.Y("answer:Q", title="answer", scale=alt.Scale(zero=False))
    line: Any = (
        alt.Chart(pl.DataFrame({"truth": ends, "answer": ends})).mark_line(color="#888", strokeDash=[4, 4]).encode(x=x, y=y)
    )
    base: Any = alt.Chart(pl.DataFrame(rows))
    tips = [alt.Tooltip("truth:Q", format=".5g"), alt.Tooltip("answer:Q", format=".5g")]
    return layered([line, base.mark_circle(size=18, opacity=0.45, color=PALETTE[0]).encode(x=x, y=y, tooltip=tips)], 220, name)


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
