"""Kill the workers of a command and not the command itself, on this machine and on Ray."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.faults.children import Child, begin, finished
from benchmarks.faults.jobs import STUDY_PLAN, TRANSFER, Job
from benchmarks.faults.others import alone, said_in_one_line
from benchmarks.hostile.bad_images import pixels

#: A pass over so many photographs of so many pixels a side lasts seconds, so that a worker is met at work.
_PHOTOS, _SIDE = 512, 1200
_MEASURE = Job("measure", ("measure", "large", "--out", "made/stats.json"))
#: So many cells that its workers, too, live for more than a second.
_STUDY = Job("study", ("study", "signals", *STUDY_PLAN, "--seeds", "32", "--out", "made/out"))
_ONE, _TWO, _ON_RAY = ("--workers", "1"), ("--workers", "2"), ("--engine", "ray", "--workers", "2")


@dataclass(frozen=True, slots=True)
class Worked:
    """A job without workers and with them, how they are known, and whether it must go on when they die.

    ``kills`` workers are killed at work, after up to ``pause`` seconds of it; without a number, every one that is met. A command
    that does not ``recover`` must end in a line, and give the result of the job without workers when it is begun again.
    """

    name: str
    job: Job
    without: tuple[str, ...]
    options: tuple[str, ...]
    at_work: Callable[[int], Iterator[int]]
    kills: int | None = None
    pause: float = 0.2
    recover: bool = False


def prepare(folder: Path) -> None:
    """The photographs of the pass: one, under many names."""
    from PIL import Image

    (folder / "large").mkdir()
    first = folder / "large" / "0.jpg"
    Image.fromarray(pixels(side=_SIDE)).save(first)
    for index in range(1, _PHOTOS):
        os.link(first, first.with_name(f"{index}.jpg"))


def worked(ray: bool) -> list[Worked]:
    """All of them; those on Ray only where it is installed."""
    local = [
        Worked("study", _STUDY, _ONE, _TWO, _forked, kills=1, pause=0.1),
        Worked("transfer", TRANSFER, (), _TWO, _loading, pause=0.0),
    ]
    if not ray:
        return local
    return [
        *local,
        Worked("measure --engine ray", _MEASURE, (), _ON_RAY, _ray_tasks, kills=3, recover=True),
        Worked("measure --engine ray, every one", _MEASURE, (), _ON_RAY, _ray_tasks),
        Worked("study --engine ray", _STUDY, _ONE, _ON_RAY, _ray_tasks, kills=3, recover=True),
    ]


def worker_killed(case: Worked, folder: Path, seed: int) -> list[str]:
    """What is wrong with what comes of a command whose workers are killed while they work."""
    generator = random.Random(f"{seed} {case.name}")  # noqa: S311 - moments, no secrets
    wanted = alone(replace(case.job, options=case.without), folder)
    job = replace(case.job, options=case.options)
    child = begin(job.command(folder), folder)
    killed = 0
    while (case.kills is None or killed < case.kills) and _killed(child, case, generator):
        killed += 1
    if not child.wait(300):
        child.kill()
    if killed < (case.kills or 1):
        return [f"{killed} workers were met at work, and it ended with {child.code}: {child.said.strip()[-300:]}"]
    if not case.recover:
        if wrong := said_in_one_line(child):
            return wrong
        child = finished(job.command(folder), folder)
    if child.code != 0:
        return [f"exit code {child.code}: {child.said.strip()[-300:]}"]
    return [] if job.result(folder) == wanted else ["another result than with workers that live"]


def _killed(child: Child, case: Worked, generator: random.Random) -> bool:
    """Kill a worker that is at work, after a moment in which it gets on; False if the command ends before one is met."""
    while not child.ended():
        for pid in case.at_work(child.pid):
            time.sleep(generator.uniform(0, case.pause))
            if pid in case.at_work(child.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    return True
        time.sleep(0.005)
    return False


def _ray_tasks(pid: int) -> Iterator[int]:
    """Ray names its workers after what they do."""
    return (each for each, words, _ in _descendants(pid) if words.startswith("ray::_apply"))


def _forked(pid: int) -> Iterator[int]:
    """Workers of a process pool: their parent is the process that they are forked from."""
    found = list(_descendants(pid))
    servers = {each for each, words, parent in found if "forkserver" in words and parent == pid}
    return (each for each, _, parent in found if parent in servers)


def _loading(pid: int) -> Iterator[int]:
    """Torch's loaders are forked from the command itself."""
    return (each for each, words, parent in _descendants(pid) if parent == pid and "resource_tracker" not in words)


def _descendants(pid: int) -> Iterator[tuple[int, str, int]]:
    """Process, command line and parent of everything that came of a process."""
    found: dict[int, tuple[str, int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found[int(entry.name)] = (words, int((entry / "stat").read_text().rpartition(")")[2].split()[1]))
    ours = {pid}
    grown = True
    while grown:
        more = {each for each, (_, parent) in found.items() if parent in ours} - ours
        ours, grown = ours | more, bool(more)
    return ((each, *found[each]) for each in sorted(ours - {pid}) if each in found)
