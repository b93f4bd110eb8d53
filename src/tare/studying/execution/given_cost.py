"""What a study of a network that comes pretrained will cost, counted in passes, from the time of one pass here."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable

import numpy as np
import torch

from tare.networks.heads.batched import fit_heads
from tare.networks.heads.reference import features_of
from tare.normalisation.input_layer import InputLayer
from tare.normalisation.names import Strategy
from tare.studying.cells.cell import STRENGTH, cell_normalisation, steps_of
from tare.studying.cells.passing import FIXED
from tare.studying.plan import StudyPlan
from tare.studying.tasks.samples import Samples
from tare.studying.tasks.task import Pretrained

#: Samples of the passes that are timed.
_FEW = 4
#: Work that took this many seconds is not timed again.
_LONG = 1.0


def seconds_of_given(plan: StudyPlan, network: str) -> float:
    """Seconds in one process for all cells of ``network``.

    One forward pass of four samples, one training step on them and one fit of a head on random features are timed. Nothing is
    measured: what a cell needs of each is counted.
    """
    task = plan.task
    source, target = task.given(network), task.target()  # type: ignore[misc]
    every, pool = len(target.labels), plan.pool
    tested = every - pool
    part = target.take(np.arange(min(_FEW, every)))
    forward, width = _forward(source, part)
    fixed = [name for name in plan.strategies if name in FIXED]
    others = len(plan.strategies) - len(fixed)
    total = 0.0
    for protocol in plan.protocols:
        for mode in plan.modes(network, protocol):
            if protocol == "probe":
                passed = {size: others * (size + tested) for size in plan.sizes}
                if mode == "reestimate":
                    passed = {size: len(plan.strategies) * (2 * size + tested) for size in plan.sizes}
                shared = 0 if mode == "reestimate" else every * len(fixed)
                heads = sum(_head(plan, size, width, target.classes) for size in plan.sizes)
                total += len(plan.shifts) * (forward * (shared + plan.seeds * sum(passed.values())) + plan.seeds * heads)
            else:
                step = _step(source, part)
                shown = sum(step * math.prod(steps_of(protocol, size)[:2]) for size in plan.sizes)
                cells = plan.seeds * len(plan.shifts) * len(plan.strategies)
                total += cells * (shown + forward * tested * len(plan.sizes))
    return total


def _forward(source: Pretrained, part: Samples) -> tuple[float, int]:
    """Seconds per sample of a pass to the features, and the number of features."""
    strategy: Strategy = "source" if source.constants is not None else "none"
    prepare, samples = InputLayer(cell_normalisation(strategy, source, part.measure())), part.tensor()
    features = features_of(source.module, source.head, [samples[:1]], prepare)
    seconds = _timed(lambda: features_of(source.module, source.head, [samples], prepare))
    return seconds / len(samples), features.shape[1]


def _step(source: Pretrained, part: Samples) -> float:
    """Seconds per sample of a step of training: a pass forward and one backward, through a copy."""
    module, samples = copy.deepcopy(source.module).train(), part.tensor()
    fed = samples.float() / 255 if samples.dtype == torch.uint8 else samples

    def step() -> None:
        module(fed.clone()).float().sum().backward()

    step()
    return _timed(step) / len(samples)


def _head(plan: StudyPlan, size: int, width: int, classes: int) -> float:
    """Seconds to fit the heads of all strategies for one size, on random features."""
    generator = np.random.default_rng(0)
    features = [generator.standard_normal((size, width)).astype(np.float32) for _ in plan.strategies]
    labels = np.arange(size) % classes
    return _timed(lambda: fit_heads(features, labels, strength=STRENGTH))


def _timed(work: Callable[[], object]) -> float:
    """Seconds of a piece of work: the middle one of three runs, or of fewer if it takes long."""
    found: list[float] = []
    while len(found) < 3 and sum(found) < _LONG:
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return float(np.median(found))
