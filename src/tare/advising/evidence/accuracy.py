"""Cross-validated accuracy of frozen features under several strategies, paired fold by fold and sample by sample."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tare.networks.heads.batched import weighted_logits
from tare.samples.layout import Doubles
from tare.statistics.intervals import Interval

#: Inverse penalty of the head, the same for all strategies: choosing it would cost 35 fits per fold.
STRENGTH = 1.0
FOLDS = 5
#: Rounds of five folds: more rounds on the same samples add little.
_ROUNDS = 2
#: Standard error of a difference in credit, divided by the standard error of independent samples. It exceeds 1 because the folds'
#: heads share most of their training samples. Measured on the benchmark's tasks on which the rule's constants were chosen.
SPREAD = 1.2


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """Accuracy ``(J,)`` of each strategy on J held-out folds, the same folds for all strategies, and credit ``(N,)`` per sample.

    A held-out sample's ``credit`` is the probability that a head gave to the sample's own class, averaged over the rounds of
    folds. Its mean is the expected accuracy of a head that guesses by its own probabilities. It differs between strategies as
    accuracy does, with less noise, since a sample near the decision border counts in part.

    ``by_classes`` ``(N,)`` is the credit by the network's old classes alone (:func:`tare.advising.evidence.leep.class_credit`);
    it is empty if the network has no old classes. ``ratio`` is the size of a held-out fold divided by that of its training part.
    """

    accuracy: Mapping[str, NDArray[np.float64]]
    credit: Mapping[str, NDArray[np.float64]]
    ratio: float
    by_classes: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def difference(self, strategy: str, baseline: str = "source") -> tuple[Interval, float]:
        """Mean paired difference in accuracy with its 95% interval, and its standard error (:func:`corrected`)."""
        return corrected(self.accuracy[strategy] - self.accuracy[baseline], self.ratio)

    def gain(self, strategy: str, baseline: str = "source") -> tuple[Interval, float]:
        """Mean paired difference in credit with its 95% interval, and its standard error over samples.

        The error is that of :func:`over_samples`.
        """
        return over_samples(self.credit[strategy] - self.credit[baseline])

    def gain_by_classes(self, strategy: str) -> float | None:
        """Mean difference from ``source`` in credit by the network's old classes; None if the network has none."""
        if not {strategy, "source"} <= self.by_classes.keys():
            return None
        return float(np.mean(self.by_classes[strategy] - self.by_classes["source"]))

    def level(self, strategy: str) -> Interval:
        """Mean accuracy with its 95% interval."""
        return corrected(self.accuracy[strategy], self.ratio)[0]


def corrected(values: NDArray[np.float64], ratio: float, confidence: float = 0.95) -> tuple[Interval, float]:
    """Mean over J folds, interval and standard error, corrected for training sets that overlap (Nadeau and Bengio 2003).

    Var = (1/J + n_test/n_train) S^2, and Student's t with J - 1 degrees of freedom.
    """
    if len(values) < 2:
        return _mean_and_error(values, math.nan, confidence)
    return _mean_and_error(values, math.sqrt((1 / len(values) + ratio) * float(np.var(values, ddof=1))), confidence)


def over_samples(values: NDArray[np.float64], confidence: float = 0.95) -> tuple[Interval, float]:
    """Mean of N differences, interval (Student's t) and standard error :data:`SPREAD` sqrt(S^2 / N + 1 / N^2).

    The term 1 / N is one sample that differs by 1: without it, samples that all agree would give an error of zero.
    """
    count = len(values)
    if count < 2:
        return _mean_and_error(values, math.nan, confidence)
    error = SPREAD * math.hypot(float(np.std(values, ddof=1)) / math.sqrt(count), 1 / count)
    return _mean_and_error(values, error, confidence)


def _mean_and_error(values: NDArray[np.float64], error: float, confidence: float) -> tuple[Interval, float]:
    from scipy import special

    mean = float(np.mean(values))
    half = float(special.stdtrit(len(values) - 1, 0.5 + confidence / 2)) * error
    return Interval(mean, mean - half, mean + half), error


def cross_validated(
    features: Mapping[str, NDArray[np.float32]],
    labels: NDArray[np.int64],
    seed: int,
    advance: Callable[[int], None] | None = None,
) -> Folds | None:
    """Fit the same head on the same folds of each strategy's features; None if no fold has two classes to train on.

    ``features`` are ``(N, D)``, or ``(V, N, D)`` for the samples and V - 1 altered copies of each. Heads are then fitted on all
    copies of their training samples, credit is averaged over a held-out sample's copies, and accuracy uses the samples alone.
    The folds are stratified. There are five, or as many as the most frequent class has samples; a fold may lack a rare class.
    """
    splits = list(_splits(labels, seed))
    if not splits:
        return None
    train = torch.zeros(len(splits), len(labels), dtype=torch.bool)
    for row, (chosen, _) in enumerate(splits):
        train[row, torch.from_numpy(chosen)] = True
    accuracy, credit = {}, {}
    for name, values in features.items():
        accuracy[name], credit[name] = _scored(values, labels, train)
        if advance is not None:
            advance(1)
    ratio = float(np.mean([len(test) / len(train) for train, test in splits]))
    return Folds(accuracy, credit, ratio)


def _scored(features: NDArray[np.float32], labels: NDArray[np.int64], train: torch.Tensor) -> tuple[Doubles, Doubles]:
    """Accuracy on each fold's held-out samples, and each sample's mean credit over the folds that hold it out.

    Raises :class:`tare.errors.DataError` if a feature is not finite.
    """
    copies = features[None] if features.ndim == 2 else features
    count, samples = copies.shape[:2]
    wanted = torch.from_numpy(labels).repeat(count)
    rows = torch.from_numpy(copies.reshape(count * samples, -1))
    # Divided by the number of copies, so that a sample weighs the same with copies and without.
    logits = weighted_logits(rows, wanted, train.repeat(1, count), STRENGTH / count)
    shares = logits.softmax(dim=2)
    held = (~train).double()
    hits = (shares[:, :samples].argmax(dim=2) == wanted[:samples]).double()
    own = shares.gather(2, wanted.expand(len(train), -1)[..., None])[..., 0].reshape(len(train), count, samples).mean(dim=1)
    credit = (own * held).sum(dim=0)[held.any(dim=0)] / held.sum(dim=0)[held.any(dim=0)]
    return ((hits * held).sum(dim=1) / held.sum(dim=1)).numpy(), credit.numpy()


def _splits(labels: NDArray[np.int64], seed: int) -> Sequence[tuple[NDArray[Any], NDArray[Any]]]:
    from sklearn.model_selection import RepeatedStratifiedKFold

    counts = np.bincount(labels)
    folds = min(FOLDS, int(counts.max()))
    if folds < 2 or int((counts > 0).sum()) < 2:
        return []
    splitter = RepeatedStratifiedKFold(n_splits=folds, n_repeats=_ROUNDS, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class may have fewer samples than there are folds: documented above, and still paired
        splits = list(splitter.split(np.zeros(len(labels)), labels))
    return [(train, test) for train, test in splits if len(np.unique(labels[train])) > 1 and len(test)]
