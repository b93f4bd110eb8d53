"""Read samples in a random order until their means and stds are known well enough."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain
from typing import Any

from tare.errors import DataError
from tare.measuring.random_order import RandomOrder
from tare.measuring.stopping import BLOCK, Sampled, StoppingRule, sample_until
from tare.samples.layout import unit_scale
from tare.sources.base import Indexed, Source
from tare.statistics.dataset_stats import summarise
from tare.statistics.state import DatasetState
from tare.system.engines.local import ordered_map
from tare.system.progress import Advance


def draw(
    source: Source[Any], rule: StoppingRule, seed: int, workers: int, progress: Advance | None = None
) -> tuple[DatasetState, dict[str, Any]]:
    """Reduce as many samples as ``rule`` needs, in the random order of ``seed``; also return a record of the sampling.

    The number of workers does not change which samples count: samples that were read ahead are dropped.

    Raises :class:`DataError` if the source cannot be read in any order, or holds samples that must not be pooled.
    """
    indexed = source.indexed()
    if indexed is None:
        raise DataError(
            "data that can be read in any order (a folder, list, .tar, array, map-style dataset, Parquet file of images)",
            f"{source.name!r}, {source.unindexed}",
            "measure all of it, without --sample",
        )
    order, state = RandomOrder(indexed.number, seed), DatasetState()
    blocks = (order.block(start, start + BLOCK).tolist() for start in range(0, order.size, BLOCK))
    parts = ordered_map(lambda block: _reduced(indexed, block), blocks, workers if indexed.threads else 1)

    def drawn() -> Iterator[DatasetState]:
        """The blocks with a readable sample; every block is added to the state."""
        nonlocal state
        for block in parts:
            state = state.merge(block)
            if len(state.groups) > 1:
                summarise(state.pooled(), source.name, "")  # raises for what must not be pooled, naming an example of each kind
            if progress is not None:
                progress(block.samples + len(block.skipped))
            if block.groups:
                yield block

    try:
        readable = drawn()
        first = next(readable, DatasetState())
        scale = float(unit_scale(next(iter(first.groups)).dtype)) if first.groups else 1.0
        groups = (group for block in chain((first,), readable) for group in block.pooled().groups.values())
        moments = ([channel.moments for channel in group.channels] for group in groups)
        sampled = sample_until(moments, rule, indexed.number, scale)
    finally:
        parts.close()  # type: ignore[attr-defined]  # a generator: threads that read ahead end here
    return state, _record(sampled, rule, seed)


def _reduced(indexed: Indexed, block: list[int]) -> DatasetState:
    return DatasetState.of(record for index in block for record in indexed.read(index))


def _record(sampled: Sampled, rule: StoppingRule, seed: int) -> dict[str, Any]:
    return {
        "samples": sampled.samples,
        "total": sampled.total,
        "share": sampled.share,
        "tolerance": rule.tolerance,
        "confidence": rule.confidence,
        "seed": seed,
        "looks": sampled.looks,
        "complete": sampled.complete,
        "half_widths": [asdict(width) for width in sampled.half_widths],
    }
