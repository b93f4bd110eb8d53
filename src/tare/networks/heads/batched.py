"""Logistic heads fitted together: those of several features by Newton's method, those of sample weights by bound optimisation.

Both minimise the objective of :func:`tare.networks.heads.reference.fit_head`. They stop at different distances from its optimum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from tare.networks.heads.reference import LinearHead, check_finite, divisors, fit_head, standardised

#: Largest number of unknowns of a head whose Hessian is formed; above it scikit-learn's quasi-Newton method takes less time.
_MOST_UNKNOWNS = 640
_NEWTON_STEPS = 50
_HALVINGS = 30
#: Largest derivative of the objective, per sample, at what counts as its optimum.
_TOLERANCE = 1e-8
#: Steps of bound optimisation at most, and the largest change of a standardised weight at which they end.
_BOUND_STEPS = 400
_SETTLED = 1e-3
#: A std below this share of the largest counts as 0: the variance is a difference of two sums, and this is its rounding.
_CONSTANT = 1e-7


def fit_heads(features: Sequence[NDArray[np.float32]], labels: NDArray[np.int64], *, strength: float) -> list[LinearHead]:
    """Fit a linear head on each of several features ``(N, D)`` of the same samples, with labels 0..K-1.

    Each head is the one that :func:`tare.networks.heads.reference.fit_head` fits. The objective, ``C sum(loss) + |W|^2 / 2`` of
    standardised features, is strictly convex but for a constant added to all biases, so every method finds the same optimum. By
    the representer theorem the weights lie in the span of the samples: with fewer samples than features that many unknowns per
    class suffice. Heads of more unknowns than Newton's method is worth, and those without an optimum found, are scikit-learn's.

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
    """Logits ``(B, N, K)`` of all samples by B heads, each fitted with sample weights of its own.

    ``features`` ``(N, D)``, ``labels`` ``(N,)`` of K classes, ``weights`` ``(B, N)`` of 0 or more: 0 leaves a sample out. Each
    head minimises its weighted sum of log losses + |W|^2 / (2 strength) on features standardised by the same weights, as
    scikit-learn's multinomial logistic regression does; for two classes W stands for two opposite halves of its one vector. A
    class without weight gets an ever lower logit. With more features than samples the heads are fitted in the N directions that
    samples span: the penalty keeps W there.

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
    """Weights and biases ``(B, R + 1, K)``: steps by the curvature bound (I - 11'/K) X'X / 2 of Boehning (1992).

    They are accelerated (Nesterov 1983) with restarts (O'Donoghue and Candes 2015).
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
    """Features ``(N, D)`` standardised by weights ``(B, N)``: ``(B, N, D)``."""
    total = weights.sum(dim=1)[:, None]
    mean = weights @ features / total
    variance = (weights @ features**2 / total - mean**2).clamp_min(0)
    spread = torch.from_numpy(divisors(variance.sqrt().numpy(), _CONSTANT))
    return (features[None] - mean[:, None]) / spread[:, None]


def _in_their_span(inputs: torch.Tensor) -> torch.Tensor:
    """Coordinates ``(B, N, N)`` of samples ``(B, N, D)`` in an orthonormal basis of what they span: X X' = U S U', U sqrt(S)."""
    values, vectors = torch.linalg.eigh(inputs @ inputs.mT)
    return vectors * values.clamp_min(0.0).sqrt()[:, None, :]  # type: ignore[no-any-return]


def _with_ones(inputs: torch.Tensor) -> torch.Tensor:
    """Inputs ``(B, N, R)`` with a last column of ones, whose weights are the biases."""
    return torch.cat([inputs, torch.ones_like(inputs[..., :1])], dim=2)


def _penalties(unknowns: int, classes: int) -> torch.Tensor:
    """Factors ``(R + 1,)`` of the penalty on each row of weights: none on the biases, which come last.

    Of two classes scikit-learn penalises the one difference of weights: twice as much as each class's half of it.
    """
    penalties = torch.full((unknowns,), 2.0 if classes == 2 else 1.0, dtype=torch.float64)
    penalties[-1] = 0.0
    return penalties


@dataclass(frozen=True, slots=True)
class _Problem:
    """``inputs`` (B, N, R + 1) with a last column of ones, ``wanted`` (N, K) one-hot, ``penalty`` (R + 1, 1), and C.

    What is sought is V ``(B, R + 1, K - 1)``; weights and biases are V Q' with the columns of Q ``(K, K - 1)`` orthonormal and
    each of sum 0, as the optimum's weights have over classes, so that no direction is left in which nothing changes.
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
        """Weights and biases ``(B, R + 1, K)``, and which problems reached their optimum.

        The gradient is in float64, and decides; the Hessian that gives the direction is in float32, which costs half. A problem
        that is solved is left alone, so that its solution does not depend on the others.
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
        """The objective ``(B,)`` and the probabilities ``(B, N, K)``."""
        logits = torch.log_softmax(self.inputs @ (found @ self.basis.mT), dim=2)
        loss = -self.strength * (logits * self.wanted).sum(dim=(1, 2)) + 0.5 * (self.penalty * found.square()).sum(dim=(1, 2))
        return loss, logits.exp()

    def _direction(self, gradient: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
        """Newton's step: minus the inverse Hessian times the gradient.

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
        factor, _ = torch.linalg.cholesky_ex(hessian)  # one that fails gives no optimum, and is left to scikit-learn
        step = torch.cholesky_solve(flat, factor)
        return -step.reshape(len(blocks), free, size).mT.double()

    def _moved(
        self, found: torch.Tensor, loss: torch.Tensor, step: torch.Tensor, slope: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """A step along ``step``, halved where the objective does not fall by a share of what its slope promises."""
        length = torch.ones_like(loss)
        for _ in range(_HALVINGS):
            moved = found + length[:, None, None] * step
            after, shares = self._evaluated(moved)
            risen = after > loss + 1e-4 * length * slope + 1e-12 * loss.abs()
            if not bool(risen.any()):
                break
            length = torch.where(risen, length / 2, length)
        return moved, after, shares
