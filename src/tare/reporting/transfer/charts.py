"""Charts of a transfer: learning curves, and answers against truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from tare.reporting.charts import PALETTE, Chart, layered
from tare.tasks.evaluations.regression import RegressionEvaluation
from tare.tasks.task import Epochs

_MOST_TARGETS = 6
_TICKS = 12
_LOW, _TALL = 220, 320
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


def truth_charts(evaluation: RegressionEvaluation) -> dict[str, Chart]:
    """Answers against truth, one panel a target, at most :data:`_MOST_TARGETS`."""
    drawn = evaluation.scores[:_MOST_TARGETS]
    return {f"truth of {score.name}": _truth(score.name, evaluation, _TALL if len(drawn) == 1 else _LOW) for score in drawn}


def _truth(name: str, evaluation: RegressionEvaluation, height: int) -> Chart:
    rows = [{"truth": truth, "answer": answer} for target, truth, answer in evaluation.pairs if target == name]
    values = [value for row in rows for value in (row["truth"], row["answer"])]
    ends = [min(values), max(values)]
    scale = alt.Scale(zero=False, nice=True, domain=ends)  # one scale for both, so that the line of right answers is the diagonal
    x = alt.X("truth:Q", title="truth", scale=scale, axis=alt.Axis(tickCount=6))
    y = alt.Y("answer:Q", title="answer", scale=scale)
    line: Any = (
        alt.Chart(pl.DataFrame({"truth": ends, "answer": ends})).mark_line(color="#888", strokeDash=[4, 4]).encode(x=x, y=y)
    )
    base: Any = alt.Chart(pl.DataFrame(rows))
    tips = [alt.Tooltip("truth:Q", format=".5g"), alt.Tooltip("answer:Q", format=".5g")]
    return layered([line, base.mark_circle(size=18, opacity=0.45, color=PALETTE[0]).encode(x=x, y=y, tooltip=tips)], height, name)


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
