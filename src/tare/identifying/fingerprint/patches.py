"""Moments at a batch norm behind one convolution, from patches of the images instead of whole maps of responses.

The layer's input at one position is a weighted sum over a small window of the network's input, zeros outside included. A few
hundred windows give an image's moments as well as all windows do: neighbouring windows are alike, and images differ far more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from tare.identifying.fingerprint.front import NetworkFront
from tare.identifying.fingerprint.moments import Responses, Views, pairs_of, term_moments

#: If a view has at most ALL windows, all are used; else this number of random windows.
ALL, POSITIONS = 1024, 400
_TOLERANCE = 1e-4
_LARGEST = 32
_EQUATIONS = 4
_BATCH = 32


@dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """A zero-padded convolution: ``weights`` ``(K, C, h, w)``, ``bias`` ``(K,)``, and the grid of its windows.

    Window ``(i, j)`` of the ``grid`` begins at row ``stride[0] * i - before[0]`` and the like for columns; ``after`` is how far
    windows reach beyond the last row and column.
    """

    weights: torch.Tensor
    bias: torch.Tensor
    stride: tuple[int, int]
    before: tuple[int, int]
    after: tuple[int, int]
    grid: tuple[int, int]

    def windows(self, values: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """The windows ``(N, P, C, h w)`` of ``values`` ``(N, C, H, W)`` at the ``places`` ``(N, P)`` of the grid."""
        padded = functional.pad(values, (self.before[1], self.after[1], self.before[0], self.after[0]))
        rows, columns = self.weights.shape[2:]
        every = padded.unfold(2, rows, self.stride[0]).unfold(3, columns, self.stride[1])
        which = torch.arange(len(values))[:, None]
        return every[which, :, places // self.grid[1], places % self.grid[1]].flatten(-2)

    def places(self, count: int, seed: int) -> torch.Tensor:
        """``count`` sets ``(N, P)`` of places: all places, or if there are many a random part, drawn for every set."""
        number = self.grid[0] * self.grid[1]
        if number <= ALL:
            return torch.arange(number).expand(count, -1)
        generator = torch.Generator().manual_seed(seed)
        return torch.stack([torch.randperm(number, generator=generator)[:POSITIONS] for _ in range(count)])


def kernel_of(front: NetworkFront, shape: Sequence[int]) -> Kernel | None:
    """The convolution that equals an affine ``front`` on inputs of ``shape`` ``(C, H, W)``; None if no convolution does.

    Derivatives at three neighbouring positions give the window's size and stride; least squares on the response to noise gives
    the weights. If the solution does not give that response everywhere, borders included, the front is something else: for
    example, two padded convolutions, or one that pads by reflection.
    """
    if len(shape) != 3:
        return None
    found = _boxes(front, shape)
    if found is None:
        return None
    (top, left, rows, columns), stride, grid, place = found
    before = (stride[0] * place[0] - top, stride[1] * place[1] - left)
    last = (stride[0] * (grid[0] - 1) + rows, stride[1] * (grid[1] - 1) + columns)
    after = (last[0] - before[0] - shape[1], last[1] - before[1] - shape[2])  # below zero where rows are left over
    frame = Kernel(torch.zeros(1, shape[0], rows, columns), torch.zeros(1), stride, before, after, grid)
    return _solved(front, frame, shape)


def _boxes(
    front: NetworkFront, shape: Sequence[int]
) -> tuple[tuple[int, int, int, int], tuple[int, int], tuple[int, int], tuple[int, int]] | None:
    """The window (top, left, rows, columns) of a central position, the stride, the grid, and the position."""
    with torch.enable_grad():
        values = torch.randn(1, *shape, generator=torch.Generator().manual_seed(1)).requires_grad_()
        reached = front.reached(values)
        if reached.ndim != 4 or min(reached.shape[2:]) < 4:
            return None
        grid = (reached.shape[2], reached.shape[3])
        place = (grid[0] // 2, grid[1] // 2)
        boxes = []
        for rows, columns in ((0, 0), (1, 0), (0, 1)):
            response = reached[0, :, place[0] + rows, place[1] + columns].square().sum()
            (slopes,) = torch.autograd.grad(response, values, retain_graph=True)
            touched = slopes[0].abs().sum(0).nonzero()
            if len(touched) == 0:
                return None
            low, high = touched.min(0).values, touched.max(0).values
            boxes.append((int(low[0]), int(low[1]), int(high[0] - low[0]) + 1, int(high[1] - low[1]) + 1))
    first, below, right = boxes
    stride = (below[0] - first[0], right[1] - first[1])
    if min(stride) < 1 or max(first[2:]) > _LARGEST:
        return None
    return first, stride, grid, place


@torch.inference_mode()
def _solved(front: NetworkFront, frame: Kernel, shape: Sequence[int]) -> Kernel | None:
    channels, rows, columns = frame.weights.shape[1:]
    unknown = channels * rows * columns + 1
    places = _spread_places(frame.grid, _EQUATIONS * unknown)
    needed = -(-_EQUATIONS * unknown // len(places))
    values = torch.randn(needed, *shape, generator=torch.Generator().manual_seed(2))
    answers = front.reached(values).flatten(2)[:, :, places].transpose(1, 2).flatten(0, 1).double()
    given = frame.windows(values, places.expand(needed, -1)).flatten(0, 1).flatten(1).double()
    given = torch.cat([given, torch.ones(len(given), 1, dtype=given.dtype)], dim=1)
    solution = torch.linalg.lstsq(given, answers).solution
    if float((given @ solution - answers).abs().max()) > _TOLERANCE * float(answers.abs().max()):
        return None
    weights = solution[:-1].T.reshape(-1, channels, rows, columns).float()
    return Kernel(weights, solution[-1].float(), frame.stride, frame.before, frame.after, frame.grid)


def _spread_places(grid: tuple[int, int], count: int) -> torch.Tensor:
    """All places on the edge of the grid, and a random part of the others."""
    numbers = torch.arange(grid[0] * grid[1]).reshape(grid)
    inner = torch.zeros(grid, dtype=torch.bool)
    inner[2:-2, 2:-2] = True
    others = numbers[inner]
    chosen = torch.randperm(len(others), generator=torch.Generator().manual_seed(3))[:count]
    return torch.cat([numbers[~inner], others[chosen]])


@torch.inference_mode()
def patch_responses(kernel: Kernel, views: Views, seed: int) -> Responses:
    """As :func:`tare.identifying.fingerprint.moments.responses`, from some windows of every view."""
    count, each, channels, *_ = views.values.shape
    parts = []
    step = max(1, _BATCH // each)
    for start in range(0, count, step):
        part = slice(start, start + step)
        values = views.values[part].flatten(0, 1)
        places = kernel.places(len(values), seed + start)
        mask = None if views.mask is None else views.mask[part].flatten(0, 1)
        added = None if views.added is None else views.added[part].flatten(0, 1)
        parts.append(term_moments(_terms(kernel, values, mask, added, places), each))
    first, second = (np.concatenate(kind) for kind in zip(*parts, strict=True))
    return Responses(first, second, pairs_of(channels))


def _terms(
    kernel: Kernel, values: torch.Tensor, mask: torch.Tensor | None, added: torch.Tensor | None, places: torch.Tensor
) -> torch.Tensor:
    """Every term of :class:`Responses` at the places: ``(N, K, T, P)``."""
    channels = values.shape[1]
    weights = kernel.weights.flatten(2)
    windows = kernel.windows(values, places).movedim(1, -1)
    image = values.new_ones(1, 1, *values.shape[2:]).expand(len(values), -1, -1, -1) if mask is None else mask
    inside = kernel.windows(image, places)[:, :, 0].movedim(1, -1)
    terms = [weights[:, c] @ windows[:, j] for c, j in pairs_of(channels)]
    terms += [weights[:, c] @ inside for c in range(channels)]
    constant = kernel.bias[:, None].expand_as(terms[0])
    if added is not None:
        constant = weights.flatten(1) @ kernel.windows(added, places).flatten(2).movedim(1, -1) + constant
    return torch.stack([*terms, constant], dim=2)
