"""What measuring and studying cost at sizes that nobody has here: ``python -m benchmarks.scale [--quick] [--write PAGE]``.

Costs are measured on this machine, times at other sizes are computed from them, and the page says which is which.
"""

from __future__ import annotations

import argparse
import math
import platform
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks.scale_costs import Kind, kinds, merging, sampled
from benchmarks.scale_ray import TwoNodes, empty_task, two_nodes
from tare.studying.execution.estimate import estimated_seconds
from tare.studying.plan import plan_of
from tare.system.engines.local import default_workers
from tare.system.files import write_text

T = TypeVar("T")

_SIZES = tuple(10**power for power in range(4, 10))
_WORKERS = (1, 2, 64, 1024)
_STATES = (1, 4, 16, 64, 256, 1024)
_TOLERANCE = 0.02
_TEMPLATE = Path(__file__).with_name("scale_template.md")


@dataclass(frozen=True, slots=True)
class Figures:
    """All that was measured."""

    kinds: tuple[Kind, ...]
    merges: tuple[tuple[float, ...], ...]
    sampled: tuple[tuple[int, list[int], float], ...]
    started: float
    task: float
    nodes: TwoNodes
    cell: float
    cells: int
    unit: int

    def seconds(self, kind: Kind, samples: int, workers: int) -> float:
        """Computed: workers read side by side; one process sends the tasks, and merges what comes back."""
        chunks = math.ceil(samples / kind.chunk)
        reading = math.ceil(chunks / workers) * min(samples, kind.chunk) * kind.sample
        if workers == 1:
            return reading + chunks * self.merge(kind)
        return max(reading, chunks * (self.task + self.merge(kind)))

    def study(self, cells: int, workers: int) -> float:
        """Computed: a task is the cells of some seeds of one network under one shift, and one worker's."""
        units = math.ceil(cells / self.unit)
        return math.ceil(units / workers) * min(cells, self.unit) * self.cell

    def merge(self, kind: Kind) -> float:
        """Seconds to merge one more state, from the longest run measured."""
        return self.merges[self.kinds.index(kind)][-1] / _STATES[-1]

    def limit(self, kind: Kind) -> float:
        """Workers that the sending and merging process keeps busy."""
        return kind.chunk * kind.sample / (self.task + self.merge(kind))


def main() -> None:
    """Measure, then print or write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, to see that it runs")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the page instead of printing it")
    arguments = parser.parse_args()
    page = page_of(_measured(quick=arguments.quick))
    if arguments.write is None:
        print(page)
    else:
        write_text(arguments.write, page)


def _measured(*, quick: bool) -> Figures:
    rounds = 1 if quick else 5
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        found = _told("costs of a sample", lambda: tuple(kinds(place, quick=quick)))
        merges = _told("merging", lambda: tuple(tuple(merging(kind.states, n, rounds) for n in _STATES) for kind in found))
        totals = _SIZES[:3] if quick else _SIZES[:4]
        streams = _told("sampling", lambda: tuple((n, *sampled(n, 2 if quick else 20, _TOLERANCE)) for n in totals))
        started, task = _told("empty tasks", lambda: empty_task(200 if quick else 2000, default_workers()))
        nodes = _told("two Ray nodes", lambda: two_nodes(place / "photos"))
    plan = plan_of({"study": "digits", "networks": "cnn-batch", "seeds": 2 if quick else 20})
    cell = _told("a study's cells", lambda: estimated_seconds(plan, 1)) / plan.number
    unit = plan.task.together * len(plan.strategies) * len(plan.sizes)
    return Figures(found, merges, streams, started, task, nodes, cell, plan.number, unit)


def _told(what: str, measure: Callable[[], T]) -> T:
    print(f"measuring: {what}", flush=True)
    return measure()


def page_of(figures: Figures) -> str:
    """The page, from the template and the figures."""
    named = [kind.name for kind in figures.kinds]
    headings = ("data", "bare", "measured", "share of decoding", "samples a chunk", "state sent", "state in a checkpoint")
    merges = [
        (kind.name, *map(_time, row), _time(figures.merge(kind))) for kind, row in zip(figures.kinds, figures.merges, strict=True)
    ]
    passes = [
        (kind.name, f"{workers:,}", *(_time(figures.seconds(kind, n, workers)) for n in _SIZES))
        for kind in figures.kinds
        for workers in _WORKERS
    ]
    limits = [_limit_row(figures, kind) for kind in figures.kinds]
    studies = [(f"{n:,}", *(_time(figures.study(n, workers)) for workers in _WORKERS)) for n in (10**3, 10**4, 10**5, 10**6)]
    return _TEMPLATE.read_text(encoding="utf-8").format(
        machine=f"{default_workers()} processors ({platform.machine()}), Python {platform.python_version()}",
        costs=_table(headings, [_kind_row(kind) for kind in figures.kinds]),
        merging=_table(("data", *(f"{n:,}" for n in _STATES), "one more"), merges),
        started=_time(figures.started),
        task=_time(figures.task),
        limits=_table(("data", "work in a chunk", "task and merge", "workers kept busy"), limits),
        passes=_table(("data", "workers", *(f"10^{len(str(n)) - 1}" for n in _SIZES)), passes),
        tolerance=_TOLERANCE,
        seeds=len(figures.sampled[0][1]),
        sampling=_table(
            ("stream", "samples read, mean (least to most)", "share", "rule, order, generator", f"with decoding of {named[0]}"),
            [_sampled_row(figures, *row) for row in figures.sampled],
        ),
        nodes=_two_nodes(figures.nodes),
        cell=_time(figures.cell),
        cells=f"{figures.cells:,}",
        unit=f"{figures.unit:,}",
        studies=_table(("cells", *(f"{workers:,} worker{'s' * (workers > 1)}" for workers in _WORKERS)), studies),
    )


def _kind_row(kind: Kind) -> tuple[str, ...]:
    bare = "" if kind.bare is None else _time(kind.bare)
    share = "" if kind.bare is None else f"{kind.bare / kind.sample:.2f}"
    sizes = (f"{kind.pickled:,} bytes", f"{kind.as_json:,} bytes")
    return kind.name, bare, _time(kind.sample), share, f"{kind.chunk:,}", *sizes


def _limit_row(figures: Figures, kind: Kind) -> tuple[str, ...]:
    work, cost = kind.chunk * kind.sample, figures.task + figures.merge(kind)
    return kind.name, _time(work), _time(cost), f"{figures.limit(kind):,.0f}"


def _sampled_row(figures: Figures, total: int, read: list[int], seconds: float) -> tuple[str, ...]:
    mean = sum(read) / len(read)
    whole = seconds + mean * figures.kinds[0].sample
    spread = f"{mean:,.0f} ({min(read):,} to {max(read):,})"
    return f"{total:,}", spread, f"{100 * mean / total:.2g}%", _time(seconds), _time(whole)


def _two_nodes(found: TwoNodes) -> str:
    equal = "every figure equals the local engine's" if found.same_bits else "FIGURES DIFFER from the local engine's"
    shares = " and ".join(map(str, found.tasks))
    return (
        "`ray start --head` and a second `ray start --address`, one processor each, both on this machine; `RAY_ADDRESS` named\n"
        f"the head. {found.nodes} nodes were alive; of {sum(found.tasks)} short tasks they ran {shares}; {equal} to the last"
        f" bit.\n{found.photos} photographs took {_time(found.seconds)}, of which starting workers is most; without Ray"
        f" {_time(found.local)}."
    )


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(headings) + " |", "|---" + "|--:" * (len(headings) - 1) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _time(seconds: float) -> str:
    for unit, size in (("days", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3)):
        if seconds >= size * (2 if size > 60 else 1):
            return f"{seconds / size:,.3g} {unit}" if seconds / size < 1000 else f"{seconds / size:,.0f} {unit}"
    return f"{seconds * 1e6:.3g} µs"


if __name__ == "__main__":
    main()
