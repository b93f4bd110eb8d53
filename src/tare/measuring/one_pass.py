"""One pass over a source: chunks reduced to a mergeable state on an engine, the state turned into statistics."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from tare._version import __version__
from tare.errors import DataError
from tare.measuring.checkpoint import Checkpoint
from tare.measuring.stated.axes import axes_of_state
from tare.sources.base import Source
from tare.statistics.dataset_stats import DatasetStats, summarise
from tare.statistics.state import DatasetState, Merging
from tare.system.engines.local import Engine, default_workers, ordered_map
from tare.system.progress import Advance


class TooManySkippedError(DataError):
    """The share of unreadable samples is above the limit; ``stats`` holds the statistics of the readable samples."""

    def __init__(self, stats: DatasetStats, share: float, allowed: float) -> None:
        worst = stats.unreadable[0]
        super().__init__(
            f"at most {allowed:.2%} unreadable samples",
            f"{len(stats.unreadable)} of {stats.samples + len(stats.unreadable)} ({share:.2%}), "
            f"the first {worst.path!r}: {worst.reason}",
            "repair or remove them, or allow more with --max-skipped",
        )
        self.stats = stats


def enough_read(stats: DatasetStats, max_skipped: float) -> DatasetStats:
    """Return ``stats``; raise :class:`TooManySkippedError` if the share of unreadable samples is above ``max_skipped``."""
    bad = len(stats.unreadable)
    share = bad / (bad + stats.samples)
    if share > max_skipped:
        raise TooManySkippedError(stats, share, max_skipped)
    return stats


def stats_of(state: DatasetState, source: Source[Any], *, exclude_nan: bool = False, colours: bool = True) -> DatasetStats:
    """Turn the state of a source into statistics, with its channel names and notes on what decoding left out.

    Grey images among colour ones are read as RGB, unless the channels are no ``colours`` but columns or pages.
    """
    names = source.channel_names
    state = state.pooled() if colours and names is None else state
    stats = summarise(state, source.name, __version__, exclude_nan=exclude_nan)
    if not colours:
        names = tuple(f"c{index}" for index in range(len(stats.channels)))
    elif names is None and stats.dtype not in ("uint8", "uint16", "bool") and len(stats.channels) == 1:
        names = ("c0",)  # a signal or a list of numbers is not known to be grey
    if names is not None and len(names) == len(stats.channels):
        channels = tuple(replace(channel, name=name) for channel, name in zip(stats.channels, names, strict=True))
        stats = replace(stats, channels=channels)
    axes = {name: ", ".join(words) for name, words in axes_of_state(state).items()}
    extra = {**({"notes": dict(state.notes)} if state.notes else {}), **({"facts": axes} if axes else {})}
    return replace(stats, extra={**stats.extra, **extra}) if extra else stats


def measure_state(
    source: Source[Any],
    workers: int | None = None,
    progress: Advance | None = None,
    *,
    engine: Engine = "local",
    checkpoint: Checkpoint | None = None,
) -> DatasetState:
    """Reduce a source to its mergeable state; engine, number of workers and interruptions do not change it, to the last bit."""
    if checkpoint is not None:
        return _resumable(source, workers, progress, engine, checkpoint)
    merging = Merging()
    for _, part, length in _reduced(source, source.chunks(), workers, engine):
        merging.add(part)
        if progress is not None:
            progress(length)
    return merging.total


def _resumable(
    source: Source[Any], workers: int | None, progress: Advance | None, engine: Engine, checkpoint: Checkpoint
) -> DatasetState:
    """Like :func:`measure_state`, from and with the checkpoint."""
    taken_up, chunks = checkpoint.begin()
    if progress is not None:
        progress(taken_up)
    for chunk, part, length in _reduced(source, chunks, workers, engine):
        checkpoint.add(chunk, part)
        if progress is not None:
            progress(length)
    return checkpoint.state


@dataclass(frozen=True)
class Reduce:
    """Read one chunk of a source and reduce it to a state, in any process: source, chunks and states are picklable."""

    source: Source[Any]

    def __call__(self, chunk: Any) -> DatasetState:
        """The state of the samples of a chunk."""
        return DatasetState.of(self.source.read(chunk), self.source.cluster_of)


def _reduced(
    source: Source[Any], chunks: Iterator[Any], workers: int | None, engine: Engine
) -> Iterator[tuple[Any, DatasetState, int]]:
    """Each chunk in order, its state, and its number of samples."""
    under_way: deque[Any] = deque()

    def noted() -> Iterator[Any]:
        for chunk in chunks:
            under_way.append(chunk)
            yield chunk

    for part in _mapped(engine, Reduce(source), noted(), workers):
        chunk = under_way.popleft()
        yield chunk, part, source.chunk_length(chunk)


def _mapped(
    engine: Engine, function: Callable[[Any], DatasetState], items: Iterator[Any], workers: int | None
) -> Iterator[DatasetState]:
    if engine == "local":
        return ordered_map(function, items, workers or default_workers())
    if engine == "ray":
        from tare.system.engines.ray import ray_map

        return ray_map(function, items, workers)
    raise DataError("the engine 'local' or 'ray'", repr(engine), "choose one of them")
