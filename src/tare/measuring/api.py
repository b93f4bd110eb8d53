"""``tare.measure``: one pass over the data, exact and the same for any number of workers."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tare._version import __version__
from tare.errors import DataError
from tare.measuring.checkpoint import Checkpoint
from tare.measuring.random_draws import draw
from tare.measuring.stopping import Rule
from tare.samples.decode import ColourMode
from tare.samples.transparency import AlphaMode, background_of
from tare.sources.base import Source
from tare.sources.opening import open_source
from tare.sources.options import Options
from tare.statistics.dataset_stats import DatasetStats, summarise
from tare.statistics.state import DatasetState, Merging
from tare.system.engines.local import Engine, default_workers, ordered_map
from tare.system.lock import only_writer

#: Called with the number of samples done since the last call.
Progress = Callable[[int], None]

MAX_SKIPPED = 0.01


class TooManySkippedError(DataError):
    """More samples were unreadable than allowed; ``stats`` holds the statistics of those that were read."""

    def __init__(self, stats: DatasetStats, share: float, allowed: float) -> None:
        worst = stats.unreadable[0]
        super().__init__(
            f"at most {allowed:.2%} unreadable samples",
            f"{len(stats.unreadable)} of {stats.samples + len(stats.unreadable)} ({share:.2%}), "
            f"the first {worst.path!r}: {worst.reason}",
            "repair or remove them, or allow more with --max-skipped",
        )
        self.stats = stats


def measure(
    data: str | os.PathLike[str] | Any,
    *,
    workers: int | None = None,
    channels: ColourMode = "stored",
    columns: str | Sequence[str] | None = None,
    layout: str | None = None,
    array: str | None = None,
    exclude_nan: bool = False,
    as_seen: Any = None,
    alpha: AlphaMode = "drop",
    background: str | None = None,
    engine: Engine = "local",
    checkpoint: str | os.PathLike[str] | None = None,
    tolerance: float | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    max_skipped: float = MAX_SKIPPED,
    progress: Progress | None = None,
) -> DatasetStats:
    """Measure per-channel statistics of a dataset, in unit values ([0, 1] for 8- and 16-bit integers, others as they are).

    ``data`` is a folder, file, pattern or fsspec URL of images, WAV recordings, tar shards, Parquet, Arrow, CSV, ``.npy``,
    ``.npz`` or IDX files or a list of files, or an array, tensor, table, torch dataset or loader, or Hugging Face dataset.
    ``channels`` converts every image to ``"grey"`` or ``"rgb"``; with ``"stored"`` a folder that mixes both is an error.
    ``columns`` names the columns of a table to measure, or the one that holds images; ``layout`` the axes of an array, such
    as ``"NHWC"``; ``array`` the array of an ``.npz``.

    With ``as_seen`` (a size such as ``224`` or ``"224x160"``, a spec or its file, or a model directory that ``tare transfer``
    wrote) images are measured after that network's own resize and crop, turned the way EXIF says.

    ``alpha="composite"`` lays encoded images with alpha over ``background``, a colour such as ``"808080"`` (white unless
    stated); else alpha is dropped. A note in ``extra["notes"]`` counts them.

    ``engine="ray"`` reads on Ray (on the cluster of ``RAY_ADDRESS``, if set); the result is the same to the last bit.
    ``checkpoint`` names a file that a long pass writes now and then, and from which it is taken up again.

    With ``tolerance`` samples are read in the random order of ``seed``, until all means and stds are known to within it with
    ``confidence``, all at once (:mod:`tare.measuring.stopping`); ``extra["sampled"]`` says how many that took.

    Mean and std are pooled over all values of all samples (population, ddof 0) and exact for 8-bit and 16-bit integers;
    standard errors count samples. A channel with NaN or infinities has no mean or std (NaN), unless ``exclude_nan``.

    Raises :class:`DataError` if there is nothing to measure, and :class:`TooManySkippedError`, which carries the statistics
    of the readable samples, if more than the share ``max_skipped`` cannot be read.
    """
    named = (columns,) if isinstance(columns, str) else None if columns is None else tuple(columns)
    options = Options(channels, named, layout, array, as_seen is not None, background_of(alpha, background))
    source = open_source(data, options)
    extra: dict[str, Any] = {}
    if as_seen is not None:
        source, extra["as_seen"] = _seen(source, as_seen)
    if tolerance is not None:
        if engine != "local" or checkpoint is not None:
            raise DataError("a sample read on this machine in one go", "an engine or a checkpoint", "leave one of them out")
        state, extra["sampled"] = draw(source, Rule(tolerance, confidence), seed, workers or default_workers(), progress)
    else:
        kept = None if checkpoint is None else Checkpoint(Path(checkpoint), source, {**asdict(options), **extra})
        state = measure_state(source, workers, progress, engine=engine, checkpoint=kept)
    stats = stats_of(state, source, exclude_nan=exclude_nan)
    return checked(replace(stats, extra={**stats.extra, **extra}), max_skipped)


def _seen(source: Source[Any], stated: Any) -> tuple[Source[Any], dict[str, Any]]:
    """The source after a network's resize and crop, and a record of them for the statistics."""
    from tare.measuring.as_seen import AsSeen, geometry_of

    geometry, origin = geometry_of(stated)
    return AsSeen(source, geometry), {**asdict(geometry), "size": list(geometry.size), "origin": origin}


def stats_of(state: DatasetState, source: Source[Any], *, exclude_nan: bool = False) -> DatasetStats:
    """Turn the state of a source into statistics, with its channel names and notes on what reading left out."""
    stats = summarise(state.widened(), source.name, __version__, exclude_nan=exclude_nan)
    names = source.channel_names
    if names is None and stats.dtype not in ("uint8", "uint16", "bool") and len(stats.channels) == 1:
        names = ("c0",)  # a signal or a list of numbers: nothing says that it is grey
    if names is not None and len(names) == len(stats.channels):
        channels = tuple(replace(channel, name=name) for channel, name in zip(stats.channels, names, strict=True))
        stats = replace(stats, channels=channels)
    return replace(stats, extra={**stats.extra, "notes": dict(state.notes)}) if state.notes else stats


def measure_state(
    source: Source[Any],
    workers: int | None = None,
    progress: Progress | None = None,
    *,
    engine: Engine = "local",
    checkpoint: Checkpoint | None = None,
) -> DatasetState:
    """Reduce a source to its mergeable state; the engine, the number of workers and interruptions change no bit of it."""
    if checkpoint is not None:
        return _resumable(source, workers, progress, engine, checkpoint)
    merging = Merging()
    for _, part, length in _reduced(source, source.chunks(), workers, engine):
        merging.add(part)
        if progress is not None:
            progress(length)
    return merging.total


def _resumable(
    source: Source[Any], workers: int | None, progress: Progress | None, engine: Engine, checkpoint: Checkpoint
) -> DatasetState:
    """Like :func:`measure_state`, taking up and keeping the checkpoint; an interrupt writes it once more."""
    with only_writer(checkpoint.path):
        taken_up, chunks = checkpoint.begin()
        if progress is not None:
            progress(taken_up)
        try:
            for chunk, part, length in _reduced(source, chunks, workers, engine):
                checkpoint.add(chunk, part)
                if progress is not None:
                    progress(length)
        except BaseException:
            checkpoint.save()
            raise
        checkpoint.remove()
    return checkpoint.state


@dataclass(frozen=True)
class Reduce:
    """Reads one chunk of a source and sums it, wherever that is: source, chunks and states are picklable."""

    source: Source[Any]

    def __call__(self, chunk: Any) -> DatasetState:
        """The state of the samples of a chunk."""
        return DatasetState.of(self.source.read(chunk))


def _reduced(
    source: Source[Any], chunks: Iterator[Any], workers: int | None, engine: Engine
) -> Iterator[tuple[Any, DatasetState, int]]:
    """Each chunk in order, its state, and the number of samples it announced."""
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


def checked(stats: DatasetStats, max_skipped: float) -> DatasetStats:
    """Return ``stats``, or raise :class:`TooManySkippedError` if too large a share could not be read."""
    bad = len(stats.unreadable)
    share = bad / (bad + stats.samples)
    if share > max_skipped:
        raise TooManySkippedError(stats, share, max_skipped)
    return stats
