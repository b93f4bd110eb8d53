"""False alarms of ``tare drift`` on rows whose neighbours are alike, and changes that it finds: ``--write docs/monitor.md``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.stats import binomtest

import tare
from benchmarks.marks import insert_between
from tare.monitoring.reference import Reference

ROWS, SERVICES, SHIFT = 2000, 100, 1.5
#: What is said of a stream whose reference is in random order.
SHUFFLED = ", the reference shuffled"
Rows = NDArray[np.float64]


def autoregressive(chance: np.random.Generator, number: int, correlation: float) -> Rows:
    """Rows ``(N, 2)`` of two columns with std 1, each with this correlation from one row to the next."""
    noise = chance.normal(size=(number + 500, 2)) * np.sqrt(1 - correlation**2)
    return np.asarray(lfilter([1.0], [1.0, -correlation], noise, axis=0)[500:], np.float64)


def daily(chance: np.random.Generator, number: int) -> Rows:
    """Hours of days: a cycle of 24 rows, with half of the variance, and weather."""
    cycle = np.sin(2 * np.pi * (np.arange(number) + chance.integers(24)) / 24)[:, None]
    return np.asarray(cycle + np.sqrt(0.5) * autoregressive(chance, number, 0.95), np.float64)


STREAMS: dict[str, Callable[[np.random.Generator, int], Rows]] = {
    "independent": partial(autoregressive, correlation=0.0),
    **{f"AR(1), {each}": partial(autoregressive, correlation=each) for each in (0.3, 0.6, 0.9, 0.98)},
    f"AR(1), 0.9{SHUFFLED}": partial(autoregressive, correlation=0.9),
    "daily cycle and AR(1), 0.95": daily,
}


@dataclass(frozen=True)
class Found:
    """Of services: those found alike, with an alarm, with one where the memory is not taken, and with one after a change."""

    stream: str
    alike: int
    alarms: int
    without: int
    shifted: int


def measured(stream: str, services: int) -> Found:
    """Services of one stream: each with a reference and rows of its own."""
    counts = np.zeros(4, np.int64)
    for seed in range(services):
        chance = np.random.default_rng((seed, len(stream)))
        known, rows = (STREAMS[stream](chance, ROWS) for _ in range(2))
        reference = Reference.of(chance.permutation(known) if stream.endswith(SHUFFLED) else known, workers=1)
        moved = rows + SHIFT * (np.arange(ROWS) >= ROWS // 2)[:, None]
        plain, later = tare.drift(reference, rows), tare.drift(reference, moved)
        monitor = tare.Monitor(reference)
        for start in range(0, ROWS, 8):
            monitor.update(rows[start : start + 8])
        counts += [bool(plain.neighbours), plain.alarm > 0, monitor.alarm, later.alarm > 0]
    return Found(stream, *counts.tolist())


def table(found: list[Found], services: int) -> str:
    """The Markdown table."""
    lines = [
        f"**Rows whose neighbours are alike.** {services} services a row, each with a reference of {ROWS:,} rows of two columns "
        f"in their order and {ROWS:,} later ones of the same process. "
        f"The change is an offset of {SHIFT:g} stds in the second half.",
        "",
        "| rows | found alike | with any alarm | 95% interval of their share | alarms without a memory | change found |",
        "|---|---|---|---|---|---|",
    ]
    for each in found:
        low, high = binomtest(each.alarms, services).proportion_ci(0.95)
        share = f"{low:.1%} to {high:.1%}"
        lines.append(f"| {each.stream} | {each.alike} | {each.alarms} | {share} | {each.without} | {each.shifted} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--services", type=int, default=SERVICES)
    given = parser.parse_args()
    text = table([measured(stream, given.services) for stream in STREAMS], given.services)
    print(text)
    if given.write is not None:
        insert_between(given.write, text, "<!-- neighbours -->", "<!-- /neighbours -->")


if __name__ == "__main__":
    main()
