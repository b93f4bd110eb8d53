"""What more data, a second worker and another engine cost: time and memory."""

from __future__ import annotations

import logging
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

import tare
from benchmarks import made_data
from benchmarks.harness import Outcome, Result, Row, Setting, compared, peer

_PROGRAM = """
import sys, time
import tare
tare.measure(sys.argv[1], workers=1, max_skipped=1.0)  # compiled code is loaded
begun = time.perf_counter()
tare.measure(sys.argv[2], workers=2)
print(time.perf_counter() - begun)
print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))
"""


def growth(setting: Setting) -> Iterator[Outcome]:
    """Time a sample and peak memory of a process that measures 1x, 10x and 100x the data, each size against the one before.

    The least size is one for which the compiled loops are loaded, whose memory is in every figure then.
    """
    factors = (1, 10) if setting.quick else (1, 10, 100)
    for kind, small in (("npy", 3000), ("parquet", 5)):
        paths = [_sized(setting.scratch, kind, small * factor) for factor in factors]
        found = [[measured_alone(paths[0], path) for path in paths] for _ in range(1 if setting.quick else 3)]
        for place in range(1, len(factors)):
            before, after = factors[place - 1], factors[place]
            sizes = " and ".join(f"{paths[index].stat().st_size / 1e6:.0f}" for index in (place - 1, place))
            name, step = f".{kind} of {sizes} MB", after // before
            seconds = [(row[place - 1][0], row[place][0] / step) for row in found]
            peaks = [(row[place][1], row[place - 1][1]) for row in found]
            yield divided(name, f"time a sample at {before}x / at {after}x", seconds, "s", "")
            yield divided(name, f"peak memory at {after}x / at {before}x", peaks, "MB", "<= 1.2")


def engines(setting: Setting) -> Iterator[Outcome]:
    """The same folder on a local Ray node: once it is up, and how long it takes to come up."""
    yield from peer("Ray", ["ray"], partial(_ray_rows, setting))


def two_workers(setting: Setting) -> Iterator[Outcome]:
    """What a second worker brings, as stored and after resize and crop."""
    folder = made_data.jpeg_folder(setting.scratch / "photos", 128)
    for name, seen in (("as stored", None), ("as seen at 224", 224)):
        yield compared(
            f"JPEG folder, {name}",
            partial(tare.measure, folder, workers=1, as_seen=seen),
            partial(tare.measure, folder, workers=2, as_seen=seen),
            setting,
            ratio_of="1 worker / 2 workers",
            rounds=5,
        )


ROWS = (Row("growth", growth), Row("workers", two_workers), Row("ray", engines))


def divided(name: str, ratio_of: str, pairs: list[tuple[float, float]], unit: str, goal: str) -> Result:
    """The ratios of pairs, and the medians of what is divided."""
    medians = [statistics.median(column) for column in zip(*pairs, strict=True)]
    return Result(name, ratio_of, tuple(a / b for a, b in pairs), medians[0], medians[1], unit, goal)


def _sized(scratch: Path, kind: str, size: int) -> Path:
    path = scratch / f"growth-{size}.{kind}"
    if path.exists():
        return path
    if kind == "npy":
        _write_repeated(path, size)
    else:
        made_data.write_repeated(path, size * 60_000)
    return path


def _write_repeated(path: Path, images: int) -> None:
    """The same 500 images over and over, without holding them all."""
    block = made_data.byte_images(500, first=False)
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(images, *block.shape[1:]))
    for start in range(0, images, len(block)):
        out[start : start + len(block)] = block[: images - start]
    out.flush()


def measured_alone(small: Path, path: Path) -> tuple[float, float]:
    """Seconds, and peak resident memory in MB, of a process that measures ``path`` once its compiled code is loaded by ``small``.

    Its own memory: getrusage would count its parent's, too.
    """
    command = [sys.executable, "-c", _PROGRAM, str(small), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    taken, peak = done.stdout.split()
    return float(taken), int(peak) / 1e3


def _ray_rows(setting: Setting) -> Iterator[Result]:
    import ray

    begun = time.perf_counter()
    ray.init(address="local", num_cpus=setting.workers, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    started = time.perf_counter() - begun
    try:
        folder = made_data.jpeg_folder(setting.scratch / "photos", 128)
        local = partial(tare.measure, folder, workers=setting.workers)
        begun = time.perf_counter()
        first = tare.measure(folder, workers=setting.workers, engine="ray")
        warmed = time.perf_counter() - begun
        if first.channels != local().channels:
            raise ArithmeticError("both engines give the same figures to the last bit, these differ")
        remote = partial(tare.measure, folder, workers=setting.workers, engine="ray")
        yield compared("JPEG folder, 128 files", local, remote, setting, ratio_of="local engine / Ray, node up", rounds=5)
        begun = time.perf_counter()
        local()
        alone = time.perf_counter() - begun
        whole = started + warmed
        yield Result("JPEG folder, 128 files", "local engine / Ray, node started", (alone / whole,), alone, whole, "s")
    finally:
        ray.shutdown()
