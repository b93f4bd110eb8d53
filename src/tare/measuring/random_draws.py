"""Read samples in a random order until their means and stds are known well enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tare.errors import DataError
from tare.measuring.random_order import RandomOrder
from tare.measuring.stopping import BLOCK, Sampled, StoppingRule, sample_until
from tare.samples.layout import unit_scale
from tare.sources.base import Indexed, Source
from tare.statistics.dataset_stats import summarise
from tare.statistics.moments import Moments
from tare.statistics.state import DatasetState
from tare.system.engines.local import ordered_map


def draw(
    source: Source[Any], rule: StoppingRule, seed: int, workers: int, progress: Callable[[int], None] | None = None
) -> tuple[DatasetState, dict[str, Any]]:
    """Reduce as many samples as ``rule`` needs, in the random order of ``seed``; return a record of the sampling, too.

    The number of workers does not change which samples are counted: those read ahead are dropped.

    Raises :class:`DataError` if the source cannot be read in any order, or holds samples that must not be pooled.
    """
    indexed = source.indexed()
    if indexed is None:
        raise DataError(
            "data that can be read in any order (a folder, list, .tar, array, map-style dataset, Parquet file of images)",
            f"{source.name!r}, {source.unindexed}",
            "measure all of it, without --sample",
        )
    blocks = _blocks(RandomOrder(indexed.number, seed))
    parts = ordered_map(lambda block: _reduced(indexed, block), blocks, workers if indexed.threads else 1)
    drawn = _Drawn(source, progress, DatasetState())
    try:
        first = drawn.first(parts)
        scale = float(unit_scale(next(iter(drawn.state.groups)).dtype)) if drawn.state.groups else 1.0
        sampled = sample_until(drawn.moments(first, parts), rule, indexed.number, scale)
    finally:
        parts.close()  # type: ignore[attr-defined]  # a generator: threads that read ahead end here
    return drawn.state, _record(sampled, rule, seed)


@dataclass
class _Drawn:
    """What was drawn so far."""

    source: Source[Any]
    progress: Callable[[int], None] | None
    state: DatasetState

    def first(self, blocks: Iterator[DatasetState]) -> DatasetState:
        """The first block that holds a readable sample, the unreadable ones before it noted."""
        for block in blocks:
            self._add(block)
            if block.groups:
                return block
        return DatasetState()

    def moments(self, first: DatasetState, others: Iterator[DatasetState]) -> Iterator[Sequence[Moments]]:
        """The moments of each block that holds a sample."""
        yield from _moments(first)
        for block in others:
            self._add(block)
            yield from _moments(block)

    def _add(self, block: DatasetState) -> None:
        self.state = self.state.merge(block)
        if len(self.state.groups) > 1:
            summarise(self.state, self.source.name, "")  # raises, naming an example of each kind
        if self.progress is not None:
            self.progress(block.samples + len(block.skipped))


def _moments(block: DatasetState) -> Iterator[Sequence[Moments]]:
    for group in block.groups.values():
        yield [channel.moments for channel in group.channels]


def _blocks(order: RandomOrder) -> Iterator[list[int]]:
    for start in range(0, order.size, BLOCK):
        yield order.block(start, start + BLOCK).tolist()


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
