"""What ``tare.Monitor`` costs a service: an update with 8 photographs of 224 px, beside the ResNet-18 that serves them."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import numpy as np
import timm
import torch

from benchmarks.harness import Result, Row, Setting, seconds
from tare.monitoring.monitor import Monitor
from tare.monitoring.reference import Reference

_BATCH, _CALLS = 8, 32


def monitoring(setting: Setting) -> Iterator[Result]:
    """The time of an update as a share of a forward pass on the same batch; both on as many threads as torch takes."""
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
            updates.append(seconds(lambda: [monitor.update(batch) for _ in range(_CALLS)]) / _CALLS)
            passes.append(seconds(lambda: network(fed)))
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


ROWS = (Row("monitor", monitoring),)
