"""What a report says of a segmentation: IoU and Dice of each class, and the worst images."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from tare.reporting import html
from tare.reporting.console import shown
from tare.reporting.page.rows import Row, drawn, point, scale_of
from tare.reporting.transfer.told import lowest
from tare.statistics.intervals import Interval
from tare.tasks.evaluations.segmentation import MaskScore, SegmentationEvaluation
from tare.transferring.result import TransferRun

_DRAWN = 12


def lines(run: TransferRun) -> list[str]:
    """What the terminal shows beside the headline."""
    found = _of(run)
    worst = ", ".join(f"{shown(score.name)} {_percent(score.iou)}" for score in _hardest(run))
    return [f"mean Dice {_percent(found.dice)}, pixel accuracy {_percent(found.pixel_accuracy)}; lowest IoU: {worst}"]


def lead(run: TransferRun) -> str:
    """The first sentence about the evaluation."""
    worst = ", ".join(f"{score.name} ({_percent(score.iou)})" for score in _hardest(run))
    return f"{len(_of(run).scores)} classes, mean Dice {_percent(_of(run).dice)}. Lowest IoU: {worst}."


def picture(run: TransferRun) -> tuple[str, list[str]]:
    """The picture of the first screen with its title: IoU of each class with its interval, of many the lowest."""
    known = [score for score in _of(run).scores if not math.isnan(score.iou.estimate)]
    shown_scores = known if len(known) <= _DRAWN else sorted(known, key=lambda score: score.iou.estimate)[:_DRAWN]
    rows = [
        Row(
            score.name,
            [point(score.iou, 100)],
            f"{score.iou.estimate:.1%}",
            f"{score.images} images",
            f"{100 * score.iou.low:.1f} to {100 * score.iou.high:.1f}" if math.isfinite(score.iou.low) else "",
        )
        for score in shown_scores
    ]
    if not rows:
        return "", []
    title = "IoU of each class" if len(known) <= _DRAWN else f"The {_DRAWN} classes with the lowest IoU"
    caption = "Points with 95% intervals over images; on the right, the same in numbers."
    scale = scale_of(rows, exact=(0.0, 100.0), percent=True)
    return title, [drawn(rows, scale, title), html.paragraph(caption, "faint")]


def sections(run: TransferRun) -> tuple[list[str], dict[str, Any]]:
    """The parts of the page that fold, and their charts."""
    gist = f"{len(_of(run).scores)} classes: IoU, Dice and share of pixels of each"
    return [html.fold("Classes", gist, [figures(run)]), _worst(run)], {}


def _of(run: TransferRun) -> SegmentationEvaluation:
    assert isinstance(run.evaluation, SegmentationEvaluation)  # noqa: S101 - the table of tasks says so
    return run.evaluation


def figures(run: TransferRun) -> str:
    """The table of figures of each output."""
    rows = [
        (score.name, _percent(score.iou), _percent(score.dice), f"{score.share:.1%}", str(score.images))
        for score in _of(run).scores
    ]
    skipped = _of(run).skipped
    left_out = f" {skipped} images without a pixel of any class are left out." if skipped else ""
    caption = (
        "Counted over all pixels at the network's size; 95% intervals count images, not pixels. n/a: neither masks nor answers "
        f"have the class.{left_out}"
    )
    return html.table(caption, ("class", "IoU", "Dice", "share of pixels", "images"), rows)


def _worst(run: TransferRun) -> str:
    pairs = list(zip(_of(run).worst, run.views, strict=False))
    pictures = "".join(html.photo(view, f"IoU {item.iou:.1%}: {Path(item.sample).name}") for item, view in pairs)
    sentence = "Image, mask and answer at the network's size; white pixels are left out."
    inside = [html.paragraph(sentence), f'<div class="inputs wide">{pictures}</div>']
    return html.fold("The worst images", f"{len(pairs)} images with the lowest IoU", inside)


def _hardest(run: TransferRun) -> list[MaskScore]:
    return lowest(_of(run).scores, lambda score: score.iou.estimate)


def _percent(value: Interval) -> str:
    if math.isnan(value.estimate):
        return "n/a"
    ends = "" if math.isnan(value.low) else f" ({100 * value.low:.1f} to {100 * value.high:.1f})"
    return f"{100 * value.estimate:.1f}%{ends}"
