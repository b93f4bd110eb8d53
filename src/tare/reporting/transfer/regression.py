"""What a report says of a regression: errors of each target, answers against truth, the largest errors."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from tare.reporting import html
from tare.reporting.console import shown
from tare.reporting.transfer.told import one_of
from tare.statistics.intervals import Interval
from tare.tasks.evaluations.regression import RegressionEvaluation
from tare.tasks.regression import Regression
from tare.transferring.result import TransferRun

_SHOWN = 4


def lines(run: TransferRun) -> list[str]:
    """What the terminal shows beside the headline."""
    scores = _of(run).scores
    found = [f"{shown(score.name)}: MAE {_in_words(score.mae)}, RMSE {_in_words(score.rmse)}" for score in scores[:_SHOWN]]
    return [*found, *([f"{len(scores) - _SHOWN} more targets in the report"] if len(scores) > _SHOWN else [])]


def lead(run: TransferRun) -> str:
    """The first sentence about the evaluation."""
    scores = _of(run).scores
    if len(scores) == 1:
        return f"target {scores[0].name}, MAE {_in_words(scores[0].mae)}, RMSE {_in_words(scores[0].rmse)}."
    return f"{len(scores)} targets, mean R2 {_number(_of(run).r2.estimate)}."


def picture(run: TransferRun) -> tuple[str, list[str]]:
    """The picture of the first screen with its title: answers against truth."""
    from tare.reporting.transfer.charts import truth_charts

    caption = f"Each point is a validation {one_of(run)}; on the line the answer is the truth."
    return "Answers against truth", [html.panels(truth_charts(_of(run)), caption, "square")]


def sections(run: TransferRun) -> tuple[list[str], dict[str, Any]]:
    """The parts of the page that fold, and the charts of the page."""
    from tare.reporting.transfer.charts import truth_charts

    found = _of(run)
    gist = f"{html.several(len(found.scores), 'target')}: MAE, RMSE and R2, in the target's own unit"
    errors = html.fold("Largest errors", f"the {len(found.errors)} largest, in stds of the target", [_errors(run)])
    return [html.fold("Targets", gist, [figures(run)]), errors], dict(truth_charts(found))


def _of(run: TransferRun) -> RegressionEvaluation:
    assert isinstance(run.evaluation, RegressionEvaluation)  # noqa: S101 - the table of tasks says so
    return run.evaluation


def figures(run: TransferRun) -> str:
    """The table of figures of each output."""
    assert isinstance(run.task, Regression)  # noqa: S101 - the table of tasks says so
    rows = [
        (score.name, f"{mean:.4g}", f"{std:.4g}", _in_words(score.mae), _in_words(score.rmse), _in_words(score.r2))
        for score, mean, std in zip(_of(run).scores, run.task.mean, run.task.std, strict=True)
    ]
    caption = (
        "Mean and std are those of the training split, in the target's own unit: the network learns (target - mean) / std, and "
        "the saved model gives the target's own unit. Errors are in that unit, with 95% intervals. R2 is 1 for exact answers and "
        "0 for always answering the mean of these samples."
    )
    return html.table(caption, ("target", "mean", "std", "MAE", "RMSE", "R2"), rows)


def _errors(run: TransferRun) -> str:
    rows = [
        (Path(item.sample).name, item.target, f"{item.truth:.6g}", f"{item.predicted:.6g}", f"{item.predicted - item.truth:+.4g}")
        for item in _of(run).errors
    ]
    return html.table("", (one_of(run), "target", "truth", "answer", "error"), rows)


def _in_words(value: Interval) -> str:
    if not math.isfinite(value.low):
        return _number(value.estimate)
    return f"{_number(value.estimate)} ({_number(value.low)} to {_number(value.high)})"


def _number(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "n/a"
