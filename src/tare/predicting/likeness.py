"""Whether inputs are like those of training, by the moments of the first batch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from tare.checking.gate import Passed, judged
from tare.checking.rules.feed import Feed
from tare.errors import DataError
from tare.networks.stored.trained import TrainedModel
from tare.samples.layout import Doubles
from tare.statistics.dataset_stats import ChannelStats, DatasetStats


def unlike_training(trained: TrainedModel, batch: Sequence[torch.Tensor]) -> tuple[str, ...]:
    """Lines for inputs ``(C, ...)`` at the network's size, raw bytes or unit values, whose means are unlike those of training."""
    stored = trained.document.get("target_stats")
    if not batch or not isinstance(stored, Mapping):
        return ()
    try:
        known = DatasetStats.from_json(stored)
    except DataError:
        return ()
    seen = _moments(batch, known, trained.model.takes.raw_dtype)
    if len(known.channels) != len(seen.channels):
        return ()
    feed = Feed(seen, trained.model.normalisation, known, own=True)
    return Passed(judged(feed, trained.model.spec(), trained.reference)).lines


def _moments(batch: Sequence[torch.Tensor], known: DatasetStats, dtype: str) -> DatasetStats:
    """Mean, std and range of each channel in unit values."""
    unit = (sample.double() / 255 if sample.dtype == torch.uint8 else sample.double() for sample in batch)
    pooled = torch.cat([sample.reshape(len(sample), -1) for sample in unit], dim=1).numpy()
    names = [channel.name for channel in known.channels]
    names = names if len(names) == len(pooled) else [f"c{index}" for index in range(len(pooled))]
    return DatasetStats(len(batch), tuple(map(_channel, names, pooled)), dtype=dtype)


def _channel(name: str, values: Doubles) -> ChannelStats:
    finite = values[np.isfinite(values)]  # padding of signals is NaN
    if not len(finite):
        return ChannelStats(name, 0, *(math.nan,) * 7)
    low, high = float(finite.min()), float(finite.max())
    return ChannelStats(name, len(finite), float(finite.mean()), float(finite.std()), math.nan, math.nan, low, high, math.nan)
