"""The result of ``tare explain``: a network's first layers, the algebra with its numbers, and what survives."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tare.networks.absorption import BorderEffect, LayerShare
from tare.system.shown import Shown

SCHEMA = "tare.explanation/1"


@dataclass(frozen=True, slots=True)
class ExecutedLayer:
    """One layer in the order of execution; ``detail`` names kernel, stride, padding and bias, ``shape`` is the output's."""

    name: str
    kind: str
    detail: str
    shape: tuple[int, ...]
    norm: bool


@dataclass(frozen=True, slots=True)
class ChannelMap:
    """The effect of changing constants on one input channel, in input std: (x - u1)/s1 = scale (x - u0)/s0 + offset.

    ``scale`` = s0/s1 and ``offset`` = (u0 - u1)/s1; ``a`` and ``b`` are the source's own map y = a x + b of a unit value x.
    """

    channel: str
    u0: float
    s0: float
    u1: float
    s1: float
    a: float
    b: float
    scale: float
    offset: float


@dataclass(frozen=True, slots=True, repr=False)
class Explanation(Shown):
    """Whether the choice matters to one network (``answer``) and why (``sentences``); ``example`` describes the example used."""

    model: str
    shape: tuple[int, ...]
    constants_origin: str
    steps: tuple[ExecutedLayer, ...]
    channels: tuple[ChannelMap, ...]
    shares: tuple[LayerShare, ...]
    border: BorderEffect | None
    first_norm: str
    gap: float
    answer: str
    sentences: tuple[str, ...]
    example: str
    notes: tuple[str, ...]

    def summary(self) -> str:
        """Whether the choice matters to this network."""
        return f"{self.model}: {self.answer}"

    def table(self) -> list[dict[str, Any]]:
        """One row for each layer at which a change of the input was measured."""
        return [asdict(share) for share in self.shares]

    def to_json(self) -> dict[str, Any]:
        """The explanation as a JSON object with schema ``tare.explanation/1``."""
        return {"schema": SCHEMA, **asdict(self)}

    def diagram(self) -> str:
        """The first layers from top to bottom, as text."""
        shape = " x ".join(map(str, self.shape))
        width = max((len(step.name) for step in self.steps), default=0)
        lines = [f"input {shape}, (x - mean)/std"]
        for step in self.steps:
            share = next((item for item in self.shares if item.name == step.name), None)
            size = " x ".join(map(str, step.shape))
            lines += ["  |", f"{'  #' if step.norm else '  o'} {step.name:<{width}}  {step.kind}{step.detail}  -> {size}"]
            if share is not None and share.norm:
                lines[-1] += f"   survives: {percent(share.train)} in train mode, {percent(share.eval)} in eval mode"
        return "\n".join([*lines, "  |", "  ..."])


def percent(share: float) -> str:
    """A share as a percentage, with one decimal below 10%."""
    return f"{100 * share:.0f}%" if share >= 0.1 or share == 0 else f"{100 * share:.1f}%"
