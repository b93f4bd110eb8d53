"""What ``tare.Monitor`` costs a service: an update with 8 photographs of 224 px, beside the ResNet-18 that serves them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import timm
import torch

from benchmarks.harness import Result, Row, Setting
from tare.monitoring.monitor import Monitor
from tare.monitoring.reference import Reference

_BATCH, _CALLS = 8, 32


def monitoring(setting: Setting) -> Iterator[Result]:
    """Processor time of a forward pass over that of an update with the same batch, summed over threads.

    Other programs on the machine lengthen the wall-clock time of both, and that of many short steps more.
    """
    chance = np.random.default_rng(0)
    images = chance.integers(0, 256, (64, 224, 224, 3), dtype=np.uint8)
    monitor, batch = Monitor(Reference.of(images, workers=1)), images[:_BATCH]
    network = timm.create_model("resnet18").eval()
    fed = torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 255
    monitor.update(batch)
    ratios, updates, passes = [], [], []
    with torch.inference_mode():
        network(fed)
        for _ in range(setting.rounds):
            updates.append(_processor(lambda: [monitor.update(batch) for _ in range(_CALLS)]) / _CALLS)
            passes.append(_processor(lambda: network(fed)))
            ratios.append(passes[-1] / updates[-1])
    yield Result(
        "an update with 8 photographs of 224 px",
        "ResNet-18 forward pass / update",
        tuple(ratios),
        statistics.median(passes),
        statistics.median(updates),
        "s",
        ">= 100",
    )


def _processor(function: Callable[[], object]) -> float:
    """Processor seconds of one call, of all threads of this process."""
    begun = time.process_time()
    function()
    return time.process_time() - begun


ROWS = (Row("monitor", monitoring),)
