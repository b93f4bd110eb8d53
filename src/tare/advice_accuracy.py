"""Cross-validated accuracy of frozen features under several strategies, paired fold by fold."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tare.errors import DataError
from tare.fold_heads import fold_logits
from tare.intervals import Interval

Array = NDArray[np.float64]

#: Inverse penalty of the head, the same for all strategies: choosing it would cost 35 fits a fold.
STRENGTH = 1.0
FOLDS = 5
#: Rounds of five folds; above so many samples two, since other folds of the same samples then say little new.
_REPEATS, _FEWER, _MANY = 5, 2, 120


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """Accuracy and log loss ``(J,)`` of each strategy on J held-out folds, the same folds for all.

    ``ratio`` is the size of a held-out fold over that of its training part.
    """

    accuracy: Mapping[str, NDArray[np.float64]]
    loss: Mapping[str, NDArray[np.float64]]
    ratio: float
    repeats: int
    folds: int

    def difference(self, strategy: str, baseline: str = "source") -> tuple[Interval, float]:
        """Mean paired difference in accuracy with its 95% interval, and its standard error (:func:`corrected`)."""
        return corrected(self.accuracy[strategy] - self.accuracy[baseline], self.ratio)

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


def cross_validated(
    features: Mapping[str, NDArray[np.float32]],
    labels: NDArray[np.int64],
    seed: int,
    advance: Callable[[int], None] | None = None,
) -> Folds | None:
    """Fit the same head on the same folds of each strategy's features; None where labels leave nothing to compare.

    Folds are stratified, five where every class has five samples; with rarer classes a fold may lack one.
    """
    splits = list(_splits(labels, seed))
    if not splits:
        return None
    train = torch.zeros(len(splits), len(labels), dtype=torch.bool)
    for row, (chosen, _) in enumerate(splits):
        train[row, torch.from_numpy(chosen)] = True
    accuracy, loss = {}, {}
    for name, values in features.items():
        accuracy[name], loss[name] = _scored(values, labels, train)
        if advance is not None:
            advance(1)
    ratio = float(np.mean([len(test) / len(train) for train, test in splits]))
    return Folds(accuracy, loss, ratio, repeats_of(len(labels)), len(splits))


def repeats_of(samples: int) -> int:
    """How many rounds of folds are drawn."""
    return _REPEATS if samples <= _MANY else _FEWER


def _scored(features: NDArray[np.float32], labels: NDArray[np.int64], train: torch.Tensor) -> tuple[Array, Array]:
    """Accuracy and mean log loss on each fold's held-out samples; the loss of one sample counts up to ln(1e6).

    Raises :class:`DataError` if a feature is not finite.
    """
    if not np.isfinite(features).all():
        raise DataError("finite features", "NaN or infinity", "check the weights and the normalisation of the network")
    wanted = torch.from_numpy(labels)
    shares = fold_logits(torch.from_numpy(features), wanted, train, STRENGTH).log_softmax(dim=2)
    held = (~train).double()
    hits = (shares.argmax(dim=2) == wanted).double()
    lost = -shares.gather(2, wanted.expand(len(train), -1)[..., None])[..., 0].clamp_min(-math.log(1e6))
    return tuple(((scores * held).sum(dim=1) / held.sum(dim=1)).numpy() for scores in (hits, lost))  # type: ignore[return-value]


def _splits(labels: NDArray[np.int64], seed: int) -> Sequence[tuple[NDArray[Any], NDArray[Any]]]:
    from sklearn.model_selection import RepeatedStratifiedKFold

    counts = np.bincount(labels)
    repeats = repeats_of(len(labels))
    folds = min(FOLDS, int(counts.max()))
    if folds < 2 or int((counts > 0).sum()) < 2:
        return []
    splitter = RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that some class is rarer than there are folds: documented, and paired all the same
        splits = list(splitter.split(np.zeros(len(labels)), labels))
    return [(train, test) for train, test in splits if len(np.unique(labels[train])) > 1 and len(test)]
