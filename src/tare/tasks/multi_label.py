"""Any number of labels for each sample."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from tare.errors import DataError
from tare.tasks.classification import natural
from tare.tasks.evaluations.figure import Evaluation
from tare.tasks.evaluations.multi_label import LabelEvaluation, evaluate_labels
from tare.tasks.names import TaskName
from tare.tasks.task import Epochs, Target, Task, Texts

if TYPE_CHECKING:
    from torchmetrics import Metric

_SEPARATORS = ";|,"
_MARKS = {"0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0, "0.0": 0.0, "1.0": 1.0}


@dataclass(frozen=True)
class MultiLabel(Task):
    """Any number of labels for each sample: a logit a label, binary cross-entropy, probabilities by the logistic function.

    ``thresholds`` are the probabilities from which on a label is given; 0.5 each if there are none.
    """

    thresholds: tuple[float, ...] = ()

    name: ClassVar[TaskName] = "multi-label"
    epochs: ClassVar[Epochs] = Epochs("map", "validation mean average precision")
    noun: ClassVar[str] = "labels"
    unfit: ClassVar[Mapping[str, Any]] = {"label_smoothing": 0.0, "class_weights": "none", "mixup": 0.0, "cutmix": 0.0}

    @classmethod
    def read(cls, columns: Sequence[str], rows: Sequence[Texts], where: str) -> tuple[tuple[str, ...], list[Target]]:
        """The labels, and a 0 or 1 for each in every sample: from columns of marks, or from lists in one column.

        A list is ``cat;dog``, ``cat|dog``, ``cat, dog`` or ``['cat', 'dog']``; ``-`` is a sample without a label. Raises
        :class:`DataError` for a column of other values than 0 and 1, and for a single label.
        """
        if len(columns) > 1:
            return tuple(columns), [tuple(_mark(text, columns, where) for text in row) for row in rows]
        texts = [row[0] for row in rows]
        separator = _separator(texts)
        lists = [tuple(_labels_in(text, separator)) for text in texts]
        if {label for labels in lists for label in labels} <= set(_MARKS) and len({*map(len, lists)}) == 1:
            return cls.read([f"{columns[0]}{place}" for place in range(len(lists[0]))], lists, where)
        names = tuple(sorted({label for labels in lists for label in labels}, key=natural))
        if len(names) < 2:
            found = f"only {', '.join(map(repr, names)) or 'none'} in {where!r}"
            raise DataError("at least two labels", found, "separate labels by ; in one column, or name columns of 0 and 1")
        return names, [tuple(float(name in labels) for name in names) for labels in map(set, lists)]

    @classmethod
    def of(cls, names: tuple[str, ...], targets: Sequence[Target], where: str) -> Self:
        """The task of these training targets. Raises :class:`DataError` for a label that no, or every, sample has."""
        counts = np.asarray(targets, np.float64).sum(axis=0)
        for name, count in zip(names, counts, strict=True):
            if count in (0, len(targets)):
                found = f"{name!r} on {count:.0f} of {len(targets)} training samples of {where!r}"
                raise DataError("labels that some training samples have and others lack", found, "leave this label out")
        return cls(names)

    @classmethod
    def of_json(cls, names: tuple[str, ...], document: Mapping[str, Any]) -> Self:
        """Read the thresholds."""
        thresholds = tuple(float(value) for value in document["thresholds"])
        if len(thresholds) not in (0, len(names)) or not all(0 <= value <= 1 for value in thresholds):
            raise ValueError("a threshold between 0 and 1 for each label")
        return cls(names, thresholds)

    def to_json(self) -> dict[str, Any]:
        """The thresholds."""
        return {"name": self.name, "thresholds": list(self.thresholds)}

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None, smoothing: float) -> torch.Tensor:
        """The mean binary cross-entropy over samples and labels."""
        del weights, smoothing
        return functional.binary_cross_entropy_with_logits(outputs, targets)

    def metric(self) -> Metric:
        """The mean average precision over labels."""
        from tare.tasks.label_precision import MeanPrecision

        return MeanPrecision(len(self.names))

    def answers(self, outputs: torch.Tensor) -> torch.Tensor:
        """The probability of each label."""
        return outputs.sigmoid()

    def judged(self, evaluation: Evaluation) -> MultiLabel:
        """The task with the thresholds of the highest F1 on the validation split."""
        assert isinstance(evaluation, LabelEvaluation)  # noqa: S101 - what evaluated gave
        return replace(self, thresholds=evaluation.thresholds)

    def present(self, answer: Sequence[float]) -> tuple[str, ...]:
        """The labels whose probability reaches their threshold."""
        limits = self.thresholds or (0.5,) * len(self.names)
        return tuple(name for name, value, limit in zip(self.names, answer, limits, strict=True) if value >= limit)

    def headings(self, top: int) -> tuple[str, ...]:
        """The labels given, and the probability of every label."""
        del top
        return ("labels", *self.names)

    def cells(self, said: Sequence[tuple[str, float]], present: Sequence[str]) -> tuple[str, ...]:
        """The labels given with semicolons between, and the probability of every label."""
        return (";".join(present), *(f"{value:.6f}" for _, value in said))

    def evaluated(self, outputs: NDArray[np.floating[Any]], targets: Sequence[Target], samples: Sequence[str]) -> LabelEvaluation:
        """Average precision, and precision and recall at the threshold, of each label; the best one if there is none yet."""
        from scipy.special import expit

        answers, marks = expit(np.asarray(outputs, np.float64)), np.asarray(targets, np.float64)
        return evaluate_labels(answers, marks, self.names, samples, self.thresholds)


def _separator(texts: Sequence[str]) -> str:
    """The sign between labels: the first of ``;``, ``|`` and ``,`` that occurs, or a blank where its words are labels, too."""
    signs = {sign for text in texts for sign in text}
    known = {*texts}
    blank = any(len(words := text.split()) > 1 and all(word in known for word in words) for text in known)
    return next((sign for sign in _SEPARATORS if sign in signs), " " if blank else ";")


def _labels_in(text: str, separator: str) -> Iterator[str]:
    if text[:1] in ("[", "{") and text[-1:] in ("]", "}"):
        try:
            found = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            found = [part.strip("'\" ") for part in text[1:-1].split(",")]
        yield from (str(label) for label in found if str(label))
        return
    yield from (part.strip() for part in text.split(separator) if part.strip() not in ("", "-"))


def _mark(text: str, columns: Sequence[str], where: str) -> float:
    if text.strip().lower() not in _MARKS:
        found = f"{text!r} in one of {', '.join(columns[:8])} of {where!r}"
        raise DataError("0 or 1 in every column of labels", found, "leave these samples out, or name other columns")
    return _MARKS[text.strip().lower()]
