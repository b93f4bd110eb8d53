"""AdamW with a one-cycle rate, over all weights of a network as one vector.

``torch.optim`` computes the same, but its first use loads a compiler for two seconds, and its loop over the weights takes as long
as a step of a small network.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import accumulate

import torch
from torch import nn

#: AdamW: decay of the squared gradient's mean, and the number added to its root.
_SECOND, _EPSILON = 0.999, 1e-8
#: The cycle: the share of steps with a rising rate; the peak divided by the first rate; the first divided by the last rate.
_RISING, _START, _END = 0.3, 25.0, 1e4
#: The cycle: decay of the gradient's mean at the ends and at the peak.
_FIRST = (0.95, 0.85)


class AdamW:
    """Decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101) in the cycle of ``OneCycleLR`` (Smith, arXiv 1708.07120).

    It equals ``torch.optim.AdamW`` with ``OneCycleLR(optimiser, rate, total_steps=steps)``, cycled momentum included. Meanwhile
    the parameters and their gradients are views of two vectors; :meth:`done` makes them separate tensors again.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], *, rate: float, steps: int, decay: float) -> None:
        self.parameters = [each for each in parameters if each.requires_grad]
        self.rate, self.steps, self.decay, self.taken = rate, steps, decay, 0
        ends = list(accumulate(each.numel() for each in self.parameters))
        total, like = (ends or [0])[-1], self.parameters[0]
        self.weights, self.slopes, self.mean, self.square = (like.new_zeros(total) for _ in range(4))
        for each, end in zip(self.parameters, ends, strict=True):
            begin = end - each.numel()
            weight, slope = (vector[begin:end].as_strided(each.shape, each.stride()) for vector in (self.weights, self.slopes))
            weight.copy_(each.detach())
            each.data, each.grad = weight, slope

    @torch.no_grad()
    def step(self) -> None:
        """Move the weights by their accumulated gradients, and set the gradients to zero."""
        rate, first = one_cycle(self.taken, self.steps, self.rate)
        self.taken += 1
        self.weights.mul_(1 - rate * self.decay)
        self.mean.lerp_(self.slopes, 1 - first)
        self.square.mul_(_SECOND).addcmul_(self.slopes, self.slopes, value=1 - _SECOND)
        root = (self.square.sqrt() / math.sqrt(1 - _SECOND**self.taken)).add_(_EPSILON)
        self.weights.addcdiv_(self.mean, root, value=-rate / (1 - first**self.taken))
        self.slopes.zero_()

    def done(self) -> None:
        """Give every parameter its own contiguous tensor and no gradient."""
        for each in self.parameters:
            each.data, each.grad = each.detach().clone(memory_format=torch.contiguous_format), None


def one_cycle(step: int, steps: int, peak: float) -> tuple[float, float]:
    """The rate and the decay of the gradient's mean at ``step``: half cosines up to the peak and down."""
    top, last = _RISING * steps - 1, steps - 1
    lowest, outer, inner = peak / _START, *_FIRST
    if step <= top:
        return _between(lowest, peak, step / top), _between(outer, inner, step / top)
    share = (step - top) / (last - top)
    return _between(peak, lowest / _END, share), _between(inner, outer, share)


def _between(begin: float, end: float, share: float) -> float:
    """Half a cosine from ``begin`` to ``end``."""
    return end + (begin - end) * (1 + math.cos(math.pi * share)) / 2
