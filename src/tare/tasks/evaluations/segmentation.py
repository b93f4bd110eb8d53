"""Evaluate a segmentation: intersection over union and Dice of each class, and the worst images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare.statistics.dataset_stats import nullable
from tare.statistics.intervals import Interval
from tare.tasks.evaluations.figure import Figure, mean_of_ratios

_WORST = 12


@dataclass(frozen=True, slots=True)
class MaskScore:
    """Intersection over union and Dice of one class, counted over all pixels, and its share of the masks' pixels.

    A class that neither masks nor answers have is NaN.
    """

    name: str
    iou: Interval
    dice: Interval
    share: float
    images: int


@dataclass(frozen=True, slots=True)
class WorstImage:
    """An image with the mean IoU of the classes that it or its answer has."""

    sample: str
    iou: float


@dataclass(frozen=True, slots=True)
class SegmentationEvaluation:
    """The evaluation of a segmentation: means over classes, and each class; ``skipped`` images had no pixel to judge."""

    samples: int
    iou: Interval
    dice: Interval
    pixel_accuracy: Interval
    scores: tuple[MaskScore, ...]
    worst: tuple[WorstImage, ...]
    skipped: int = 0

    @property
    def headline(self) -> Figure:
        """Mean IoU."""
        return Figure("mIoU", self.iou)

    def table(self) -> list[dict[str, Any]]:
        """One row for each class."""
        return [{"name": score.name, "iou": score.iou.estimate, "dice": score.dice.estimate} for score in self.scores]

    def points(self) -> list[dict[str, Any]]:
        """IoU and Dice of each class."""
        return [
            nullable({"panel": key, "name": score.name, "value": getattr(score, key).estimate})
            for key in ("iou", "dice")
            for score in self.scores
        ]

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object with schema ``tare.segmentation/1``; unknown figures are null."""
        return {
            "schema": "tare.segmentation/1",
            "samples": self.samples,
            "skipped": self.skipped,
            **{key: nullable(asdict(getattr(self, key))) for key in ("iou", "dice", "pixel_accuracy")},
            "classes": [
                {
                    "name": score.name,
                    "iou": nullable(asdict(score.iou)),
                    "dice": nullable(asdict(score.dice)),
                    "share": score.share,
                    "images": score.images,
                }
                for score in self.scores
            ],
            "worst": [asdict(item) for item in self.worst],
        }


def evaluate_masks(counts: NDArray[np.float64], names: Sequence[str], samples: Sequence[str]) -> SegmentationEvaluation:
    """Evaluate counts of pixels ``(N, K, 3)`` by image and class: shared by answer and mask, in the answer, in the mask.

    Figures are ratios of sums over all images; their 95% intervals count images, not pixels
    (:func:`tare.tasks.evaluations.figure.mean_of_ratios`).
    """
    judged = counts[:, :, 2].sum(axis=1) > 0
    kept = counts[judged]
    shared, given, true = (kept[:, :, place] for place in range(3))
    union, both = given + true - shared, given + true
    scores = tuple(
        MaskScore(
            name,
            _share(shared[:, [k]], union[:, [k]]),
            _share(2 * shared[:, [k]], both[:, [k]]),
            float(true[:, k].sum() / max(1.0, true.sum())),
            int((true[:, k] > 0).sum()),
        )
        for k, name in enumerate(names)
    )
    named = [sample for sample, keep in zip(samples, judged, strict=True) if keep]
    return SegmentationEvaluation(
        len(kept),
        _share(shared, union),
        _share(2 * shared, both),
        _share(shared.sum(axis=1, keepdims=True), true.sum(axis=1, keepdims=True)),
        scores,
        _worst(shared, union, named),
        int((~judged).sum()),
    )


def _share(above: NDArray[np.float64], below: NDArray[np.float64]) -> Interval:
    """A mean of ratios that are shares, so that no end of its interval lies outside 0 to 1."""
    found = mean_of_ratios(above, below)
    low, high = (float(np.clip(value, 0, 1)) for value in (found.low, found.high))  # NaN stays NaN
    return Interval(found.estimate, low, high)


def _worst(shared: NDArray[np.float64], union: NDArray[np.float64], samples: Sequence[str]) -> tuple[WorstImage, ...]:
    occurs = union > 0
    each = (shared / np.maximum(union, 1)).sum(axis=1) / np.maximum(occurs.sum(axis=1), 1)
    return tuple(WorstImage(samples[row], float(each[row])) for row in map(int, np.argsort(each, kind="stable")[:_WORST]))
