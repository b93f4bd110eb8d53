"""What a report says of a classification: classes, confusions, mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tare.reporting import html
from tare.reporting.console import shown
from tare.reporting.transfer.told import noun_of, one_of, percent
from tare.tasks.evaluations.classification import ClassEvaluation, ClassScore
from tare.transferring.result import TransferRun

_HARDEST = 3
_PAIRS = 20


def lines(run: TransferRun) -> list[str]:
    """What the terminal shows beside the headline."""
    evaluation = _of(run)
    if len(evaluation.classes) <= 2:
        return []
    hardest = ", ".join(f"{shown(score.name)} {score.recall:.0%} of {score.support}" for score in _hardest(evaluation))
    return [f"lowest recall: {hardest}"]


def lead(run: TransferRun) -> str:
    """The first sentence about the evaluation."""
    evaluation = _of(run)
    hardest = ", ".join(f"{score.name} ({percent(score.recall)} of {score.support})" for score in _hardest(evaluation))
    top = "" if evaluation.top5 is None else f", among the five most probable {percent(evaluation.top5.estimate)}"
    return f"{len(evaluation.classes)} classes, macro F1 {percent(evaluation.macro_f1)}{top}. Lowest recall: {hardest}."


def sections(run: TransferRun) -> tuple[list[str], dict[str, Any]]:
    """The parts of the page, and its charts."""
    from tare.reporting.transfer.charts import confusion_chart

    matrix = confusion_chart(_of(run), noun_of(run))
    return [html.heading("Classes"), figures(run), _calibration(run), *_confusion(run, matrix), *_mistakes(run)], matrix


def _of(run: TransferRun) -> ClassEvaluation:
    assert isinstance(run.evaluation, ClassEvaluation)  # noqa: S101 - the table of tasks says so
    return run.evaluation


def _calibration(run: TransferRun) -> str:
    error = _of(run).calibration_error
    return html.paragraph(
        f"Expected calibration error {percent(error)}: the mean distance between the probability of the predicted class and the "
        "share of correct predictions, over 15 bins of probability. 0 is a network that is right as often as it says."
    )


def figures(run: TransferRun) -> str:
    """The table of figures of each output."""
    rows = [
        (score.name, *(percent(value) for value in (score.precision, score.recall, score.f1)), str(score.support))
        for score in _of(run).scores
    ]
    noun = noun_of(run)
    caption = (
        f"Precision: share of correct predictions among the {noun} predicted as the class. Recall: share of correct predictions "
        f"among the {noun} of the class. n/a: the class was never predicted, or has no {noun}."
    )
    return html.table(caption, ("class", "precision", "recall", "F1", noun), rows)


def _confusion(run: TransferRun, matrix: dict[str, Any]) -> list[str]:
    evaluation = _of(run)
    parts = [html.heading("Confusion matrix")]
    if matrix:
        caption = "Rows are true classes, columns predicted classes. The darker a cell, the larger its share of the row."
        parts.append(html.panels(matrix, caption))
    pairs = [(true, predicted, str(count)) for true, predicted, count in evaluation.confused()[:_PAIRS]]
    if not pairs:
        return [*parts, html.paragraph(f"All {noun_of(run)} were classified correctly.")]
    if len(evaluation.classes) > 2:
        parts.append(html.table("The most frequent confusions", ("true class", "predicted class", noun_of(run)), pairs))
    return parts


def _mistakes(run: TransferRun) -> list[str]:
    if not _of(run).mistakes:
        return []
    parts = [html.heading("Mistakes")]
    caption = "The wrong predictions with the highest probability"
    if run.kind != "image":
        found = _of(run).mistakes
        rows = [(Path(item.sample).name, item.truth, item.predicted, f"{item.probability:.0%}") for item in found]
        return [*parts, html.table(caption, (one_of(run), "true class", "predicted class", "probability"), rows)]
    figures = "".join(
        html.photo(view, f"{Path(item.sample).name}: {item.truth}, predicted {item.predicted} ({item.probability:.0%})")
        for item, view in zip(_of(run).mistakes, run.views, strict=False)
    )
    sentence = f"{caption}; the images are shown as the network receives them, but before normalisation."
    return [*parts, html.paragraph(sentence), f'<div class="inputs">{figures}</div>']


def _hardest(evaluation: ClassEvaluation) -> list[ClassScore]:
    return sorted(evaluation.scores, key=lambda score: (score.recall, -score.support))[:_HARDEST]
