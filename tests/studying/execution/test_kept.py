from __future__ import annotations

import resource
from functools import partial
from pathlib import Path

import pytest
import torch

from tare.errors import OutputError
from tare.studying.cells.pretraining import pretrain_together
from tare.studying.execution import kept
from tare.studying.execution.kept import kept_network
from tare.studying.execution.store import Store
from tare.studying.tasks.task import Pretrained, task_named

DIGITS = task_named("digits")


def weights(network: Pretrained) -> list[torch.Tensor]:
    return list(network.module.state_dict().values())


def same(one: Pretrained, other: Pretrained) -> bool:
    return all(torch.equal(a, b) for a, b in zip(weights(one), weights(other), strict=True))


def test_a_network_depends_on_its_seed_alone_and_not_on_which_was_asked_for_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "pretrain_together", partial(pretrain_together, epochs=1))
    stores = [Store(tmp_path / name) for name in ("up", "down", "cut")]
    for store in stores:
        store.begin({})
    up = [kept_network(DIGITS, stores[0], "", "cnn-batch", seed) for seed in (2, 3)]
    down = [kept_network(DIGITS, stores[1], "", "cnn-batch", seed) for seed in (3, 2)][::-1]
    assert all(map(same, up, down))
    # As a kill between the two files leaves it.
    kept_network(DIGITS, stores[2], "", "cnn-batch", 2)
    stores[2].network(kept._name("", "cnn-batch", 3)).unlink()
    assert same(kept_network(DIGITS, stores[2], "", "cnn-batch", 3), up[1])


def test_a_file_of_another_network_is_not_taken_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "pretrain_together", partial(pretrain_together, epochs=1))
    store = Store(tmp_path)
    store.begin({})
    kept_network(DIGITS, store, "", "cnn-none", 0)
    expected = kept_network(DIGITS, store, "", "cnn-batch", 0)
    odd = store.network(kept._name("", "cnn-none", 0)).read_bytes()
    store.network(kept._name("", "cnn-batch", 0)).write_bytes(odd)
    assert same(kept_network(DIGITS, store, "", "cnn-batch", 0), expected)


def test_a_disk_without_room_for_a_network_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "pretrain_together", partial(pretrain_together, epochs=1))
    store = Store(tmp_path)
    store.begin({})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OutputError, match="a place that can be written"):
            kept_network(DIGITS, store, "", "cnn-none", 0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.glob("networks/*")) == []
