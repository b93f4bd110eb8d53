"""Kill a command at random moments, take it up again, and compare what comes of it with a run that was left alone."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.faults.children import begin, finished
from benchmarks.faults.jobs import Job
from benchmarks.faults.whole import Watcher, parts_in

#: So often a command is killed in a row before it may come to its end.
_ROW = 4


@dataclass(slots=True)
class Killed:
    """What came of a job: kills, runs that came to their end after some, files looked at meanwhile, and what was wrong."""

    job: str
    kills: int = 0
    ends: int = 0
    looked: int = 0
    left: int = 0
    wrong: list[str] = field(default_factory=list)


def killed(job: Job, folder: Path, kills: int, seed: int, before: Callable[[], None] = lambda: None) -> Killed:
    """Kill ``job`` in ``folder`` so often, at moments drawn uniformly over the time that it takes if left alone."""
    found, generator = Killed(job.name), random.Random(f"{seed} {job.name}")  # noqa: S311 - moments, no secrets
    begun = time.monotonic()
    wanted, unlike = _left_alone(job, folder, before)
    seconds = (time.monotonic() - begun) / 2
    if unlike:
        found.wrong.append(f"two runs left alone differ in {unlike}")
    while found.kills < kills:
        _clear(folder)
        _row(job, folder, min(_ROW, kills - found.kills), lambda: generator.uniform(0, seconds), found, before)
        last = finished(job.command(folder), folder, before=before)
        if last.code != 0:
            found.wrong.append(f"taken up, it ends with {last.code}: {last.said.strip()[-200:]}")
        elif differing := _differing(wanted, job.result(folder)):
            found.wrong.append(f"taken up, other than left alone: {differing}")
        found.ends += 1
    _clear(folder)
    return found


def _left_alone(job: Job, folder: Path, before: Callable[[], None]) -> tuple[dict[str, str], list[str]]:
    """What the job leaves, and the files in which two such runs differ."""
    results = []
    for _ in range(2):
        _clear(folder)
        done = finished(job.argv, folder, before=before)
        if done.code != 0:
            raise SystemExit(f"tare {' '.join(job.argv)}: {done.code}: {done.said}")
        results.append(job.result(folder))
    return results[0], _differing(*results)


def _row(job: Job, folder: Path, kills: int, delay: Callable[[], float], found: Killed, before: Callable[[], None]) -> None:
    """Begin and kill, up to ``kills`` times; what ends by itself before ends the row."""
    for _ in range(kills):
        child = begin(job.command(folder), folder, before=before)
        with Watcher(folder / "made") as watcher:  # a thread: one that held a lock while forking would leave it held in the child
            ended = child.wait(delay())
            if not ended:
                child.kill()
        found.looked += len(watcher.seen)
        found.wrong += [f"seen while it ran: {fault}" for fault in watcher.faults]
        found.wrong += [f"seen after it ended: {fault}" for fault in parts_in(folder / "made")]
        if ended:
            if child.code != 0:
                found.wrong.append(f"it ended by itself with {child.code}: {child.said.strip()[-200:]}")
            return
        found.kills += 1
        found.left += any(path.name.endswith((".part", ".old", ".tare-before")) for path in (folder / "made").rglob(".*"))


def _clear(folder: Path) -> None:
    shutil.rmtree(folder / "made", ignore_errors=True)
    (folder / "made").mkdir()


def _differing(wanted: dict[str, str], found: dict[str, str]) -> list[str]:
    return sorted(name for name in {*wanted, *found} if wanted.get(name) != found.get(name))
