"""Fit many logistic heads together: on several feature sets by Newton's method, on many sample weights by bound optimisation.

Both minimise the objective of :func:`tare.networks.heads.reference.fit_head`, and stop at different distances from its optimum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from tare.networks.heads.reference import LinearHead, check_finite, divisors, fit_head, standardised

#: Heads with more unknowns than this are left to scikit-learn, whose quasi-Newton method then takes less time than a Hessian.
_MOST_UNKNOWNS = 640
_NEWTON_STEPS = 50
_HALVINGS = 30
#: A point counts as the optimum if no derivative of the objective, per sample, is larger.
_TOLERANCE = 1e-8
#: Bound optimisation ends after this many steps, or when no standardised weight changes by more than ``_SETTLED``.
_BOUND_STEPS = 400
_SETTLED = 1e-3
#: A std below this share of the largest counts as 0: it is the rounding of a variance computed as a difference of two sums.
_CONSTANT = 1e-7


def fit_heads(features: Sequence[NDArray[np.float32]], labels: NDArray[np.int64], *, strength: float) -> list[LinearHead]:
    """Fit one linear head on each of several feature sets ``(N, D)`` of the same samples, with labels 0..K-1.

    Each head equals that of :func:`tare.networks.heads.reference.fit_head`. The objective, ``C sum(loss) + |W|^2 / 2`` of
    standardised features, is strictly convex up to a constant added to all biases, so every method finds the same optimum. By
    the representer theorem the weights lie in the span of the samples: with N < D samples, N unknowns per class suffice.
    scikit-learn fits the heads that have too many unknowns for Newton's method, or for which it finds no optimum.

    Raises :class:`tare.errors.DataError` if a feature is not finite.
    """
    if not features:
        return []
    count, width = features[0].shape
    classes = int(labels.max()) + 1
    if (min(count, width) + 1) * (classes - 1) > _MOST_UNKNOWNS:
        return [fit_head(each, labels, strength=strength) for each in features]
    scaled = [standardised(each) for each in features]
    inputs = torch.from_numpy(np.stack([standard for standard, _, _ in scaled]))
    basis = None
    if count < width:
        basis, upper = torch.linalg.qr(inputs.transpose(1, 2))
        inputs = upper.transpose(1, 2)
    found, solved = _Problem.of(inputs, torch.from_numpy(labels), classes, strength).minimised()
    weights, biases = found[:, :-1], found[:, -1]
    if basis is not None:
        weights = basis @ weights
    heads = []
    for index, (_, centre, spread) in enumerate(scaled):
        if not solved[index]:
            heads.append(fit_head(features[index], labels, strength=strength))
            continue
        weight = weights[index].T.numpy() / spread
        heads.append(LinearHead(weight, biases[index].numpy() - weight @ centre, strength))
    return heads


@torch.inference_mode()
def weighted_logits(features: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor, strength: float) -> torch.Tensor:
    """Return the logits ``(B, N, K)`` of all samples under B heads, each fitted with its own sample weights.

    ``features`` ``(N, D)``, ``labels`` ``(N,)`` of K classes, ``weights`` ``(B, N)`` of 0 or more: weight 0 omits a sample. Each
    head minimises its weighted sum of log losses + |W|^2 / (2 strength) on features standardised by the same weights, as
    scikit-learn's multinomial logistic regression does. For two classes W holds two opposite halves of scikit-learn's one vector.
    The logit of a class without weight falls without bound. With more features than samples the heads are fitted in the N
    directions that the samples span, which the penalty never leaves.

    Raises :class:`tare.errors.DataError` if a feature is not finite.
    """
    check_finite(features.numpy())
    classes = int(labels.max()) + 1
    weights = weights.double()
    scaled = _standardised(features.double(), weights)
    if features.shape[1] > len(labels):
        scaled = _in_their_span(scaled)
    inputs = _with_ones(scaled)
    wanted = torch.nn.functional.one_hot(labels, classes).double()
    return inputs @ _by_bound(inputs, wanted, weights[..., None], _penalties(inputs.shape[2], classes) / strength)


def _by_bound(inputs: torch.Tensor, wanted: torch.Tensor, weights: torch.Tensor, penalty: torch.Tensor) -> torch.Tensor:
    """Minimise by steps under the curvature bound (I - 11'/K) X'X / 2 of Boehning (1992); weights and biases ``(B, R + 1, K)``.

    The steps are accelerated (Nesterov 1983) with restarts (O'Donoghue and Candes 2015).
    """
    bound = 0.5 * (inputs * weights).mT @ inputs + torch.diag(penalty + 1e-9)
    solver = torch.linalg.cholesky(bound)
    found = torch.zeros(len(inputs), inputs.shape[2], wanted.shape[1], dtype=torch.float64)
    ahead, momentum = found, 1.0
    for _ in range(_BOUND_STEPS):
        wrong = (torch.softmax(inputs @ ahead, dim=2) - wanted) * weights
        step = torch.cholesky_solve(inputs.mT @ wrong + penalty[:, None] * ahead, solver)
        new = ahead - step
        moved = new - found
        found = new
        if float(moved.abs().max()) < _SETTLED:
            break
        if float((step * moved).sum()) > 0:  # the momentum points uphill: start again from here
            ahead, momentum = new, 1.0
        else:
            following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
            ahead = new + (momentum - 1) / following * moved
            momentum = following
    return found


def _standardised(features: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Standardise features ``(N, D)`` under each row of weights ``(B, N)``: ``(B, N, D)``."""
    total = weights.sum(dim=1)[:, None]
    mean = weights @ features / total
    variance = (weights @ features**2 / total - mean**2).clamp_min(0)
    spread = torch.from_numpy(divisors(variance.sqrt().numpy(), _CONSTANT))
    return (features[None] - mean[:, None]) / spread[:, None]


def _in_their_span(inputs: torch.Tensor) -> torch.Tensor:
    """Return samples ``(B, N, D)`` in an orthonormal basis of their span ``(B, N, N)``: U sqrt(S), where X X' = U S U'."""
    values, vectors = torch.linalg.eigh(inputs @ inputs.mT)
    return vectors * values.clamp_min(0.0).sqrt()[:, None, :]  # type: ignore[no-any-return]


def _with_ones(inputs: torch.Tensor) -> torch.Tensor:
    """Append a column of ones to inputs ``(B, N, R)``; its weights are the biases."""
    return torch.cat([inputs, torch.ones_like(inputs[..., :1])], dim=2)


def _penalties(unknowns: int, classes: int) -> torch.Tensor:
    """Return the factors ``(R + 1,)`` of the penalty on each row of weights; the biases come last and are not penalised.

    For two classes scikit-learn penalises the difference of their weights, which is twice each class's half.
    """
    penalties = torch.full((unknowns,), 2.0 if classes == 2 else 1.0, dtype=torch.float64)
    penalties[-1] = 0.0
    return penalties


@dataclass(frozen=True, slots=True)
class _Problem:
    """``inputs`` (B, N, R + 1) with a last column of ones, ``wanted`` (N, K) one-hot, ``penalty`` (R + 1, 1), and C.

    The unknown is V ``(B, R + 1, K - 1)``. Weights and biases are V Q'; the columns of Q ``(K, K - 1)`` are orthonormal and each
    sums to 0, as the optimum's weights do over classes. This removes the direction in which the objective is constant.
    """

    inputs: torch.Tensor
    single: torch.Tensor
    wanted: torch.Tensor
    penalty: torch.Tensor
    strength: float
    basis: torch.Tensor

    @classmethod
    def of(cls, inputs: torch.Tensor, labels: torch.Tensor, classes: int, strength: float) -> _Problem:
        extended = _with_ones(inputs)
        penalty = _penalties(extended.shape[2], classes)[:, None]
        wanted = torch.nn.functional.one_hot(labels, classes).to(inputs.dtype)
        centring = torch.eye(classes, dtype=inputs.dtype) - 1.0 / classes
        basis = torch.linalg.qr(centring[:, 1:])[0]
        return cls(extended, extended.float(), wanted, penalty, strength, basis)

    def minimised(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return weights and biases ``(B, R + 1, K)``, and a mask of the problems that reached their optimum.

        The gradient, which decides when to stop, is in float64. The Hessian, which only gives the direction, is in float32 at
        half the cost. A solved problem is no longer changed, so its solution does not depend on the other problems.
        """
        best = torch.zeros((len(self.inputs), self.inputs.shape[2], self.basis.shape[1]), dtype=self.inputs.dtype)
        reached = torch.zeros(len(best), dtype=torch.bool)
        limit = _TOLERANCE * self.strength * len(self.wanted)
        left, problem, found = torch.arange(len(best)), self, best
        loss, shares = problem._evaluated(found)
        for _ in range(_NEWTON_STEPS):
            wrong = (shares - self.wanted) @ self.basis
            gradient = self.strength * (problem.inputs.mT @ wrong) + self.penalty * found
            solved = gradient.abs().amax(dim=(1, 2)) <= limit
            if bool(solved.any()):
                best[left[solved]], reached[left[solved]] = found[solved], True
                going = ~solved
                problem = replace(problem, inputs=problem.inputs[going], single=problem.single[going])
                left, found, loss, shares, gradient = (each[going] for each in (left, found, loss, shares, gradient))
            if not len(left):
                break
            step = problem._direction(gradient, shares)
            found, loss, shares = problem._moved(found, loss, step, (gradient * step).sum(dim=(1, 2)))
        return best @ self.basis.mT, reached

    def _evaluated(self, found: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the objective ``(B,)`` and the probabilities ``(B, N, K)``."""
        logits = torch.log_softmax(self.inputs @ (found @ self.basis.mT), dim=2)
        loss = -self.strength * (logits * self.wanted).sum(dim=(1, 2)) + 0.5 * (self.penalty * found.square()).sum(dim=(1, 2))
        return loss, logits.exp()

    def _direction(self, gradient: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
        """Return Newton's step: minus the inverse Hessian times the gradient.

        Block ab of the Hessian is C sum_i c_iab x_i x_i' + penalty, with c_i = Q' (diag(p_i) - p_i p_i') Q.
        """
        size, free = gradient.shape[1:]
        rows, columns = torch.triu_indices(free, free)
        single, basis = shares.float(), self.basis.float()
        turned = single @ basis
        curved = single @ (basis[:, rows] * basis[:, columns]) - turned[..., rows] * turned[..., columns]
        weighted = (self.strength * curved)[..., None] * self.single[:, :, None, :]
        blocks = (self.single.mT @ weighted.flatten(2)).reshape(len(shares), size, len(rows), size)
        pair = torch.empty((free, free), dtype=torch.int64)
        pair[rows, columns] = pair[columns, rows] = torch.arange(len(rows))
        hessian = blocks[:, :, pair].permute(0, 2, 1, 3, 4).reshape(len(blocks), free * size, free * size)
        hessian.diagonal(dim1=1, dim2=2).add_(self.penalty[:, 0].float().repeat(free))
        flat = gradient.mT.reshape(len(blocks), free * size, 1).float()
        factor, _ = torch.linalg.cholesky_ex(hessian)  # a failed problem finds no optimum and falls to scikit-learn
        step = torch.cholesky_solve(flat, factor)
        return -step.reshape(len(blocks), free, size).mT.double()

    def _moved(
        self, found: torch.Tensor, loss: torch.Tensor, step: torch.Tensor, slope: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Move along ``step``, halved until the objective falls by a share of the decrease that its slope predicts."""
        length = torch.ones_like(loss)
        for _ in range(_HALVINGS):
            moved = found + length[:, None, None] * step
            after, shares = self._evaluated(moved)
            risen = after > loss + 1e-4 * length * slope + 1e-12 * loss.abs()
            if not bool(risen.any()):
                break
            length = torch.where(risen, length / 2, length)
        return moved, after, shares
