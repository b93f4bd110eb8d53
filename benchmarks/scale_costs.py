"""Costs of one sample, one state and one merge, measured by one thread on this machine."""

from __future__ import annotations

import json
import pickle
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import made_data
from tare.measuring.one_pass import Reduce
from tare.measuring.random_order import RandomOrder
from tare.measuring.stopping import BLOCK, Sampled, StoppingRule, sample_until
from tare.sources.opening import open_source
from tare.statistics.moments import Moments
from tare.statistics.state import DatasetState, Merging
from tare.statistics.state_json import state_to_json


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of data costs, in seconds: ``bare`` decoding alone (None where nothing is decoded), ``sample`` all of it."""

    name: str
    chunk: int
    bare: float | None
    sample: float
    states: tuple[DatasetState, ...]

    @property
    def pickled(self) -> int:
        """Bytes that a worker sends for one chunk."""
        return len(pickle.dumps(self.states[0]))

    @property
    def as_json(self) -> int:
        """Bytes of a state in a checkpoint."""
        return len(json.dumps(state_to_json(self.states[0])))


def kinds(scratch: Path, *, quick: bool) -> Iterator[Kind]:
    """Photographs, small images, arrays and rows."""
    rounds = 2 if quick else 7
    photos = made_data.jpeg_folder(scratch / "photos", 64)
    small = _small_jpegs(scratch / "small", 256)
    for name, folder in (("JPEG, 500 x 375", photos), ("JPEG, 32 x 32", small)):
        files = sorted(str(file) for file in folder.rglob("*.jpg"))
        bare = _fastest(lambda files=files: _decoded(files), rounds) / len(files)  # type: ignore[misc]
        yield _kind(name, folder, bare, rounds)
    images = scratch / "images.npy"
    np.save(images, made_data.byte_images(2048, first=False))
    yield _kind("uint8 array, 64 x 64 x 3", images, None, rounds)
    rows = scratch / "rows.parquet"
    made_data.write_repeated(rows, 240_000)
    yield _kind("Parquet row, 16 doubles", rows, None, rounds)


def merging(states: Sequence[DatasetState], number: int, rounds: int) -> float:
    """Seconds to merge so many states, a node's each."""

    def run() -> DatasetState:
        merged = Merging()
        for place in range(number):
            merged.add(states[place % len(states)])
        return merged.total

    return _fastest(run, rounds)


def sampled(total: int, seeds: int, tolerance: float) -> tuple[list[int], float]:
    """Samples that sampling reads from a generated stream of ``total``, by seed, and the median seconds of a run."""
    read, taken = [], []
    for seed in range(seeds):
        begun = time.perf_counter()
        read.append(_until(total, seed, tolerance).samples)
        taken.append(time.perf_counter() - begun)
    return read, statistics.median(taken)


def _until(total: int, seed: int, tolerance: float) -> Sampled:
    order = RandomOrder(total, seed)
    blocks = (order.block(start, min(start + BLOCK, total)) for start in range(0, total, BLOCK))
    return sample_until((_generated(block) for block in blocks), StoppingRule(tolerance), total, 1e-4)


def _generated(index: Any) -> list[Moments]:
    """Samples of 64 values in three channels: mean 0.5 (std 0.12), std 0.2 (0.05), a function of a sample's index alone."""
    number, scale, moments = np.full(len(index), 64), 1e-4, []
    for channel in range(3):
        first, second = (_uniform(index, 2 * channel + part) for part in (0, 1))
        radius = np.sqrt(-2 * np.log(first))  # Box and Muller 1958
        mean, std = 0.5 + 0.12 * radius * np.cos(2 * np.pi * second), 0.2 + 0.05 * radius * np.sin(2 * np.pi * second)
        std = np.maximum(np.abs(std), 1e-3)
        sums, squares = np.rint(64 * mean / scale), np.rint(64 * (mean**2 + std**2) / scale**2)
        moments.append(Moments.of_integer_samples(number, sums.astype(np.int64), squares.astype(np.int64), 0.0, 1.0))
    return moments


def _uniform(index: Any, stream: int) -> Any:
    """A number in (0, 1) for each index: the finaliser of SplitMix64 (Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        z = (np.asarray(index).astype(np.uint64) * np.uint64(8) + np.uint64(stream + 1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return ((z >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53


def _kind(name: str, data: Path, bare: float | None, rounds: int) -> Kind:
    source = open_source(str(data))
    reduce, chunks = Reduce(source), list(source.chunks())
    states = tuple(reduce(chunk) for chunk in chunks)
    samples = sum(state.samples for state in states)
    taken = _fastest(lambda: [reduce(chunk) for chunk in chunks], rounds)
    return Kind(name, states[0].samples, bare, taken / samples, states)


def _fastest(function: Callable[[], object], rounds: int) -> float:
    """The least of some rounds: a cost without what else the machine did."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        function()
        times.append(time.perf_counter() - begun)
    return min(times)


def _decoded(files: Sequence[str]) -> None:
    import simplejpeg

    for file in files:
        with open(file, "rb", buffering=0) as stream:
            simplejpeg.decode_jpeg(stream.read(), "RGB")


def _small_jpegs(root: Path, count: int) -> Path:
    import simplejpeg

    root.mkdir()
    images = made_data.byte_images(count, first=False)[:, :32, :32]
    for index, image in enumerate(images):
        (root / f"{index:05}.jpg").write_bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(image), quality=75))
    return root
