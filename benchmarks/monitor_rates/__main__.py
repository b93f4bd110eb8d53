"""``python -m benchmarks.monitor_rates [--services N] [--write docs/monitor.md]``: what docs/monitor.md promises, measured.

``--trials`` counts the services of a delay and ``--named`` those of a kind. The real samples lie under the folder that the
environment variable TARE_DATA names. Rows are kept in a file as they are found, so that an interrupted run goes on: that of this
folder has those that were measured so far. A service takes between 0.04 and 0.2 seconds of one core, and a kind one second.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scipy import stats

from benchmarks.marks import insert_between
from benchmarks.monitor_rates.naming import MULTIPLES, RIGHT, Naming, naming
from benchmarks.monitor_rates.pools import FAULTS, Samples, digits, real, sixteen_bits
from benchmarks.monitor_rates.rates import MEMORY, Alarms, Delay, delay, false_alarms

_BATCHES = 10_000
_REFERENCE = 1000
_PART = 50
# Twelve bits in sixteen need samples of 16 bits; an offset has no meaning for numbers without a range.
_DELAYED = ("gain 0.9", "offset 0.05", "channels swapped", "dead channel")
_DEPTH = "12 bits in 16"
_AFTER = (0, 1000)

Row = tuple[str, Callable[[], Any]]


def rows(samples: dict[str, Samples], services: int, trials: int, named: int) -> Iterator[Row]:
    """What is measured, each with a key."""
    pools = {name: each.pool() for name, each in samples.items()}
    for start in range(0, services, _PART):
        seeds = range(start, min(start + _PART, services))
        for name, pool in pools.items():
            # Without a memory nearly all services of correlated batches raise an alarm; a few of them show it.
            unstated = [(True, None)] if not start else []
            for correlated, memory in ((False, None), (True, MEMORY), *unstated):
                key = f"alarms {name} {correlated} {memory} {seeds.start} {seeds.stop}"
                yield (
                    key,
                    lambda p=pool, s=seeds, c=correlated, m=memory: false_alarms(  # type: ignore[misc]
                        p, _REFERENCE, s, _BATCHES, correlated=c, memory=m
                    ),
                )
    deep = sixteen_bits(samples["photographs"])
    delayed = [(samples[name], fault) for name in ("photographs", "X-rays") for fault in _faults(samples[name])]
    for each, fault in (*delayed, (deep, _DEPTH)):
        for after in _AFTER:
            yield (
                f"delay {each.name} {fault} {after} {trials}",
                lambda e=each, f=fault, a=after: delay(e.pool(), e.figures(FAULTS[f]), f, _REFERENCE, a, trials),  # type: ignore[misc]
            )
    for fault in RIGHT:
        served = deep if fault == _DEPTH else samples["photographs"]
        yield f"naming {fault} {named}", lambda s=served, f=fault: naming(s, f, _REFERENCE, 60, named)  # type: ignore[misc]


def _faults(samples: Samples) -> list[str]:
    return [fault for fault in _DELAYED if fault != "channels swapped" or len(samples.taking.channels) > 1]


def main() -> None:
    """Measure what is missing, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=2000)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--named", type=int, default=300)
    parser.add_argument("--rows", type=Path, default=Path(__file__).with_name("rates.jsonl"))
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    known = read(given.rows)
    root = Path(os.environ["TARE_DATA"].partition(os.pathsep)[0])
    samples = {each.name: each for each in (digits(), *real(root))}
    for key, measure in rows(samples, given.services, given.trials, given.named):
        if key not in known:
            known[key] = asdict(measure())
            with given.rows.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, **known[key]}) + "\n")
            print(key, known[key], flush=True)
    if given.write is not None:
        insert_between(given.write, tables(known), "<!-- measured -->", "<!-- /measured -->")


def read(path: Path) -> dict[str, dict[str, Any]]:
    """The rows of a file by key, none without one."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = [json.loads(line) for line in lines]
    return {row.pop("key"): row for row in found}


def tables(known: dict[str, dict[str, Any]]) -> str:
    """All tables as Markdown."""
    return "\n".join([*_alarms(known), "", *_delays(known), "", *_namings(known)])


def _alarms(known: dict[str, dict[str, Any]]) -> Iterator[str]:
    yield (
        f"**False alarms.** Each service draws a reference of {_REFERENCE:,} samples and then {_BATCHES:,} batches of 8 from the "
        "same real samples, with replacement, and looks after every batch. Promised: at most 5%.\n"
    )
    yield "| samples | stream | `memory` | services | with any alarm | 95% interval of their share |"
    yield "|---|---|---|---|---|---|"
    totals: dict[tuple[str, str, str], list[int]] = {}
    for row in (Alarms(**row) for key, row in known.items() if key.startswith("alarms ")):
        total = totals.setdefault((row.name, row.stream, row.memory), [0, 0])
        total[0], total[1] = total[0] + row.services, total[1] + row.alarms
    for (name, stream, memory), (services, alarms) in totals.items():
        share = stats.binomtest(alarms, services).proportion_ci(method="exact")
        stated = "none" if memory == "samples" else memory
        yield f"| {name} | {stream} | {stated} | {services:,} | {alarms} | {share.low:.1%} to {share.high:.1%} |"


def _delays(known: dict[str, dict[str, Any]]) -> Iterator[str]:
    yield (
        "**Delay.** Batches of 8 until the alarm, after a change at the first batch or after 1,000 batches. Beside it the "
        "samples that a test of fixed size needs that knows the moment and the reference exactly: over all figures "
        "(Bonferroni), and one that also knows the figure; both at 5%, with a power of 95%.\n"
    )
    headings = ("samples", "change", "after", "median", "slowest", "missed in 600", "fixed size", "knowing the figure")
    yield f"| {' | '.join(headings)} | median / fixed size |"
    yield f"|{'---|' * (len(headings) + 1)}"
    latest = {(row.name, row.fault, row.after): row for row in (Delay(**r) for k, r in known.items() if k.startswith("delay "))}
    for row in latest.values():
        slowest = str(row.latest) if not row.missed else "600"
        yield (
            f"| {row.name} | {row.fault} | {row.after:,} | {row.batches:g} | {slowest} | {row.missed} | {row.oracle:.0f} "
            f"| {row.knowing:.0f} | {row.ratio:.1f} |"
        )


def _namings(known: dict[str, dict[str, Any]]) -> Iterator[str]:
    yield (
        "**Kinds and constants.** Photographs, served in batches of 8. How many services name the change rightly after one, two "
        "and three times the samples that the test of fixed size needs; and what the verdict says after 60 batches, with how "
        "many intervals of gain or offset (one a channel) hold the true value.\n"
    )
    times = [f"right after {multiple} x" for multiple in MULTIPLES]
    headings = ("change", "fixed size", "services", *times, "right after 60 batches", "not clear yet", "otherwise")
    yield f"| {' | '.join(headings)} | intervals that hold |"
    yield f"|{'---|' * (len(headings) + 1)}"
    for row in {row.fault: row for row in (Naming(**r) for k, r in known.items() if k.startswith("naming "))}.values():
        other = row.services - row.right - row.unclear
        said = f"{other} ({row.others})" if other else "0"
        held = f"{row.held} of {row.intervals}" if row.intervals else ""
        early = " | ".join(str(number) for number in row.early)
        yield (f"| {row.fault} | {row.oracle:.0f} | {row.services} | {early} | {row.right} | {row.unclear} | {said} | {held} |")


if __name__ == "__main__":
    main()
