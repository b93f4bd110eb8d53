from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

from tare.tasks.classification import Classification
from tare.training.module import TransferModule
from tare.training.options import Training


@pytest.mark.parametrize("size", [1, 4, 16])
@pytest.mark.parametrize("processes", [1, 2, 3, 5])
@pytest.mark.parametrize("number", [2, 12, 13])
def test_every_validation_sample_counts_once_in_any_number_of_processes(number: int, processes: int, size: int) -> None:
    """Lightning gives each process equally many samples, and repeats some for that."""
    samples = TensorDataset(torch.arange(number))
    counted: list[int] = []
    for rank in range(processes):
        sampler: Any = DistributedSampler(samples, processes, rank, shuffle=False)
        loader = DataLoader(samples, size, sampler=sampler)
        module = TransferModule(
            nn.Linear(1, 2), nn.Identity(), Training(), lambda _: DataLoader(samples), Classification(("a", "b"))
        )
        trainer: Any = SimpleNamespace(val_dataloaders=loader, world_size=processes, global_rank=rank)
        module._trainer = trainer
        for index, (batch,) in enumerate(loader):
            counted += batch[: module._own(index, len(batch))].tolist()
    assert sorted(counted) == list(range(number))
