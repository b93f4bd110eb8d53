"""The frozen probe: a regularised logistic head on the features of an unchanged network."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tare.errors import DataError
from tare.folding.first_layers import evaluating
from tare.networks.heads.pass_size import pass_size

_STRENGTHS = tuple(10.0**power for power in range(-4, 3))


@dataclass(frozen=True, slots=True)
class LinearHead:
    """Logits ``features @ weight.T + bias``; weight ``(K, D)``, bias ``(K,)``; ``strength`` is the inverse penalty C."""

    weight: NDArray[np.float64]
    bias: NDArray[np.float64]
    strength: float

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the class indices ``(N,)`` of features ``(N, D)``."""
        return np.asarray(self.logits(features).argmax(axis=1), dtype=np.int64)

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the logits ``(N, K)`` of features ``(N, D)``."""
        return np.asarray(features @ self.weight.T + self.bias, dtype=np.float64)


@torch.inference_mode()
def features_of(
    module: nn.Module,
    head: str,
    batches: Iterable[torch.Tensor],
    prepare: Callable[[torch.Tensor], torch.Tensor],
) -> NDArray[np.float32]:
    """Return the inputs ``(N, D)`` of the classifier ``head`` in eval mode, for batches passed through ``prepare``."""
    caught: list[torch.Tensor] = []
    on_cpu = all(parameter.device.type == "cpu" for parameter in module.parameters())

    def catch(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        caught.append(inputs[0].flatten(1).float().cpu())

    hook = module.get_submodule(head).register_forward_pre_hook(catch)
    try:
        with evaluating(module):
            for batch in batches:
                for part in torch.split(batch, pass_size(batch.shape[1:], len(batch)) if on_cpu else len(batch)):
                    module(prepare(part))
    finally:
        hook.remove()
    return torch.cat(caught).numpy()


def fit_head(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    seed: int = 0,
    strength: float | None = None,
    balanced: bool = False,
) -> LinearHead:
    """Fit a multinomial logistic head (scikit-learn, L2, lbfgs) on standardised features; labels must be 0..K-1.

    Without ``strength`` the inverse penalty C is chosen from 1e-4..1e2 by stratified cross-validated log loss on these samples
    alone. ``balanced`` weighs a class of n_k of n samples by n / (K n_k). The standardisation is folded into the head.

    Raises :class:`DataError` if a feature is not finite.
    """
    from sklearn.linear_model import LogisticRegression

    standard, centre, spread = standardised(features)
    weights = "balanced" if balanced else None
    chosen = strength if strength is not None else _choose_strength(standard, labels, seed, weights)
    model = LogisticRegression(C=chosen, max_iter=2000, class_weight=weights).fit(standard, labels)
    weight, bias = model.coef_ / spread, model.intercept_
    if len(bias) == 1:  # two classes come as one logit
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return LinearHead(weight, bias - weight @ centre, chosen)


def standardised(
    features: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return features ``(N, D)`` with mean 0 and std 1 per column, the means, and the divisors (1 for constant columns).

    Raises :class:`DataError` if a feature is not finite.
    """
    check_finite(features)
    centre = features.mean(axis=0, dtype=np.float64)
    spread = divisors(features.std(axis=0, dtype=np.float64), 1e-8)
    return (features - centre) / spread, centre, spread


def check_finite(features: NDArray[Any]) -> None:
    """Raise :class:`DataError` if a feature is not finite."""
    if not np.isfinite(features).all():
        raise DataError("finite features", "NaN or infinity", "check the weights and the normalisation of the network")


def divisors(spread: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Return the stds ``(..., D)`` to divide by: 1 for a feature whose std is below ``share`` of the largest, a constant one."""
    largest = np.maximum(spread.max(axis=-1, keepdims=True), 1.0)
    return np.where(spread < share * largest, 1.0, spread)


def _choose_strength(features: NDArray[np.float64], labels: NDArray[np.int64], seed: int, weights: str | None) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    folds = min(5, int(np.bincount(labels).min()))
    if folds < 2:
        return 1.0  # a class with a single sample cannot be split for validation
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    scores = [
        cross_val_score(
            LogisticRegression(C=c, max_iter=2000, class_weight=weights), features, labels, cv=splitter, scoring="neg_log_loss"
        ).mean()
        for c in _STRENGTHS
    ]
    return _STRENGTHS[int(np.argmax(scores))]  # the first of equals: the strongest penalty
