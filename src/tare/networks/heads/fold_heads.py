"""Logistic heads of many folds at once: the heads of :func:`tare.networks.heads.reference.fit_head`, solved together."""

from __future__ import annotations

import torch

#: Steps at most, and the largest change of a standardised weight at which they end.
_STEPS = 400
_SETTLED = 1e-3


@torch.inference_mode()
def fold_logits(features: torch.Tensor, labels: torch.Tensor, train: torch.Tensor, strength: float) -> torch.Tensor:
    """Logits ``(J, N, K)`` of all samples by the head that each fold's training samples give.

    ``features`` ``(N, D)``, ``labels`` ``(N,)`` of K classes, ``train`` ``(J, N)`` true for the samples that fold j is fitted on.
    Each head minimises its summed log loss + |W|^2 / (2 strength) on features standardised by the fold's own training samples, as
    scikit-learn's multinomial logistic regression does; for two classes W stands for two opposite halves of its one vector.
    A class that a fold lacks gets an ever lower logit.

    Steps follow the curvature bound (I - 11'/K) X'X / 2 of Boehning (1992), accelerated (Nesterov 1983) with restarts
    (O'Donoghue and Candes 2015). With more features than samples they are taken in the N directions that samples span: the
    penalty keeps W there.
    """
    classes = int(labels.max()) + 1
    kept = train.double()
    scaled = _standardised(features.double(), kept)
    if features.shape[1] > len(labels):
        scaled = _in_their_span(scaled)
    inputs = torch.cat([scaled, torch.ones(*scaled.shape[:2], 1, dtype=torch.float64)], dim=2)
    wanted = torch.nn.functional.one_hot(labels, classes).double()
    penalty = torch.full((inputs.shape[2],), (2.0 if classes == 2 else 1.0) / strength, dtype=torch.float64)
    penalty[-1] = 0.0
    bound = 0.5 * (inputs * kept[..., None]).mT @ inputs + torch.diag(penalty + 1e-9)
    solver = torch.linalg.cholesky(bound)
    weight = torch.zeros(len(train), inputs.shape[2], classes, dtype=torch.float64)
    ahead, momentum = weight, 1.0
    for _ in range(_STEPS):
        wrong = (torch.softmax(inputs @ ahead, dim=2) - wanted) * kept[..., None]
        step = torch.cholesky_solve(inputs.mT @ wrong + penalty[:, None] * ahead, solver)
        new = ahead - step
        moved = new - weight
        if float(moved.abs().max()) < _SETTLED:
            weight = new
            break
        if float((step * moved).sum()) > 0:  # the momentum points uphill: start again from here
            ahead, momentum = new, 1.0
        else:
            following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
            ahead = new + (momentum - 1) / following * moved
            momentum = following
        weight = new
    return inputs @ weight


def _standardised(features: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    """Features ``(J, N, D)`` standardised by each fold's training samples."""
    count = kept.sum(dim=1)[:, None]
    mean = kept @ features / count
    variance = (kept @ features**2 / count - mean**2).clamp_min(0)
    spread = variance.sqrt()
    largest = spread.amax(dim=1, keepdim=True).clamp_min(1.0)
    spread = torch.where(spread < 1e-7 * largest, torch.ones_like(spread), spread)
    return (features[None] - mean[:, None]) / spread[:, None]


def _in_their_span(inputs: torch.Tensor) -> torch.Tensor:
    """Coordinates ``(J, N, N)`` of samples ``(J, N, D)`` in an orthonormal basis of what they span: X X' = U S U', U sqrt(S)."""
    values, vectors = torch.linalg.eigh(inputs @ inputs.mT)
    return vectors * values.clamp_min(0.0).sqrt()[:, None, :]  # type: ignore[no-any-return]
