"""What a report says of a multi-label task: each label's figures and threshold, and the most confident mistakes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from tare.reporting import html
from tare.reporting.console import shown
from tare.reporting.transfer.told import lowest, noun_of, one_of, percent
from tare.tasks.evaluations.multi_label import LabelEvaluation, LabelScore
from tare.transferring.result import TransferRun


def lines(run: TransferRun) -> list[str]:
    """What the terminal shows beside the headline."""
    worst = ", ".join(f"{shown(score.name)} {percent(score.average_precision)}" for score in _hardest(run))
    return [f"lowest average precision: {worst}"]


def lead(run: TransferRun) -> str:
    """The first sentence about the evaluation."""
    worst = ", ".join(f"{score.name} ({percent(score.average_precision)} of {score.support})" for score in _hardest(run))
    return f"{len(_of(run).scores)} labels. Lowest average precision: {worst}."


def sections(run: TransferRun) -> tuple[list[str], dict[str, Any]]:
    """The parts of the page, and its charts."""
    return [html.heading("Labels"), figures(run), *_mistakes(run)], {}


def _of(run: TransferRun) -> LabelEvaluation:
    assert isinstance(run.evaluation, LabelEvaluation)  # noqa: S101 - the table of tasks says so
    return run.evaluation


def figures(run: TransferRun) -> str:
    """The table of figures of each output."""
    rows = [
        (
            score.name,
            percent(score.average_precision),
            "n/a" if math.isnan(score.threshold) else f"{score.threshold:.3f}",
            *(percent(value) for value in (score.precision, score.recall, score.f1)),
            str(score.support),
        )
        for score in _of(run).scores
    ]
    noun = noun_of(run)
    chosen = (
        "the probability with the highest F1 on these same samples. Precision, recall and F1 are those at the threshold, so they "
        "are slightly too good."
    )
    kept = "that of the validation split. Precision, recall and F1 are those at the threshold."
    caption = (
        f"A label is given from its threshold on, {kept if run.evaluation is run.test else chosen} The last column counts the "
        f"{noun} with the label. n/a: no {one_of(run)} has the label, or all have it."
    )
    return html.table(caption, ("label", "average precision", "threshold", "precision", "recall", "F1", noun), rows)


def _mistakes(run: TransferRun) -> list[str]:
    found = _of(run).mistakes
    if not found:
        return [html.heading("Mistakes"), html.paragraph("All labels are right at their thresholds.")]
    rows = [(Path(item.sample).name, item.label, "yes" if item.has else "no", f"{item.probability:.0%}") for item in found]
    caption = "The wrong labels with the most confident probabilities"
    return [html.heading("Mistakes"), html.table(caption, (one_of(run), "label", "has it", "probability"), rows)]


def _hardest(run: TransferRun) -> list[LabelScore]:
    return lowest(_of(run).scores, lambda score: score.average_precision)
