"""What a report says of a classification: classes, confusions, mistakes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tare.reporting import html
from tare.reporting.console import shown
from tare.reporting.page.matrix import MOST_CLASSES, squares
from tare.reporting.page.rows import Mark, Row, drawn, key, scale_of
from tare.reporting.transfer.told import noun_of, one_of, percent
from tare.tasks.evaluations.classification import ClassEvaluation, ClassScore
from tare.transferring.result import TransferRun

_HARDEST = 3
#: The confusion matrix of more classes than this is no picture for a first screen.
_IN_FIRST = 10
_DRAWN = 12
_PAIRS = 20


def lines(run: TransferRun) -> list[str]:
    """What the terminal shows beside the headline."""
    evaluation = _of(run)
    if len(evaluation.classes) <= 2:
        return []
    hardest = ", ".join(f"class {shown(score.name)} {score.recall:.0%} of {score.support}" for score in _hardest(evaluation))
    return [f"lowest recall: {hardest}"]


def lead(run: TransferRun) -> str:
    """The first sentence about the evaluation."""
    evaluation = _of(run)
    hardest = ", ".join(f"class {score.name} ({percent(score.recall)} of {score.support})" for score in _hardest(evaluation))
    if not evaluation.mistakes:
        return f"All {evaluation.samples} {noun_of(run)} of {len(evaluation.classes)} classes were classified correctly."
    top = f"; true class among the five most probable: {percent(evaluation.top5.estimate)}" if evaluation.top5 else ""
    return f"{len(evaluation.classes)} classes, macro F1 {percent(evaluation.macro_f1)}{top}. Lowest recall: {hardest}."


def picture(run: TransferRun) -> tuple[str, list[str]]:
    """The picture of the first screen with its title: the confusion matrix, or of many classes the hardest."""
    found = _of(run)
    if len(found.classes) <= _IN_FIRST:
        caption = "The stronger a square's colour, the larger its share of the row's samples."
        return "Confusion matrix", [html.scrolled(_matrix(run)), html.paragraph(caption, "faint")]
    return f"The {_DRAWN} classes with the lowest recall", _bars(run, _by_recall(found)[:_DRAWN])


def sections(run: TransferRun) -> tuple[list[str], dict[str, Any]]:
    """The parts of the page that fold, and their charts."""
    found = _of(run)
    gist = f"{len(found.classes)} classes: precision, recall and F1 of each; calibration"
    bars = _bars(run, found.scores) if len(found.classes) <= MOST_CLASSES else []
    parts = [html.fold("Classes", gist, [*bars, figures(run), _calibration(run)])]
    return [*parts, *_confusion(run), *_mistakes(run)], {}


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


def _bars(run: TransferRun, scores: Sequence[ClassScore]) -> list[str]:
    """A bar of recall and a tick of precision for each class."""
    rows = [
        Row(
            score.name,
            [Mark(100 * score.recall, shape="bar"), Mark(100 * score.precision, shape="tick", colour="orange")],
            percent(score.recall),
            f"{score.support} {noun_of(run)}",
            f"precision {percent(score.precision)}",
        )
        for score in scores
    ]
    scale = scale_of(rows, zero=0.0, exact=(0.0, 100.0), percent=True)
    legend = key([(Mark(0, shape="bar"), "recall"), (Mark(0, shape="tick", colour="orange"), "precision")])
    return [drawn(rows, scale, "Recall and precision of each class"), legend]


def _matrix(run: TransferRun) -> str:
    return squares(_of(run).classes, _of(run).confusion, noun_of(run))


def _confusion(run: TransferRun) -> list[str]:
    found = _of(run)
    pairs = [(true, predicted, str(count)) for true, predicted, count in found.confused()[:_PAIRS]]
    if len(found.classes) <= 2 or not pairs:
        return []
    caption = "The most frequent confusions"
    rows = html.table(caption, ("true class", "predicted class", noun_of(run)), pairs)
    drawn_above = len(found.classes) <= _IN_FIRST
    matrix = [] if drawn_above or not _matrix(run) else [html.scrolled(_matrix(run))]
    return [html.fold("Confusions", f"most often {pairs[0][0]} taken for {pairs[0][1]}: {pairs[0][2]}", [*matrix, rows])]


def _mistakes(run: TransferRun) -> list[str]:
    found = _of(run).mistakes
    if not found:
        return []
    gist = f"{len(found)} of the wrong predictions, those with the highest probability first"
    if run.kind != "image":
        rows = [(Path(item.sample).name, item.truth, item.predicted, f"{item.probability:.0%}") for item in found]
        return [
            html.fold("Mistakes", gist, [html.table("", (one_of(run), "true class", "predicted class", "probability"), rows)])
        ]
    figures = "".join(
        html.photo(view, f"{item.truth}, predicted {item.predicted} ({item.probability:.0%}): {Path(item.sample).name}")
        for item, view in zip(found, run.views, strict=False)
    )
    sentence = "The images are shown as the network receives them, but before normalisation."
    return [html.fold("Mistakes", gist, [html.paragraph(sentence), f'<div class="inputs">{figures}</div>'])]


def _hardest(evaluation: ClassEvaluation) -> list[ClassScore]:
    return _by_recall(evaluation)[:_HARDEST]


def _by_recall(evaluation: ClassEvaluation) -> list[ClassScore]:
    """Classes without a sample, whose recall is not known, come last."""
    return sorted(evaluation.scores, key=lambda score: (math.isnan(score.recall), score.recall, -score.support))
