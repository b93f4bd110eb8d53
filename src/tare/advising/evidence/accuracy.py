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

#: Inverse penalty of the head, the same for all strategies: choosing it would cost 35 fits a fold.
STRENGTH = 1.0
FOLDS = 5
#: Rounds of five folds: other folds of the same samples say little new.
_ROUNDS = 2
#: The standard error of a difference in credit over that of independent samples: heads share most of their training samples, and
#: are fitted on fewer than the one that counts. Measured on the benchmark's tasks that constants are chosen on.
SPREAD = 1.2


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """Accuracy ``(J,)`` of each strategy on J held-out folds, the same folds for all, and what each sample's class was given.

    ``credit`` ``(N,)`` is the probability that a head gave to a held-out sample's own class, mean over the rounds of folds. Its
    mean is the accuracy of a head that guesses as sure as it is. Between two strategies it differs as accuracy does and with less
    noise, since a sample near the border counts as one there and not as right or wrong.
    ``by_classes`` ``(N,)`` is the same from the network's old classes alone (:func:`tare.advising.evidence.leep.class_credit`);
    empty where it has none. ``ratio`` is the size of a held-out fold over that of its training part.
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

        That is :data:`SPREAD` times the one of independent samples, and never below it for one sample that differs by 1.
        """
        return over_samples(self.credit[strategy] - self.credit[baseline])

    def gain_by_classes(self, strategy: str) -> float | None:
        """Mean difference to ``source`` in what the network's old classes tell of the new ones; None where they do not."""
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
    from scipy import special

    count, mean = len(values), float(np.mean(values))
    if count < 2:
        return Interval(mean, math.nan, math.nan), math.nan
    error = math.sqrt((1 / count + ratio) * float(np.var(values, ddof=1)))
    half = float(special.stdtrit(count - 1, 0.5 + confidence / 2)) * error
    return Interval(mean, mean - half, mean + half), error


def over_samples(values: NDArray[np.float64], confidence: float = 0.95) -> tuple[Interval, float]:
    """Mean of N differences, interval (Student's t) and standard error :data:`SPREAD` sqrt(S^2 / N + 1 / N^2)."""
    from scipy import special

    count, mean = len(values), float(np.mean(values))
    if count < 2:
        return Interval(mean, math.nan, math.nan), math.nan
    error = SPREAD * math.hypot(float(np.std(values, ddof=1)) / math.sqrt(count), 1 / count)
    half = float(special.stdtrit(count - 1, 0.5 + confidence / 2)) * error
    return Interval(mean, mean - half, mean + half), error


def cross_validated(
    features: Mapping[str, NDArray[np.float32]],
    labels: NDArray[np.int64],
    seed: int,
    advance: Callable[[int], None] | None = None,
) -> Folds | None:
    """Fit the same head on the same folds of each strategy's features; None where labels leave nothing to compare.

    ``features`` are ``(N, D)``, or ``(V, N, D)`` of the samples and V - 1 altered copies of each: heads are then fitted on all
    copies of their training samples, credit is the mean over a held-out sample's copies, and accuracy that of the samples.
    Folds are stratified, five where every class has five samples; with rarer classes a fold may lack one.
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
    # Divided by the number of copies, so that a sample weighs what it does without copies.
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
        warnings.simplefilter("ignore")  # that some class is rarer than there are folds: documented, and paired all the same
        splits = list(splitter.split(np.zeros(len(labels)), labels))
    return [(train, test) for train, test in splits if len(np.unique(labels[train])) > 1 and len(test)]
