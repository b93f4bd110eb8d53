from __future__ import annotations

import signal
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

from tare.tasks.classification import Classification
from tare.training.fitting import train_in_memory
from tare.training.module import TransferModule
from tare.training.options import Machine, Training


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


@pytest.mark.parametrize(("accumulate", "batches"), [(1, 3), (2, 4), (4, 5), (4, 6), (8, 5)])
def test_a_step_takes_the_mean_over_the_batches_that_it_has(accumulate: int, batches: int) -> None:
    """Lightning divides the loss of each batch by ``accumulate``; the last step of an epoch may have fewer."""
    torch.manual_seed(0)
    images, labels = torch.randn(8 * batches, 4), torch.randint(0, 2, (8 * batches,))
    net = nn.Linear(4, 2)
    loader: DataLoader[Any] = DataLoader(TensorDataset(images))
    module = TransferModule(net, nn.Identity(), Training(accumulate=accumulate), lambda _: loader, Classification(("a", "b")))
    trainer: Any = SimpleNamespace(num_training_batches=batches, current_epoch=0, world_size=1, global_rank=0)
    module._trainer = trainer
    for first in range(0, batches, accumulate):
        group = range(first, min(batches, first + accumulate))
        for index in group:
            here = slice(8 * index, 8 * index + 8)
            torch.autograd.backward(module.training_step((images[here], labels[here]), index) / accumulate)
        found = net.weight.grad
        net.weight.grad = None
        here = slice(8 * group.start, 8 * group.stop)
        torch.autograd.backward(nn.functional.cross_entropy(net(images[here]), labels[here]))
        torch.testing.assert_close(found, net.weight.grad)
        net.weight.grad = None


def test_an_interrupt_while_loaders_begin_is_one() -> None:
    class Beginning(DataLoader[Any]):
        def __iter__(self) -> Any:
            raise KeyboardInterrupt

    samples = TensorDataset(torch.zeros(4, 4), torch.zeros(4, dtype=torch.int64))
    options = Training(epochs=1, head_epochs=0)
    module = TransferModule(nn.Linear(4, 2), nn.Identity(), options, lambda _: Beginning(samples), Classification(("a", "b")))
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train_in_memory(module, Machine(device="cpu", devices="1", workers=0))
    assert signal.getsignal(signal.SIGINT) is before
