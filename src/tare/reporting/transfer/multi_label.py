"""What a report says of a multi-label task: each label's figures and threshold, and the most confident mistakes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from tare.reporting import html
from tare.reporting.console import shown
from tare.reporting.page.rows import Mark, Row, drawn, key, scale_of
from tare.reporting.transfer.told import lowest, noun_of, one_of, percent
from tare.tasks.evaluations.multi_label import LabelEvaluation, LabelScore
from tare.transferring.result import TransferRun

_DRAWN = 12


def lines(run: TransferRun) -> list[str]:
    """What the terminal shows beside the headline."""
    worst = ", ".join(f"{shown(score.name)} {percent(score.average_precision)}" for score in _hardest(run))
    return [f"lowest average precision: {worst}"]


def lead(run: TransferRun) -> str:
    """The first sentence about the evaluation."""
    worst = ", ".join(f"{score.name} ({percent(score.average_precision)} of {score.support})" for score in _hardest(run))
    return f"{len(_of(run).scores)} labels. Lowest average precision: {worst}."


def picture(run: TransferRun) -> tuple[str, list[str]]:
    """The picture of the first screen with its title: average precision of each label, of many the lowest."""
    known = [score for score in _of(run).scores if not math.isnan(score.average_precision)]
    lowest_first = sorted(known, key=lambda score: score.average_precision)[:_DRAWN]
    shown_scores = known if len(known) <= _DRAWN else lowest_first
    rows = [
        Row(
            score.name,
            [Mark(100 * score.average_precision, shape="bar"), Mark(100 * score.f1, shape="tick", colour="orange")],
            percent(score.average_precision),
            f"{score.support} {noun_of(run)}",
            f"F1 {percent(score.f1)}",
        )
        for score in shown_scores
    ]
    if not rows:
        return "", []
    legend = key([(Mark(0, shape="bar"), "average precision"), (Mark(0, shape="tick", colour="orange"), "F1 at the threshold")])
    scale = scale_of(rows, zero=0.0, exact=(0.0, 100.0), percent=True)
    title = "Labels" if len(known) <= _DRAWN else f"The {_DRAWN} labels with the lowest average precision"
    return title, [drawn(rows, scale, "Average precision of each label"), legend]


def sections(run: TransferRun) -> tuple[list[str], dict[str, Any]]:
    """The parts of the page that fold, and their charts."""
    gist = f"{len(_of(run).scores)} labels: average precision, threshold, precision, recall and F1 of each"
    return [html.fold("Labels", gist, [figures(run)]), _mistakes(run)], {}


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


def _mistakes(run: TransferRun) -> str:
    found = _of(run).mistakes
    if not found:
        return html.fold("Mistakes", "none: all labels are right at their thresholds", [])
    rows = [(Path(item.sample).name, item.label, "yes" if item.has else "no", f"{item.probability:.0%}") for item in found]
    table = html.table("", (one_of(run), "label", "has it", "probability"), rows)
    return html.fold("Mistakes", f"{len(found)} of the wrong labels, the most confident first", [table])


def _hardest(run: TransferRun) -> list[LabelScore]:
    return lowest(_of(run).scores, lambda score: score.average_precision)
