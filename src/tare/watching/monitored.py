"""Batches of a watched network on their way to a monitor: thinned where they lie, copied without waiting, counted later."""

from __future__ import annotations

import os
from collections import deque
from typing import Any

import torch

from tare.errors import SpecError, short_repr
from tare.monitoring.batches import blocks_of
from tare.monitoring.evidence.figures import MOST, places
from tare.monitoring.inputs import Values
from tare.monitoring.monitor import Monitor
from tare.system.handed.arguments import place_of
from tare.watching.sample import on_its_way

_REMEDY = "pass monitor='run/', an exported model, a reference file, or a tare.Monitor with values='fed'"


class Monitored:
    """The monitor of a watch: evaluation batches are counted in their order, each once its copy has arrived."""

    def __init__(self, monitor: Monitor) -> None:
        self.monitor = monitor
        self._arriving: deque[list[tuple[torch.Tensor, Any]]] = deque()

    def take(self, value: Any) -> None:
        """Start copying a batch, a tensor or a list of images, and count those that have arrived."""
        tensors = [value] if isinstance(value, torch.Tensor) else list(value)
        batches = [each if each.ndim != 3 or isinstance(value, torch.Tensor) else each[None] for each in tensors]
        self._arriving.append([on_its_way(self._thinned(each.detach())) for each in batches])
        self.count()

    def count(self, *, now: bool = False) -> None:
        """Count the batches that have arrived on the host; ``now`` waits for those on their way."""
        while self._arriving and (now or all(event is None or event.query() for _, event in self._arriving[0])):
            blocks = []
            for values, event in self._arriving.popleft():
                if event is not None:
                    event.synchronize()
                given: Values = "raw" if values.dtype == torch.uint8 else "fed"  # bytes, too, are as the network sees them
                blocks += blocks_of(values, self.monitor.reference, given)
            self.monitor.count(blocks)

    def _thinned(self, batch: torch.Tensor) -> torch.Tensor:
        """The values of a batch ``(N, C, ...)`` that a monitor looks at, so that no more are copied."""
        if batch.ndim < 3 or batch.shape[1] != len(self.monitor.reference.taking.channels):
            return batch
        flat = batch.flatten(2)
        if flat.shape[2] > MOST:
            flat = flat[:, :, torch.from_numpy(places(flat.shape[2])).to(flat.device)]
        return flat if batch.ndim == 3 else flat[..., None]  # pictures keep four axes


def monitored(asked: Any, spec: Any) -> Monitored | None:
    """The monitor that a watch was asked for: one that is given, or a new one for a reference; None for None and False.

    True takes the reference of ``spec``, where that names a run, a model directory or an exported file. Raises
    :class:`SpecError` if nothing carries a reference, :class:`DataError` if what is named carries none.
    """
    if asked is None or asked is False:
        return None
    if isinstance(asked, Monitor):
        if asked.reference.seen is not None:
            found = f"one of {asked.values!r} values"
            raise SpecError("a monitor of values as the network takes them", found, "pass tare.Monitor(reference, values='fed')")
        return Monitored(asked)
    place = spec if asked is True else asked
    named = isinstance(place, str | os.PathLike)
    if not named or not place_of(place, "a reference", SpecError).exists():
        raise SpecError(
            "a reference of what the network was trained on", f"monitor={short_repr(asked)} and spec={short_repr(spec)}", _REMEDY
        )
    return Monitored(Monitor(place, values="fed"))
