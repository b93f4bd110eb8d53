"""What ``tare.watch`` costs a training step of ResNet-18: batches of 16 images at 224 px."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator

import timm
import torch
from torch import Tensor, nn

import tare
from benchmarks.harness import Result, Setting, compared, seconds
from tare.input_spec.spec import InputSpec

_SPEC = InputSpec.of((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), raw_dtype="uint8")


def watching(setting: Setting, device: str = "cpu") -> Iterator[Result]:
    """A step with a watch against one without: between two looks, looked at, and on average over the first thousand."""
    batch = _SPEC.apply(torch.randint(0, 256, (2 if setting.quick else 16, 3, 224, 224), dtype=torch.uint8)).to(device)
    bare = _step(timm.create_model("resnet18").to(device), batch)
    never, always = (timm.create_model("resnet18").to(device) for _ in range(2))
    tare.watch(never, _SPEC, batches=1, every=1_000_000)
    tare.watch(always, _SPEC, batches=1_000_000)
    for name, model in (("between two looks", never), ("looked at", always)):
        step = _step(model, batch)
        yield compared(f"ResNet-18 step, {name}", step, bare, setting, ratio_of="watched step / bare step")
    yield _share("a batch that is looked at", bare, batch, setting, calls=64, options={"batches": 1_000_000})
    yield _share("the first 1008 batches", bare, batch, setting, calls=1008, options={"batches": 8, "every": 1000})


def _share(
    name: str, bare: Callable[[], None], batch: Tensor, setting: Setting, *, calls: int, options: dict[str, int]
) -> Result:
    """The time that the hook itself takes for so many batches, judging included, as a share of as many steps.

    A share of a hundredth is lost in how much steps vary; the hook is timed alone, on a network that does nothing.
    """
    ratios, hooks, steps = [], [], []
    for _ in range(setting.rounds):
        model = nn.Identity()
        with tare.watch(model, _SPEC, **options):  # type: ignore[arg-type]
            hooks.append(seconds(lambda model=model: [model(batch) for _ in range(calls)]) / calls)  # type: ignore[misc]
        steps.append(seconds(bare))
        ratios.append(steps[-1] / hooks[-1])
    goal = ">= 100" if calls > 64 else ""
    return Result(
        name, "bare step / time in the hook", tuple(ratios), statistics.median(steps), statistics.median(hooks), "s", goal
    )


def _step(model: nn.Module, batch: Tensor) -> Callable[[], None]:
    optimiser = torch.optim.SGD(model.parameters(), 0.01)
    labels = torch.arange(len(batch), device=batch.device)

    def step() -> None:
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(batch), labels).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if batch.is_cuda:
            torch.cuda.synchronize()

    return step
