from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from torch.utils.data import DataLoader

from tare.training.steps import Steps

TRAIN, VAL, BATCH = 240, 160, 32


class Run:
    """Training as the trainer calls it, on a clock that says what each batch takes; what was told at each time."""

    def __init__(self, heads: int, epochs: int, cost: Callable[[str, int], float], first: int = 0) -> None:
        self.now, self.told, self.counted = 0.0, list[tuple[float, float, float | None]](), 0
        module: Any = SimpleNamespace(head_epochs=heads, batches=lambda _: DataLoader(range(TRAIN), BATCH))  # type: ignore[arg-type]
        val: DataLoader[Any] = DataLoader(range(VAL), BATCH)  # type: ignore[arg-type]
        steps = Steps(self.tell, module, val, epochs, lambda: self.now)
        self.total = Steps.total(module, val, epochs)
        trainer: Any = SimpleNamespace(current_epoch=first, world_size=1)
        steps.on_train_start(trainer, module)
        for epoch in range(first, epochs):
            trainer.current_epoch = epoch
            for kind, number, count in (("head" if epoch < heads else "all", TRAIN, steps.on_train_batch_end),
                                        ("val", VAL, steps.on_validation_batch_end)):  # fmt: skip
                for place, start in enumerate(range(0, number, BATCH)):
                    self.now += cost(kind, place)
                    batch = (None, range(start, min(start + BATCH, number)))
                    cast(Any, count)(trainer, module, None, batch, place)

    def tell(self, count: int, remark: str = "", left: float | None = None) -> None:
        assert isinstance(remark, str)
        self.counted += count
        self.told.append((self.counted / self.total if hasattr(self, "total") else 0.0, self.now, left))


def usual(kind: str, place: int) -> float:
    return {"head": 1.0, "all": 2.8, "val": 0.9}[kind] + 4.0 * (place == 0)  # loaders begin


def decoding(_: str, place: int) -> float:
    return 1.0 + 4.0 * (place == 0)


@pytest.mark.parametrize("cost", [usual, decoding])
@pytest.mark.parametrize(("heads", "epochs"), [(0, 6), (1, 7), (3, 12)])
def test_after_a_tenth_of_the_work_the_time_left_is_true_within_a_factor_of_one_and_a_half(
    cost: Callable[[str, int], float], heads: int, epochs: int
) -> None:
    run = Run(heads, epochs, cost)
    assert run.counted == run.total
    late = [(now, left) for share, now, left in run.told if share >= 0.1 and now < run.now]
    assert late
    for now, left in late:
        assert left is not None
        assert (run.now - now) / 1.5 <= left <= 1.5 * (run.now - now)


def test_a_resumed_run_counts_what_is_behind_it() -> None:
    run = Run(1, 10, usual, first=5)
    assert run.counted == run.total
    now, left = next((now, left) for _, now, left in run.told if left is not None and now > 40)
    assert left == pytest.approx(run.now - now, rel=0.2)
